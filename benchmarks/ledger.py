"""The live ledger: what an event costs, how soon the indicators that it touches are there, and what a tick costs.

Events (states and counts in turn, of machines drawn at random, each of which reports every ten seconds) are stored in
SQLite in batches, as the KPI service does it: decoded, put into their machines' histories, the rows that they touch
made and written, and the sums of the running windows of machine, line, area and site changed; then the indicators of
those are made. The service does the latter once a second, with its tick, so there each window is made once however many
events touch it; ticks pass here as well. The reference is the same events written without any ledger: its cost, too,
grows with the number of machines, as their rows lie on more pages.

A tick is the service's, after the events of a second: rows grow, and all indicators that changed are made. Before
anything is measured, all machines have rows up to the present, and what is read after a start has been read.

    ./corridor bench ledger
"""

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from broker.contract.codec import encode
from broker.contract.events import AnyEvent, Count, StateChange
from broker.contract.message import Message
from broker.plant.plant import Plant
from broker.plant.plant_file import parse
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.machine import SILENT_NS, Change
from services.kpi.published.windows import Windows
from services.kpi.service import GATHER_S, MANY_MACHINES, SHARE_OF_MANY
from services.store.interface import Batch, LedgerRow, Store
from services.store.opening import open_store

SECOND: Final = 1_000_000_000
TWO_DAYS: Final = 2 * 86_400 * SECOND
EVERY: Final = 10 * SECOND
"""So often each machine reports something."""
EVENTS: Final = 4_000
MEASURED_S: Final = 60
"""Events are measured for so many seconds, and until there are `EVENTS`: each machine begins the row of a minute."""
BATCHES: Final = tuple(round(machines * GATHER_S * SECOND / EVERY) for machines in (1_000, 10_000))
"""What 1,000 and 10,000 machines send while the service gathers a batch."""
TICKS: Final = 10
ALL_MADE: Final = (10**6, 10**9)
"""So many minutes of a machine, and of all, are made with a batch: none falls behind."""
WARM_UP_TICKS: Final = 60
"""So many ticks pass before, in which orders are read."""
TOUCHED: Final = 10**6
"""As the share that is published though nothing touched it: next to none."""
PLANT: Final = """
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


class Stored(NamedTuple):
    """CPU time of an event, seconds: with its ledger, without it, of its indicators, and how soon these are there."""

    ledger: float
    plain: float
    indicators: float
    delays: list[float]


class Line(NamedTuple):
    """What is measured of a number of machines."""

    small: Stored
    large: Stored
    tick: float


async def main() -> None:
    """Print a line for each number of machines, and what silent ones cost."""
    print("          CPU, µs an event, in batches of 10       of 100    from message to      CPU, ms a tick")
    print("          ledger  without  indicators at once   ledger  without   indicators, ms   after a second's")
    print("machines                                                              p50    p95   events")
    lines: dict[int, Line] = {}
    for machines in (10, 100, 1_000, 10_000):
        with tempfile.TemporaryDirectory() as folder:
            small, large, tick = lines[machines] = await measure(Path(folder), machines, parse(PLANT, "bench"))
        p50, p95 = (small.delays[int(len(small.delays) * part)] * 1e3 for part in (0.5, 0.95))
        print(
            f"{machines:8,}  {small.ledger * 1e6:6.0f}  {small.plain * 1e6:7.0f}  {small.indicators * 1e6:18.0f}"
            f"   {large.ledger * 1e6:6.0f}  {large.plain * 1e6:7.0f}   {p50:6.1f} {p95:6.1f}   {tick * 1e3:6.0f}",
            flush=True,
        )
    first = lines[10].small
    for many in (100, 1_000, 10_000):
        small = lines[many].small
        print(
            f"{many:,} machines cost {small.ledger / first.ledger:.2f} times as much an event as 10;"
            f" without ledger {small.plain / first.plain:.2f} times"
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
        names = names_of(machines)
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
        for tick in range(WARM_UP_TICKS + 60):
            began = time.process_time()
            await writer.advance()
            await windows.roll(writer, now)
            list(windows.due(now))
            used += (
                time.process_time() - began if tick >= WARM_UP_TICKS else 0
            )  # until then, the store is read and windows cleared
            now += SECOND
        await store.close()
    return rows, used / 60


def names_of(machines: int) -> list[str]:
    """Return the paths of machines in seven areas, of a line each seven or eight."""
    return [f"bench/area-{n % 7}/line-{n // 50}/machine-{n}" for n in range(machines)]


class Bench:
    """A ledger of machines that all run, and what they send.

    Args:
        store: where the ledger is.
        plain: where the same events are stored without one.
        machines: how many.
        plant: their calendar.
    """

    def __init__(self, store: Store, plain: Store, machines: int, plant: Plant) -> None:
        self._plain = plain
        self._names = names_of(machines)
        self._now = time.time_ns() // (60 * SECOND) * 60 * SECOND
        self._draw = random.Random(machines)  # noqa: S311  (which machine reports next is no secret)
        self._produced = dict.fromkeys(self._names, 0)
        self._share = SHARE_OF_MANY if machines > MANY_MACHINES else 1
        self._windows = Windows(store, plant)
        self._writer = LedgerWriter(store, plant, lambda: self._now, changed=self._windows.apply, at_once=ALL_MADE)

    async def start(self) -> None:
        """Let all machines run and count, and read what is read after a start."""
        at = self._now - SECOND
        await self._writer.store_events([StateChange(asset=name, at=at, state="running") for name in self._names])
        await self._writer.store_events([Count(asset=name, at=at, produced=0, good=0) for name in self._names])
        for _ in range(WARM_UP_TICKS):
            await self.tick()

    async def tick(self, passed: int = SECOND) -> float:
        """Let time pass, nanoseconds; return the CPU time of the service's tick."""
        self._now += passed
        began = time.process_time()
        await self._writer.advance(self._share)
        await self._windows.roll(self._writer, self._now, self._share)
        list(self._windows.due(self._now, self._share))
        return time.process_time() - began

    async def second(self) -> float:
        """Store the events of a second, and return the CPU time of the tick after them."""
        left = max(1, len(self._names) * SECOND // EVERY)
        while left > 0:
            await self._writer.persist(self._messages(self._events(min(left, BATCHES[-1]))))
            left -= BATCHES[-1]
        return await self.tick()

    async def stored(self, batch: int) -> Stored:
        """Store events in batches of this size, with a tick each second."""
        delays: list[float] = []
        ledger = plain = indicators = 0.0
        apart = batch * EVERY // len(self._names)
        batches = max(EVENTS // batch, MEASURED_S * SECOND // apart)
        ticked = self._now
        for _ in range(batches):
            self._now += apart
            events = self._events(batch)
            messages = self._messages(events)
            began, cpu = time.perf_counter(), time.process_time()
            await self._writer.persist(messages)
            ledger += time.process_time() - cpu
            cpu = time.process_time()
            list(self._windows.due(self._now, TOUCHED))
            indicators += time.process_time() - cpu
            delays.append(time.perf_counter() - began)
            cpu = time.process_time()
            await self._plain.write(Batch(events=events))
            plain += time.process_time() - cpu
            if self._now - ticked >= SECOND:
                ticked = self._now
                await self.tick(0)
        events_in_all = batches * batch
        return Stored(ledger / events_in_all, plain / events_in_all, indicators / events_in_all, sorted(delays))

    def _events(self, number: int) -> list[AnyEvent]:
        events: list[AnyEvent] = []
        for place in range(number):
            name = self._draw.choice(self._names)
            at = self._now - self._draw.randrange(SECOND)
            self._produced[name] += 1
            produced = self._produced[name]
            if place % 2:
                events.append(StateChange(asset=name, at=at, state=self._draw.choice(("running", "down", "idle"))))
            else:
                events.append(Count(asset=name, at=at, produced=produced, good=produced))
        return events

    def _messages(self, events: Sequence[AnyEvent]) -> list[Message]:
        sent = map(encode, events)
        return [Message(each.topic, each.payload, received_at=self._now) for each in sent]


async def measure(folder: Path, machines: int, plant: Plant) -> Line:
    """Measure a number of machines."""
    store = await open_store(f"sqlite:///{folder / 'ledger.db'}")
    plain = await open_store(f"sqlite:///{folder / 'plain.db'}")
    bench = Bench(store, plain, machines, plant)
    await bench.start()
    small, large = [await bench.stored(batch) for batch in BATCHES]
    ticks = [await bench.second() for _ in range(TICKS)]
    await store.close()
    await plain.close()
    return Line(small, large, statistics.median(ticks))


if __name__ == "__main__":
    asyncio.run(main())
