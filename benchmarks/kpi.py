"""The KPI service: what an event and a tick cost by number of machines, and which part of a tick takes how much.

Ticks in which time alone passes come first, in CPU time of the whole process: letting the ledger grow (of which the
store takes a part), beginning windows, and making what is published. Then, unless numbers of machines are given, comes
`bench ledger`: an event with and without its ledger, and a tick after events.

    ./corridor bench kpi [MACHINES …]
"""

import asyncio
import itertools
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import ledger
from broker.contract.events import StateChange
from broker.plant.plant_file import parse
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.published.windows import Windows
from services.kpi.service import MANY_MACHINES, SHARE_OF_MANY
from services.store.interface import Batch
from services.store.sqlite.store import SqliteStore

TICKS = 5


class TimedStore(SqliteStore):
    """A store that adds up the CPU time of its writes."""

    spent_s = 0.0

    async def write(self, batch: Batch) -> None:
        """Write a batch."""
        began = time.process_time()
        await super().write(batch)
        self.spent_s += time.process_time() - began


async def tick(machines: int) -> list[float]:
    """Return the CPU time of the parts of a tick, ms: growing, of which the store, windows, publications."""
    plant = parse(ledger.PLANT, "bench")
    now = time.time_ns() // (60 * ledger.SECOND) * 60 * ledger.SECOND
    names = [f"bench/area-{n % 7}/line-{n // 50}/machine-{n}" for n in range(machines)]
    with tempfile.TemporaryDirectory() as folder:
        store = await TimedStore.open(Path(folder) / "corridor.db")
        windows = Windows(store, plant)
        writer = LedgerWriter(store, plant, lambda: now, changed=windows.apply, at_once=ledger.ALL_MADE)
        await writer.store_events([StateChange(asset=name, at=now - ledger.SECOND, state="running") for name in names])
        share = SHARE_OF_MANY if machines > MANY_MACHINES else 1
        parts: list[list[float]] = []
        for number in range(ledger.WARM_UP_TICKS + TICKS):
            now += ledger.SECOND
            store.spent_s = 0.0
            stamps = [time.process_time()]
            await writer.advance(share)
            stamps.append(time.process_time())
            await windows.roll(writer, now, share)
            stamps.append(time.process_time())
            list(windows.due(now, share))
            stamps.append(time.process_time())
            if number >= ledger.WARM_UP_TICKS:
                grown, begun, published = (after - before for before, after in itertools.pairwise(stamps))
                parts.append([grown, store.spent_s, begun, published])
        await store.close()
    return [statistics.median(column) * 1e3 for column in zip(*parts, strict=True)]


async def main(numbers: list[int]) -> None:
    print(f"load {'/'.join(f'{one:.1f}' for one in os.getloadavg())} on {os.cpu_count()} cores")
    print("a tick in which time alone passes, ms of CPU")
    print(f"{'machines':>10}{'in all':>10}{'ledger':>10}{'its store':>11}{'windows':>10}{'published':>11}")
    for machines in numbers:
        grown, stored, begun, published = await tick(machines)
        print(
            f"{machines:>10,}{grown + begun + published:>10.0f}{grown:>10.0f}{stored:>11.0f}{begun:>10.0f}"
            f"{published:>11.0f}",
            flush=True,
        )


if __name__ == "__main__":
    asked = [int(text) for text in sys.argv[1:]]
    asyncio.run(main(asked or [100, 1_000, 10_000]))
    if not asked:
        asyncio.run(ledger.main())
