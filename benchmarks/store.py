"""The SQLite store against plain sqlite3: telemetry in batches of 5,000, and 1,000 running minutes rewritten.

The reference is `sqlite3.executemany` of ready-made tuples into one flat table with the same key spelt out as text, a
commit a batch, equally durable (WAL, `synchronous=FULL`): what is left when registries, series numbers, hours and days
and the way from events to rows are taken away. Rounds of both alternate, each on a file of its own; medians are shown.
"""

import argparse
import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from broker.contract.events import Sample
from services.ledger.fields import FIELDS, NANO
from services.store.interface import Batch, LedgerRow
from services.store.sqlite.store import SqliteStore

BATCH = 5_000
MACHINES = 1_000
SIGNALS = 10
NOON = 1_764_158_400 * NANO
SUMS = ("running_s", "order_s", "produced", "good", "ideal_s", "ideal_good_s", "between_s", "electricity_kwh")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    arguments.add_argument("--batches", type=int, default=40, help="batches of telemetry a round")
    arguments.add_argument("--rewrites", type=int, default=30, help="seconds of the running minute a round")
    arguments.add_argument("--rounds", type=int, default=3)
    asked = arguments.parse_args()
    print(f"sqlite {sqlite3.sqlite_version}, {asked.rounds} rounds, medians")
    telemetry = [
        (_flat_telemetry(asked.batches), asyncio.run(_store_telemetry(asked.batches))) for _ in range(asked.rounds)
    ]
    _report("telemetry, batches of 5,000", "rows/s", telemetry)
    ledger = [(_flat_ledger(asked.rewrites), asyncio.run(_store_ledger(asked.rewrites))) for _ in range(asked.rounds)]
    _report("running minute of 1,000 machines", "rows/s", ledger)


def _report(what: str, unit: str, rates: list[tuple[float, float]]) -> None:
    reference = statistics.median(flat for flat, _ in rates)
    store = statistics.median(ours for _, ours in rates)
    print(f"{what}: store {store:,.0f} {unit}, plain sqlite3 {reference:,.0f} {unit}, ratio {store / reference:.2f}")


def _samples(batches: int) -> Iterator[list[Sample]]:
    """Yield batches as a floor of 1,000 machines with ten signals each would send them."""
    for number in range(batches):
        yield [
            Sample(
                asset=f"site/area/line-{place % 20}/machine-{place % MACHINES}",
                at=NOON + place // (MACHINES * SIGNALS) * NANO,
                signal=f"signal-{place // MACHINES % SIGNALS}",
                value=place * 0.5,
                unit="Cel",
            )
            for place in range(number * BATCH, (number + 1) * BATCH)
        ]


def _minute(second: int) -> list[LedgerRow]:
    sums = dict.fromkeys(SUMS, second * NANO)
    return [LedgerRow(f"site/area/line/machine-{n}", NOON, "bracket", "day", sums, "wo-1") for n in range(MACHINES)]


async def _store_telemetry(batches: int) -> float:
    given = [Batch(events=events) for events in _samples(batches)]
    return await _store_rate(given, batches * BATCH)


async def _store_ledger(rewrites: int) -> float:
    given = [Batch(rows=_minute(second)) for second in range(1, rewrites + 1)]
    return await _store_rate(given, rewrites * MACHINES)


async def _store_rate(batches: list[Batch], rows: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        store = await SqliteStore.open(Path(folder) / "corridor.db")
        start_s = time.perf_counter()
        for batch in batches:
            await store.write(batch)
        spent_s = time.perf_counter() - start_s
        await store.close()
    return rows / spent_s


def _flat_telemetry(batches: int) -> float:
    given: list[list[tuple[object, ...]]] = [
        [(one.asset, one.signal, one.at, one.value) for one in events] for events in _samples(batches)
    ]
    return _flat_rate(
        "CREATE TABLE flat (asset TEXT, signal TEXT, time INTEGER, value REAL, PRIMARY KEY (asset, signal, time))"
        " WITHOUT ROWID",
        given,
    )


def _flat_ledger(rewrites: int) -> float:
    given = [
        [
            (row.asset, row.start, row.product, row.shift, row.order, *(row.sums.get(name, 0) for name in FIELDS))
            for row in _minute(second)
        ]
        for second in range(1, rewrites + 1)
    ]
    return _flat_rate(
        f'CREATE TABLE flat (asset TEXT, start INTEGER, product TEXT, shift TEXT, "order" TEXT, {", ".join(FIELDS)},'
        " PRIMARY KEY (asset, start, product, shift)) WITHOUT ROWID",
        given,
    )


def _flat_rate(table: str, batches: list[list[tuple[object, ...]]]) -> float:
    holders = ", ".join("?" * len(batches[0][0]))
    with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(f"{folder}/flat.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(table)
        start_s = time.perf_counter()
        for rows in batches:
            connection.executemany(f"INSERT OR REPLACE INTO flat VALUES ({holders})", rows)  # noqa: S608
            connection.commit()
        spent_s = time.perf_counter() - start_s
    return sum(map(len, batches)) / spent_s


if __name__ == "__main__":
    main()
