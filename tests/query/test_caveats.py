"""Totals say what is in them: which machines spoil a figure, and whose pieces energy is divided by."""

import json

import pytest

from services.kpi.ledger_writer import LedgerWriter
from services.query.answers import Answer, answer
from services.query.explaining import explain
from services.store.interface import Store
from tests.query.test_answers import LINE, MILL, WORKED, asked, message, stored
from tests.wall.browser.mixed_works import LINE as LEEDS
from tests.wall.browser.mixed_works import MILL as METERED
from tests.wall.browser.mixed_works import MIXED, PRESS, SAW, WASHER, an_hour
from tests.wall.works import EIGHT, NOW

LATHE = f"{LINE}/lathe-1"


@pytest.fixture
async def mixed(store: Store) -> Store:
    writer = LedgerWriter(store, MIXED, lambda: NOW)
    await writer.store_events(an_hour())
    await writer.advance()
    return store


async def of(store: Store, asset: str) -> Answer:
    return await answer(store, MIXED, asset, EIGHT, NOW, now=NOW)


def named(found: Answer) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for caveat in found.caveats:
        kinds.setdefault(caveat.kind, []).append(caveat.machine)
    return kinds


@pytest.mark.slow
async def test_a_total_names_each_machine_that_spoils_it(mixed: Store) -> None:
    found = await of(mixed, "")
    assert named(found) == {
        "doubtful": [SAW],
        "unmetered": [SAW, WASHER, PRESS],
        "simulated": [WASHER],
        "silent": [PRESS],
    }
    [doubtful] = [each for each in found.caveats if each.kind == "doubtful"]
    assert (doubtful.code, "oee" in doubtful.figures) == ("effectiveness-above-one", True)
    codes = {warning.code for warning in found.warnings}
    assert {each.code for each in found.caveats if each.kind in {"doubtful", "silent"}} <= codes


@pytest.mark.slow
async def test_a_machine_by_itself_has_its_warnings_and_no_caveats(mixed: Store) -> None:
    assert (await of(mixed, SAW)).caveats == []


@pytest.mark.slow
async def test_energy_a_piece_is_of_the_metered_machines_alone(mixed: Store) -> None:
    line, mill = await of(mixed, LEEDS), await of(mixed, METERED)
    assert mill.indicators["energy_per_good_piece"] == 20 / 40
    for name in ("energy_per_good_piece", "comprehensive_energy_consumption", "co2e_per_good_piece"):
        assert line.indicators[name] == mill.indicators[name]
    assert line.ledger["good"] == 120, "the sums are of all machines"


@pytest.mark.slow
async def test_the_events_behind_energy_a_piece_add_up_to_its_sums(mixed: Store) -> None:
    found = await explain(mixed, MIXED, LEEDS, "energy_per_good_piece", (EIGHT, NOW), now=NOW)
    assert found.sums == {"electricity_kwh": 20, "good": 40}
    for field, amount in found.sums.items():
        assert sum(event.amount for event in found.events if event.field == field) == pytest.approx(amount)
    assert {event.machine for event in found.events} == {METERED}


@pytest.mark.slow
async def test_a_meter_that_stands_by_itself_is_that_of_all_pieces(store: Store) -> None:
    meter = f"{LINE}/meter-1"
    energy = [
        message(clock, "meter/electricity", meter, total=total, unit="kW.h")
        for clock, total in (("08:00", 0), ("08:59", 66))
    ]
    await stored(store, [*WORKED, *energy], "09:30")
    found = await asked(store, LINE, "08:00", "09:00", "09:30")
    assert found.indicators["energy_per_good_piece"] == 2
    assert named(found) == {}


@pytest.mark.slow
async def test_a_sum_without_a_caveat_has_none(store: Store) -> None:
    await stored(store, WORKED, "09:30")
    assert (await asked(store, LINE, "08:00", "09:00", "09:30")).caveats == []
    assert json.loads(json.dumps((await asked(store, MILL, "08:00", "09:00", "09:30")).document()))["caveats"] == []
