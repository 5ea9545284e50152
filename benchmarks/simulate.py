"""Simulating: what a machine costs a second, from ten machines to ten thousand, and what a past costs a day.

Each machine reports its state and counts as they change, and its sensors once a second in one message; the messages are
encoded and dropped. The reference is a plain asyncio loop that encodes and drops as many messages of the same values,
with nothing simulated. Times are those of the CPU, so that a second is a second of one core: below 100 % of a core,
one process simulates so many machines in real time. Of the past of all districts it is shown what a further day takes,
simulated and stored (SQLite) with its ledger; the reference is a plain `executemany` of that day's events and minutes.

    ./corridor bench simulate            10 to 10,000 machines, and a day of the past
    ./corridor bench simulate 1000       so many machines at most
"""

import asyncio
import contextlib
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec
import psutil

from broker.contract.events import NS_PER_S
from broker.contract.message import Publication
from broker.plant import plant_file
from broker.plant.plant import Plant
from cli import past
from edge.simulation import districts
from edge.simulation.contract_encoder import ContractEncoder
from edge.simulation.simulation import LIVE, SamplingIntervals, Simulation
from edge.simulation.simulator import Simulator
from services.store.opening import open_store
from services.store.sqlite.schema import LEDGER, MEASUREMENTS, REASONS

START: Final = 1_764_057_600 * NS_PER_S
LINE: Final = 5
"""Machines a line."""
SECONDS: Final = {10: 300, 100: 60, 1_000: 10, 10_000: 4}
"""Machines, and how many seconds of them are simulated."""
HOUR: Final = 3_600 * NS_PER_S
DAY: Final = 86_400 * NS_PER_S
MINUTES: Final = [f"{family.name}_minute" for family in (LEDGER, REASONS)]


async def main(most: int) -> None:
    print("machines  messages/s  CPU µs a machine and second  share of a core  plain loop  ratio  memory")
    for machines, seconds in SECONDS.items():
        if machines <= most:
            await measure(machines, seconds)
    await measure_past()


async def measure(machines: int, seconds: int) -> None:
    """Print the line of so many machines."""
    simulation, encoder = Simulation(floor(machines), START), ContractEncoder()
    # In the first hour the lines fill, and in the first seconds after it each signal comes by itself: not measured.
    simulation.sampling = SamplingIntervals(HOUR, HOUR)
    simulation.run_until(START + HOUR)
    simulation.sampling = LIVE
    start = START + HOUR + 2 * NS_PER_S
    encoder.publications(simulation.run_until(start))
    sent: list[int] = []
    began = time.process_time()
    for second in range(1, 1 + seconds):
        publications = encoder.publications(simulation.run_until(start + second * NS_PER_S))
        simulation.take_ground_truth()
        await publish(publications)
        sent.append(len(publications))
    took = time.process_time() - began
    plain = await plainly(publications, sent)
    memory = psutil.Process().memory_info().rss / 1e6
    print(
        f"{machines:8,} {sum(sent) / seconds:11,.0f} {took / seconds / machines * 1e6:28.1f} {took / seconds:16.1%}"
        f" {plain / seconds:11.1%} {took / plain:6.1f} {memory:5.0f} MB"
    )


def floor(machines: int) -> Plant:
    """Return a plant of lines of mills that work around the clock."""
    lines: list[str] = ["[simulate]\nseed = 7\n[product.part]\nideal-cycle = 540.0"]
    for line in range(machines // LINE):
        path = f"bench/area-{line // 100}/line-{line}"
        stages = ", ".join(f'["mill-{place}"]' for place in range(LINE))
        lines.append(f'[simulate.line."{path}"]\nstages = [{stages}]\nbuffers = {[3] * (LINE - 1)}')
        lines.append('orders = [{ product = "part", pieces = 30 }]')
        lines += [
            f'[simulate.machine."{path}/mill-{place}"]\nmodel = "aluminium-mill"\ncell = "five-axis-aluminium"'
            for place in range(LINE)
        ]
    return plant_file.parse("\n".join(lines), "bench")


async def plainly(like: list[Publication], sent: list[int]) -> float:
    """Return the CPU seconds of a loop that encodes and drops as many messages of the same values."""
    encode = msgspec.json.Encoder().encode
    values = [(one.topic, msgspec.json.decode(one.payload)) for one in like]
    began = time.process_time()
    for count in sent:
        await publish(
            [Publication(topic, encode(value), qos=1, retain=False) for topic, value in values[: count or None]]
        )
    return time.process_time() - began


async def publish(publications: list[Publication]) -> None:
    """Drop messages."""
    del publications
    await asyncio.sleep(0)


async def measure_past() -> None:
    """Print what the second day of a past of all districts takes, against the inserts that it comes to."""
    plant = districts.plant(districts.names())
    marks = [(0.0, time.process_time())]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "corridor.db"
        store = await open_store(f"sqlite:///{file}")
        simulator = Simulator(plant, Path(folder) / "data")
        await past.make(
            simulator,
            plant,
            store,
            (START, START + 2 * DAY + HOUR),
            lambda done, _whole: marks.append((done, time.process_time())),
        )
        size = (await store.status()).size or 0
        await store.close()
        rows, plain = plainly_inserted(file, Path(folder) / "plain.db")
    first, second = (next(at for done, at in marks if done > days * DAY - HOUR) for days in (1, 2))
    memory = psutil.Process().memory_info().rss / 1e6
    print(
        f"a past of all districts: {second - first:.1f} s of CPU a simulated day"
        f" ({first - marks[0][1]:.1f} s the first, with the warm-up); {rows:,} rows of a day,"
        f" plainly inserted in {plain:.1f} s (ratio {(second - first) / plain:.1f});"
        f" {size / 1e6:.0f} MB on disk, {memory:.0f} MB of memory"
    )


def plainly_inserted(file: Path, into: Path) -> tuple[int, float]:
    """Insert the events and minutes of a past's second day into another file; return how many, and CPU seconds."""
    with contextlib.closing(sqlite3.connect(file)) as source, contextlib.closing(sqlite3.connect(into)) as target:
        count, took = 0, 0.0
        for table, time_column in [*((name, "time") for name in MEASUREMENTS), *((name, "start") for name in MINUTES)]:
            (create,) = source.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
            target.execute(create)
            day = (START + DAY, START + 2 * DAY)
            rows = source.execute(f"SELECT * FROM {table} WHERE {time_column} >= ? AND {time_column} < ?", day)  # noqa: S608  (names of our own)
            found = rows.fetchall()
            marks = ", ".join("?" * len(rows.description))
            began = time.process_time()
            target.executemany(f"INSERT INTO {table} VALUES ({marks})", found)  # noqa: S608
            target.commit()
            took += time.process_time() - began
            count += len(found)
    return count, took


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
