"""A year of 100 machines, asked on SQLite: how long an answer takes: of all, all by product, and a line.

The store holds a row an hour of each machine (all that the coarser rows are made of; the minutes of old days are
deleted after a while anyway) and the events of the first and the last hour. The range begins and ends in the middle of
a minute, so that days, hours, minutes and events all have a part in it. The reference is one sum over the same days in
plain sqlite3, by the same key.

    ./corridor bench year                100 machines, 365 days
    ./corridor bench year 20 30          20 machines, 30 days
"""

import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from broker.contract.events import Count, StateChange
from broker.contract.instants import parse as instant
from broker.plant.plant_file import parse
from services.ledger.fields import FIELDS, NANO
from services.query.answers import answer
from services.query.groups import answers_by
from services.store.interface import Batch, LedgerRow, Store
from services.store.opening import open_store
from services.store.resolutions import DAY, HOUR

ROUNDS: Final = 9
START: Final = instant("2025-01-01T00:00:00Z")
PLANT: Final = """
[calendar.always]
time-zone = "UTC"
shifts = [{ name = "day", start = "00:00", end = "12:00" }, { name = "night", start = "12:00", end = "00:00" }]
[asset.bench]
calendar = "always"
"""
SUMS: Final = {
    "running_s": 3_000 * NANO,
    "down_s": 600 * NANO,
    "order_s": 3_600 * NANO,
    "between_s": 3_000 * NANO,
    "produced": 300 * NANO,
    "good": 290 * NANO,
    "scrap": 10 * NANO,
    "ideal_s": 2_700 * NANO,
    "ideal_good_s": 2_610 * NANO,
    "failures": NANO,
    "repairs": NANO,
    "repair_s": 600 * NANO,
    "electricity_kwh": 5 * NANO,
}


async def main(machines: int, days: int) -> None:
    plant = parse(PLANT, "year")
    end = START + days * DAY
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "year.db")
        store = await open_store(f"sqlite:///{path}")
        began = time.perf_counter()
        await fill(store, [f"bench/area-{n % 5}/line-{n % 20}/machine-{n}" for n in range(machines)], days)
        print(f"{machines} machines, {days} days: {machines * days * 24:,} rows in {time.perf_counter() - began:.0f} s")
        between = (START + 12 * NANO + 345, end - 23 * NANO - 678)
        whole = await measured(lambda: answer(store, plant, "bench", *between, now=end))
        apart = await measured(lambda: answers_by(store, plant, "bench", "product", between, now=end))
        line = await measured(lambda: answer(store, plant, "bench/area-1/line-1", *between, now=end))
        await store.close()
        plain = plainly(path)
    for what, took in (("all of it", whole), ("all, by product", apart), ("a line", line)):
        print(
            f"{what:16}{took * 1e3:8.1f} ms, {took / plain:.1f} times a plain sum over the days ({plain * 1e3:.1f} ms)"
        )


async def fill(store: Store, machines: list[str], days: int) -> None:
    """Write a row an hour, and the events that the first and the last minute are made of."""
    end = START + days * DAY
    for day in range(days):
        rows = [
            LedgerRow(machine, START + day * DAY + hour * HOUR, "bolt", "day" if hour < 12 else "night", SUMS)
            for machine in machines
            for hour in range(24)
        ]
        await store.write(Batch(rows=rows))
    for machine in machines:
        at = (START - HOUR, end - HOUR)
        events = [StateChange(asset=machine, at=when, state="running") for when in at]
        counts = [Count(asset=machine, at=when, produced=n, good=n) for n, when in enumerate((*at, end - 30 * NANO))]
        await store.write(Batch(events=[*events, *counts]))


async def measured(ask: Callable[[], Awaitable[object]]) -> float:
    """Return the median time of an answer, seconds."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await ask()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def plainly(path: Path) -> float:
    """Return the median time of one sum of all fields over all days, by product and shift, seconds."""
    fields = ", ".join(f"sum({field})" for field in FIELDS)
    times = []
    with closing(sqlite3.connect(path)) as connection:
        for _ in range(ROUNDS):
            began = time.perf_counter()
            connection.execute(f"SELECT product, shift, {fields} FROM ledger_day GROUP BY 1, 2").fetchall()  # noqa: S608
            times.append(time.perf_counter() - began)
    return statistics.median(times)


if __name__ == "__main__":
    asyncio.run(main(*(int(word) for word in sys.argv[1:3] or ("100", "365"))))
