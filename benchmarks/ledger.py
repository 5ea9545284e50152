"""The live ledger: what an event costs, and how soon the indicators that it touches are there, by number of machines.

Events (states and counts in turn, of machines drawn at random) are stored in SQLite in batches, as the KPI service does
it: decoded, put into their machines' histories, the rows that they touch recomputed and written, and the sums of the
running windows of machine, line, area and site changed; then the indicators of those are made. The service does the
latter once a second, so there each window is made once however many events touch it. The reference is the same events
written without any ledger: its cost, too, grows with the number of machines, as their rows lie on more pages.

    ./corridor bench ledger
"""

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from broker.contract.codec import encode
from broker.contract.events import AnyEvent, Count, StateChange
from broker.contract.message import Message
from broker.plant.plant import Plant
from broker.plant.plant_file import parse
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.machine import SILENT_NS, Change
from services.kpi.published.windows import Windows
from services.store.interface import Batch, LedgerRow
from services.store.opening import open_store

SECOND = 1_000_000_000
TWO_DAYS = 2 * 86_400 * SECOND
EVENTS, BATCH = 4_000, 10
"""Small batches, as they come where little is sent; in larger ones a machine's rows are made once for many events."""
PLANT = """
[calendar.always]
time-zone = "UTC"
shifts = [
  { name = "day", start = "00:00", end = "12:00" },
  { name = "night", start = "12:00", end = "00:00" },
]
[asset.bench]
calendar = "always"
ideal-cycle = 1.0
"""


async def main() -> None:
    print(
        "          CPU, µs an event: stored with   without   and its indicators     from message, ms           a tick"
    )
    print("machines                   its ledger    ledger          made, at once     p50    p95    p99   most      ms")
    costs: dict[int, tuple[float, float]] = {}
    for machines in (10, 100, 1_000, 10_000):
        with tempfile.TemporaryDirectory() as folder:
            costs[machines] = await measure(Path(folder), machines, parse(PLANT, "bench"))
    stored, plain = costs[10]
    for many in (100, 1_000, 10_000):
        print(
            f"{many:,} machines cost {costs[many][0] / stored:.2f} times as much an event as 10;"
            f" without ledger {costs[many][1] / plain:.2f} times"
        )
    few_rows, few_s = await silence(10)
    for many in (100, 10_000):
        rows, tick_s = await silence(many)
        print(
            f"{many:,} machines with one state two days ago: {rows} rows a minute, {tick_s * 1e3:.2f} ms of CPU a"
            f" tick, {tick_s / few_s:.1f} times as much as 10"
        )
    assert few_rows == 0, "what is silent makes no rows"


async def silence(machines: int) -> tuple[int, float]:
    """Return the rows a minute and the CPU of a tick, seconds, of machines that reported one state two days ago."""
    now = time.time_ns() // (60 * SECOND) * 60 * SECOND
    rows = 0
    with tempfile.TemporaryDirectory() as folder:
        store = await open_store(f"sqlite:///{folder}/ledger.db")
        names = [f"bench/area-{n % 7}/line-{n // 50}/machine-{n}" for n in range(machines)]
        await store.write(Batch(events=[StateChange(asset=each, at=now - TWO_DAYS, state="running") for each in names]))
        ended = now - TWO_DAYS + SILENT_NS
        last = [LedgerRow(each, ended, "-", "day", {"running_s": 60 * SECOND}) for each in names]
        await store.write(Batch(rows=last))
        windows = Windows(store, parse(PLANT, "bench"))

        def count(changes: list[Change], events: Sequence[AnyEvent]) -> None:
            nonlocal rows
            rows += len(changes)
            windows.apply(changes, events)

        writer = LedgerWriter(store, parse(PLANT, "bench"), lambda: now, changed=count)
        used = 0.0
        for tick in range(60 + 60):
            began = time.process_time()
            await writer.advance()
            await windows.roll(writer, now)
            list(windows.due(now))
            used += (
                time.process_time() - began if tick >= 60 else 0
            )  # until then, the store is read and windows cleared
            now += SECOND
        await store.close()
    return rows, used / 60


async def measure(folder: Path, machines: int, plant: Plant) -> tuple[float, float]:
    """Print a line for a number of machines; return the cost of an event with and without ledger, seconds of CPU."""
    draw = random.Random(machines)  # noqa: S311  (which machine reports next is no secret)
    names = [f"bench/area-{n % 7}/line-{n // 50}/machine-{n}" for n in range(machines)]
    now = time.time_ns() // (60 * SECOND) * 60 * SECOND
    produced = dict.fromkeys(names, 0)
    store = await open_store(f"sqlite:///{folder / 'ledger.db'}")
    plain = await open_store(f"sqlite:///{folder / 'plain.db'}")
    windows = Windows(store, plant)
    writer = LedgerWriter(store, plant, lambda: now, changed=windows.apply)
    first: list[AnyEvent] = [StateChange(asset=name, at=now - SECOND, state="running") for name in names]
    await writer.store_events(first)
    await writer.advance()
    await windows.roll(writer, now)
    list(windows.due(now))
    delays: list[float] = []
    used = published = without = 0.0
    for _ in range(EVENTS // BATCH):
        messages: list[Message] = []
        events: list[AnyEvent] = []
        for number in range(BATCH):
            name = draw.choice(names)
            at = now - draw.randrange(SECOND)
            produced[name] += 1
            event: AnyEvent = (
                StateChange(asset=name, at=at, state=draw.choice(("running", "down", "idle")))
                if number % 2
                else Count(asset=name, at=at, produced=produced[name], good=produced[name])
            )
            events.append(event)
            sent = encode(event)
            messages.append(Message(sent.topic, sent.payload, received_at=now))
        began, began_cpu = time.perf_counter(), time.process_time()
        await writer.persist(messages)
        used += time.process_time() - began_cpu
        began_due = time.process_time()
        list(windows.due(now))
        published += time.process_time() - began_due
        delays.append(time.perf_counter() - began)
        began_cpu = time.process_time()
        await plain.write(Batch(events=events))
        without += time.process_time() - began_cpu
        now += BATCH * 10 * SECOND // machines  # each machine reports something every ten seconds
    ticks = []
    for _ in range(3):
        now += SECOND
        began = time.perf_counter()
        await writer.advance()
        await windows.roll(writer, now)
        list(windows.due(now))
        ticks.append(time.perf_counter() - began)
    await store.close()
    await plain.close()
    delays.sort()
    print(
        f"{machines:8,}  {used / EVENTS * 1e6:27.0f}  {without / EVENTS * 1e6:8.0f}  {published / EVENTS * 1e6:19.0f}"
        f"  {'  '.join(f'{delays[int(len(delays) * part)] * 1e3:5.1f}' for part in (0.5, 0.95, 0.99))}"
        f"  {delays[-1] * 1e3:5.1f}  {statistics.median(ticks) * 1e3:7.0f}"
    )
    return used / EVENTS, without / EVENTS


if __name__ == "__main__":
    asyncio.run(main())
