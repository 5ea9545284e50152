"""The genealogy of parts of a simulated chain of two lines, compared with what the machines did."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from broker.contract.events import NS_PER_S, AnyEvent, Kind, Measurement, Meter, Part
from broker.contract.instants import format_rfc3339
from broker.plant.plant import NO_PLANT
from services.query.parts.energy import energy_kwh
from services.query.parts.genealogy import UnknownPartError, batch_genealogy, genealogy
from services.query.parts.records import PartRecord
from services.store.interface import Batch, Store
from tests.query.shipped_chain import CUSTOMER, SUPPLIER, Chain
from tests.query.shipped_chain import chain as simulated

MILL, SAW = "a/b/c/mill-1", "a/b/d/saw-1"
NOON = 1_795_521_600 * NS_PER_S


@pytest.fixture(scope="module")
def chain() -> Chain:
    return simulated()


@pytest.fixture
async def filled(store: Store, chain: Chain) -> Store:
    for place in range(0, len(chain.events), 5_000):
        await store.write(Batch(events=chain.events[place : place + 5_000]))
    return store


def check(record: PartRecord, chain: Chain, line: str) -> None:
    """Compare a record with the events of its piece."""
    passes = chain.passes(record.serial, line)
    assert [(step.asset, step.to, step.result) for step in record.steps] == [
        (event.asset, format_rfc3339(event.at), event.result) for event in passes
    ]
    for step, event in zip(record.steps, passes, strict=True):
        assert event.seconds is not None
        assert step.from_ == format_rfc3339(event.at - round(event.seconds * NS_PER_S))
        measured = [
            (one.characteristic, one.value)
            for one in chain.events
            if isinstance(one, Measurement) and one.part == record.serial and one.asset == event.asset
        ]
        assert [(one.characteristic, one.value) for one in step.measurements] == measured
    assert (record.order, record.product) == (passes[-1].order, passes[-1].product)
    assert record.result == passes[-1].result


@pytest.mark.slow
async def test_a_part_has_its_machines_measurements_and_the_casting_that_it_was_made_from(
    filled: Store, chain: Chain
) -> None:
    made = chain.made_of_castings()
    for used in (made[0], made[len(made) // 2], made[-1]):
        (record,) = (await genealogy(filled, chain.plant, used.part)).parts
        check(record, chain, CUSTOMER)
        assert record.material
        assert (record.material.number, record.material.flow) == (used.material, "lug-castings")
        assert record.source
        assert record.source.serial == used.source
        check(record.source, chain, SUPPLIER)
        assert record.source.batch == record.material
        assert [(one.serial, one.line) for one in record.source.became] == [(used.part, CUSTOMER)]
        assert record.material.shipped
        assert record.material.arrived
        assert record.source.to <= record.material.shipped < record.material.arrived


@pytest.mark.slow
async def test_the_energy_of_a_part_is_what_the_meters_counted_while_it_was_on_its_machines(
    filled: Store, chain: Chain
) -> None:
    used = chain.made_of_castings()[0]
    (record,) = (await genealogy(filled, chain.plant, used.part)).parts
    first = record.steps[0]
    assert first.energy_kwh is not None
    assert used.seconds is not None
    start = used.at - round(used.seconds * NS_PER_S)
    totals = [event for event in chain.events if isinstance(event, Meter) and event.asset == used.asset]
    inside = [event.total for event in totals if start <= event.at <= used.at]
    around = [event.total for event in totals if start - 60 * NS_PER_S <= event.at <= used.at + 60 * NS_PER_S]
    assert inside[-1] - inside[0] <= first.energy_kwh <= around[-1] - around[0]
    assert record.energy_kwh == pytest.approx(sum(step.energy_kwh or 0 for step in record.steps))


@pytest.mark.slow
async def test_a_batch_holds_what_was_packed_and_affects_what_was_made_from_it(filled: Store, chain: Chain) -> None:
    number = chain.made_of_castings()[0].material
    found = await batch_genealogy(filled, chain.plant, number)
    packed = [event.part for event in chain.parts if event.batch == number]
    made = [event.part for event in chain.parts if event.material == number]
    assert [one.serial for one in found.holds] == packed
    assert len(packed) == 12
    assert sorted(one.serial for one in found.affects) == sorted(set(made))
    for one in found.affects:
        last = chain.passes(one.serial, CUSTOMER)[-1]
        assert (one.line, one.result, one.at) == (CUSTOMER, last.result, format_rfc3339(last.at))
    assert (found.batch.supplier, found.batch.customer) == (SUPPLIER, CUSTOMER)


@pytest.mark.slow
async def test_no_notice_of_a_batch_is_read_twice_for_an_answer(
    filled: Store, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: dict[str, list[tuple[int, int]]] = {}
    events = filled.events

    async def noted(kinds: Sequence[Kind], asset: str, start: int, end: int, **of: Any) -> list[AnyEvent]:
        if "event" in kinds:
            read.setdefault(asset, []).append((start, end))
        return await events(kinds, asset, start, end, **of)

    monkeypatch.setattr(filled, "events", noted)
    (record,) = (await genealogy(filled, chain.plant, chain.made_of_castings()[0].part)).parts
    assert record.source
    assert record.source.batch == record.material
    assert read.keys() == {SUPPLIER, CUSTOMER}
    for ranges in read.values():
        assert all(end <= start for (_, end), (start, _) in pairwise(sorted(ranges)))


@pytest.mark.slow
async def test_a_piece_of_a_supplier_outside_is_known_by_what_became_of_it(store: Store) -> None:
    alone = simulated("sheffield/machining")
    used = next(event for event in alone.parts if event.source)
    assert used.source.startswith("lug-castings-")
    await store.write(Batch(events=alone.parts))
    (record,) = (await genealogy(store, alone.plant, used.source)).parts
    assert (record.line, record.steps) == (SUPPLIER, [])
    assert [one.serial for one in record.became] == [used.part]
    (made,) = (await genealogy(store, alone.plant, used.part)).parts
    assert made.source
    assert made.source.line == SUPPLIER


@pytest.mark.parametrize("serial", ["wo-1", "", "WO-1000-001", "%", "' OR '1'='1"])
async def test_what_nobody_reported_is_an_error_with_a_hint(store: Store, serial: str) -> None:
    await store.write(Batch(events=[Part(asset=MILL, at=NOON, part="wo-1000-001")]))
    with pytest.raises(UnknownPartError, match="letter by letter"):
        await genealogy(store, NO_PLANT, serial)
    with pytest.raises(UnknownPartError, match="names the"):
        await batch_genealogy(store, NO_PLANT, serial)


async def test_the_same_serial_number_on_two_lines_is_two_parts(store: Store) -> None:
    await store.write(Batch(events=[Part(asset=MILL, at=NOON, part="7"), Part(asset=SAW, at=NOON, part="7")]))
    assert [one.line for one in (await genealogy(store, NO_PLANT, "7")).parts] == ["a/b/c", "a/b/d"]
    assert [one.line for one in (await genealogy(store, NO_PLANT, "7", "a/b/d")).parts] == ["a/b/d"]


async def test_a_machine_that_only_measures_is_a_step_too(store: Store) -> None:
    bore = Measurement(asset=SAW, at=NOON, characteristic="bore", value=3, upper=2, part="7")
    await store.write(Batch(events=[bore]))
    ((step,),) = [one.steps for one in (await genealogy(store, NO_PLANT, "7")).parts]
    assert (step.asset, step.from_, step.result, step.energy_kwh) == (SAW, None, "", None)
    assert [(one.value, one.within) for one in step.measurements] == [(3, False)]


async def test_a_part_that_was_reworked_passed_its_machine_twice(store: Store) -> None:
    await store.write(
        Batch(
            events=[
                Measurement(asset=SAW, at=NOON, characteristic="bore", value=1, part="7"),
                Part(asset=SAW, at=NOON, part="7", result="rework"),
                Part(asset=MILL.replace("c/", "d/"), at=NOON + 1, part="7", result="good"),
                Measurement(asset=SAW, at=NOON + 2, characteristic="bore", value=2, part="7"),
                Part(asset=SAW, at=NOON + 2, part="7", result="good"),
            ]
        )
    )
    (record,) = (await genealogy(store, NO_PLANT, "7")).parts
    assert [(step.asset[-5:], step.result, len(step.measurements)) for step in record.steps] == [
        ("saw-1", "rework", 1),
        ("ill-1", "good", 0),
        ("saw-1", "good", 1),
    ]
    assert record.result == "good"


async def test_parts_that_are_made_of_each_other_end_the_search(store: Store) -> None:
    await store.write(
        Batch(events=[Part(asset=MILL, at=NOON, part="7", source="8"), Part(asset=SAW, at=NOON, part="8", source="7")])
    )
    (record,) = (await genealogy(store, NO_PLANT, "7")).parts
    depth = 0
    while record.source:
        record, depth = record.source, depth + 1
    assert 0 < depth < 10
    await store.write(Batch(events=[Part(asset=MILL, at=NOON + 1, part="7", material="m", source="8")]))
    assert {one.serial for one in (await batch_genealogy(store, NO_PLANT, "m")).affects} == {"7", "8"}


@pytest.mark.parametrize(
    ("unit", "start_s", "end_s", "kwh"),
    [
        ("kW.h", 60, 120, 6.0),
        ("W.h", 60, 120, 0.006),
        ("kW.h", 90, 150, 7.5),
        ("kW.h", 0, 60, None),
        ("V", 60, 90, None),
    ],
)
async def test_between_two_readings_a_total_rises_evenly(
    store: Store, unit: str, start_s: int, end_s: int, kwh: float | None
) -> None:
    totals = {30: 0.0, 60: 3.0, 120: 9.0, 180: 18.0}
    await store.write(
        Batch(
            events=[
                Meter(asset=MILL, at=NOON + at * NS_PER_S, name="electricity", total=total, unit=unit)
                for at, total in totals.items()
            ]
        )
    )
    found = await energy_kwh(store, MILL, NOON + start_s * NS_PER_S, NOON + end_s * NS_PER_S)
    assert found == (None if kwh is None else pytest.approx(kwh))


async def test_parts_of_one_load_share_its_energy(store: Store) -> None:
    meters = [
        Meter(asset=MILL, at=NOON + at * NS_PER_S, name="electricity", total=at, unit="kW.h") for at in (0, 60, 120)
    ]
    load = [
        Part(asset=MILL, at=NOON + 60 * NS_PER_S + at * 1_000_000, part=f"p-{at}", seconds=60 + at / 1_000)
        for at in range(4)
    ]
    await store.write(Batch(events=[*meters, *load]))
    (record,) = (await genealogy(store, NO_PLANT, "p-3")).parts
    assert record.energy_kwh == pytest.approx(60 / 4, rel=1e-3)
