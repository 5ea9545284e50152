"""The same events into each engine: the same rows, the same events, the same answers to the last digit."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker.contract.events import AnyEvent, Material, Sample
from broker.contract.topics import KINDS, Kind
from broker.plant.plant import Plant
from edge.simulation import districts
from edge.simulation.simulator import Simulator
from services.kpi.ledger_writer import LedgerWriter
from services.ledger.fields import NANO
from services.query.answers import answer
from services.query.explaining import explain
from services.store.interface import Batch, Resolution, Store
from services.store.opening import default_url, open_store

MINUTE = 60 * NANO
START = 1_764_108_000 * NANO  # 25 November 2025, 22:00 UTC: a midnight lies within
END = START + 200 * MINUTE + 17 * NANO + 1
ALL: tuple[Kind, ...] = tuple(sorted(KINDS))  # type: ignore[arg-type]  # they are kinds
Stores = tuple[Store, Store, Plant]


pytestmark = pytest.mark.xdist_group("engines agree")


@pytest.fixture(scope="module")
def plant() -> Plant:
    return districts.plant()


@pytest.fixture(scope="module")
def batches(plant: Plant) -> list[list[AnyEvent]]:
    """Three hours of the shop floor, with samples once a minute and a material whose stock no float can sum."""
    found: list[list[AnyEvent]] = []
    last: dict[tuple[str, str], int] = {}
    for events in Simulator(plant).backfill(START, END):
        stored: list[AnyEvent] = []
        for event in events:
            key = (event.asset, event.series)
            if isinstance(event, Sample):
                if event.at - last.get(key, 0) < MINUTE:
                    continue
                last[key] = event.at
            stored.append(event)
        found.append(stored)
    machine = found[0][0].asset
    found[0].append(Material(asset=machine, at=START + 1, name="coolant", stock=123_456_789.123, consumed=0.1))
    found[-1].append(Material(asset=machine, at=END - 7, name="coolant", stock=0.3, consumed=0.4))
    return found


@pytest.fixture
async def stores(batches: list[list[AnyEvent]], plant: Plant, tmp_path: Path, influx_url: str) -> AsyncIterator[Stores]:
    """Keep the events in both engines, the second half of each batch late."""
    opened = [await open_store(url) for url in (default_url(tmp_path), influx_url)]
    for store in opened:
        now = START
        writer = LedgerWriter(store, plant, lambda: now)  # noqa: B023  (used within the loop)
        for events in batches:
            now = max([now, *(event.at for event in events)])
            ledger = [event for event in events if event.kind not in {"telemetry", "event", "cmd", "reply"}]
            await store.write(Batch(events=[event for event in events if event.kind in {"telemetry", "event"}]))
            await writer.store_events(ledger[len(ledger) // 2 :])
            await writer.store_events(ledger[: len(ledger) // 2])
            await writer.advance()
    yield opened[0], opened[1], plant
    for store in opened:
        await store.close()


@pytest.mark.slow
@pytest.mark.influx
async def test_sqlite_and_influxdb_answer_the_same_to_the_last_digit(stores: Stores) -> None:
    one, other, plant = stores
    machines = await one.machines()
    assert machines == await other.machines()
    assert len(machines) > 5
    assets = ["", machines[0].asset, machines[-1].asset.rpartition("/")[0]]
    for start, end in (
        (START, END),
        (START + 13, END - MINUTE + 7),
        (START + 60 * MINUTE, START + 180 * MINUTE),
        (START - 24 * 60 * MINUTE, END + 24 * 60 * MINUTE),
        (END - 90 * NANO, END),
    ):
        for asset in assets:
            documents = [(await answer(store, plant, asset, start, end, now=END)).document() for store in (one, other)]
            assert documents[0] == documents[1]
            assert documents[0]["ledger"]["running_s"] > 0
    for indicator in ("oee", "availability", "comprehensive_energy_consumption"):
        explained = [
            (await explain(store, plant, assets[1], indicator, (START, END), now=END)).document()
            for store in (one, other)
        ]
        assert explained[0] == explained[1]


@pytest.mark.slow
@pytest.mark.influx
async def test_sqlite_and_influxdb_hold_the_same(stores: Stores) -> None:
    one, other, _ = stores
    resolutions: tuple[Resolution, ...] = ("minute", "hour", "day")
    for resolution in resolutions:
        rows = await one.rows("", 0, 2**62, resolution)
        assert rows == await other.rows("", 0, 2**62, resolution)
        assert await one.totals("", 0, 2**62, resolution) == await other.totals("", 0, 2**62, resolution)
    assert any(row.sums.get("stock_s", 0) > 2**53 for row in rows)
    assert await one.reasons("", START, END) == await other.reasons("", START, END)
    assert await one.reason_rows("", START, END) == await other.reason_rows("", START, END)
    assert await one.watermark("") == await other.watermark("")
    assert await one.events(ALL, "", START, END) == await other.events(ALL, "", START, END)
    assert await one.latest_before(ALL, "", END - 3) == await other.latest_before(ALL, "", END - 3)
    assert await one.signals("") == await other.signals("")
    signal = (await one.signals(""))[0]
    downsampled = [await store.downsampled(signal.asset, signal.signal, START, END, 7) for store in (one, other)]
    assert [(b.at, b.least, b.greatest, b.n, b.text) for b in downsampled[0]] == [
        (b.at, b.least, b.greatest, b.n, b.text) for b in downsampled[1]
    ]
    # A mean is reckoned by the engine, each in its own order.
    assert [b.mean for b in downsampled[0]] == pytest.approx([b.mean for b in downsampled[1]], rel=1e-12)
