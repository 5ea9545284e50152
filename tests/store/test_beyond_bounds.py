"""Numbers beyond all bounds in an older store: what is made of them has no value, and the rest of the answer stands."""

import json
from pathlib import Path

import msgspec
import pytest

from broker.contract.events import AnyEvent, Count, Job, Labour, Material, Measurement, Meter, StateChange
from broker.contract.instants import parse as instant
from broker.plant.plant import NO_PLANT
from broker.plant.plant_file import parse
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.published.windows import Windows
from services.kpi.recompute import recompute
from services.ledger.fields import NANO
from services.query.answers import answer
from services.query.explaining import explain
from services.query.groups import By, answers_by
from services.store.interface import Batch, LedgerRow
from services.store.sqlite.store import SqliteStore

LINE = "sheffield/machining/line-1"
MILL = f"{LINE}/mill-1"
SAW = f"{LINE}/saw-1"
MINUTE = 60 * NANO
NINE, TEN = instant("2026-11-24T09:00:00Z"), instant("2026-11-24T10:00:00Z")
FOR_EVER = 2**62
DOUBLE_MAX = 1.7976931348623157e308
PLANT = parse('[asset."sheffield"]\ntargets = { oee = 0.8 }\n', "beyond.toml")


def good(machine: str) -> list[AnyEvent]:
    return [
        Job(asset=machine, at=NINE, phase="start", order="wo-1", planned=100, ideal_cycle=60),
        StateChange(asset=machine, at=NINE, state="running"),
        Count(asset=machine, at=NINE, produced=0, good=0),
        Count(asset=machine, at=NINE + 50 * MINUTE, produced=30, good=27),
        Measurement(asset=machine, at=NINE + MINUTE, characteristic="bore", value=1, lower=0, upper=4),
        Measurement(asset=machine, at=NINE + 2 * MINUTE, characteristic="bore", value=3, lower=0, upper=4),
    ]


def beyond(value: float) -> list[AnyEvent]:
    """Return every quantity of a machine, so large."""
    at = NINE + 20 * MINUTE
    return [
        Count(asset=MILL, at=at, produced=value, good=value, scrap=value),
        Job(asset=MILL, at=at, phase="start", order="wo-1", planned=value, ideal_cycle=value),
        Meter(asset=MILL, at=at, name="electricity", total=value, unit="MW.h"),
        Labour(asset=MILL, at=at, present=value, working=value),
        Material(asset=MILL, at=at, name="steel", consumed=value, stock=-value),
        Measurement(asset=MILL, at=at, characteristic="bore", value=value, lower=-value, upper=value),
        Measurement(asset=MILL, at=at + NANO, characteristic="bore", value=-value, lower=-value, upper=value),
    ]


@pytest.fixture
async def store(tmp_path: Path) -> SqliteStore:
    return await SqliteStore.open(tmp_path / "old.db")


@pytest.mark.slow
@pytest.mark.parametrize("value", [1e16, 1e200, 1e300, DOUBLE_MAX, float("inf")])
async def test_quantities_beyond_their_bounds_are_in_no_sum_and_end_nothing(store: SqliteStore, value: float) -> None:
    await store.write(Batch(events=[*good(MILL), *good(SAW), *beyond(value)]))
    writer = LedgerWriter(store, PLANT, lambda: TEN)
    assert await writer.advance() == TEN
    await writer.finish()
    windows = Windows(store, PLANT)
    await windows.roll(writer, TEN)
    await windows.read(TEN)
    published = {publication.topic: publication.payload for publication in windows.due(TEN) if publication.payload}
    assert json.loads(published[f"corridor/v1/{MILL}/kpi/last-hour"])["indicators"]["availability"] == 1
    mill, saw = [await answer(store, PLANT, machine, NINE, TEN, now=TEN) for machine in (MILL, SAW)]
    assert json.loads(json.dumps(saw.document(), allow_nan=False))["indicators"]["oee"] == 0.45
    document = json.loads(json.dumps(mill.document(), allow_nan=False))
    assert document["ledger"]["produced"] == 30
    assert document["ledger"]["electricity_kwh"] == document["ledger"]["attendance_s"] == 0
    assert [msgspec.structs.replace(one, asset=SAW) for one in mill.capabilities] == saw.capabilities
    ways: tuple[By, ...] = ("product", "order")
    for by in ways:
        assert await answers_by(store, PLANT, MILL, by, (NINE, TEN), now=TEN)
    for name in mill.indicators:
        await explain(store, PLANT, MILL, name, (NINE, TEN), now=TEN)
    await recompute(store, PLANT, "", NINE, TEN, now=TEN)
    assert await answer(store, PLANT, MILL, NINE, TEN, now=TEN) == mill
    await store.close()


@pytest.mark.slow
async def test_an_indicator_of_a_sum_beyond_all_bounds_is_null_with_a_note_for_its_machine_alone(
    store: SqliteStore,
) -> None:
    """A count of 1e200 with an ideal cycle of 1e200, as an older version stored and counted it."""
    await store.write(Batch(events=[*good(MILL), *good(SAW)]))
    await LedgerWriter(store, NO_PLANT, lambda: TEN).finish()
    (row,) = [row for row in await store.rows(MILL, NINE, TEN) if row.sums.get("produced")]
    huge = row.sums | {"produced": 10**209, "ideal_s": 10**409, "unrated": 10**400}
    await store.write(Batch(rows=[LedgerRow(MILL, row.start, row.product, row.shift, huge, row.order)]))
    mill, saw, line = [await answer(store, NO_PLANT, asset, NINE, TEN, now=TEN) for asset in (MILL, SAW, LINE)]
    assert (mill.indicators["availability"], mill.indicators["effectiveness"], saw.indicators["oee"]) == (1, None, 0.45)
    for found in (mill, line):
        json.dumps(found.document(), allow_nan=False)
        for name, value in found.indicators.items():
            assert value is not None or any(note.startswith(f"{name} is not defined: ") for note in found.notes)
    for name in mill.indicators:
        await explain(store, NO_PLANT, MILL, name, (NINE, TEN), now=TEN)
    assert any("beyond all bounds" in note and "recompute" in note for note in mill.notes)
    writer = LedgerWriter(store, NO_PLANT, lambda: TEN)
    await writer.advance()
    await writer.finish()
    windows = Windows(store, NO_PLANT)
    await windows.roll(writer, TEN)
    assert {publication.topic for publication in windows.due(TEN)} >= {
        f"corridor/v1/{asset}/kpi/last-hour" for asset in (MILL, SAW, LINE)
    }
    await recompute(store, NO_PLANT, MILL, NINE, TEN, now=TEN)
    assert (await answer(store, NO_PLANT, MILL, NINE, TEN, now=TEN)).indicators == saw.indicators
    await store.close()
