"""Questions that people ask: by production day, each shift of each day, an order that was interrupted."""

import json

import pytest

from broker.plant.plant_file import parse
from services.query.groups import By, answers_by
from services.store.interface import Store
from tests.readings.cases import RECORDINGS, Case, replay

FOLDER = RECORDINGS / "night-shift-by-day"
THREE = parse((FOLDER / "plant.toml").read_text(encoding="utf-8"), "plant.toml")


@pytest.mark.slow
async def test_an_order_that_is_interrupted_and_resumed_is_planned_once(store: Store) -> None:
    case = Case.read("order-resumed")
    await replay(case.messages, store)
    case.check(await case.ask(store))


@pytest.mark.slow
async def test_the_part_of_an_order_after_the_interruption_plans_what_is_left(store: Store) -> None:
    case = Case.read("order-resumed")
    await replay(case.messages, store)
    half_past = case.start + 1_800_000_000_000
    assert (await case._replace(start=half_past).ask(store)).planned == 60
    assert (await case._replace(end=half_past).ask(store)).planned == 60, "forty of the one, twenty of the other"


async def by(store: Store, how: By) -> dict[str, float]:
    """Return the pieces of each group of the two days, by its day and name."""
    case = Case.read("night-shift-by-day")
    await replay(case.messages, store, THREE)
    found = await answers_by(store, THREE, case.asset, how, (case.start, case.end), now=case.end)
    groups = [(each.group, each.ledger["produced"]) for each in found]
    return {f"{group.day} {group.name}".strip(): produced for group, produced in groups if group is not None}


@pytest.mark.slow
async def test_a_night_shift_belongs_whole_to_the_day_on_which_it_starts(store: Store) -> None:
    assert await by(store, "day") == {"2026-11-24 2026-11-24": 600, "2026-11-25 2026-11-25": 630}


@pytest.mark.slow
async def test_each_shift_of_each_day_is_listed(store: Store) -> None:
    expected = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))["expected"]["each shift"]
    days = {"Tue": "2026-11-24", "Wed": "2026-11-25"}
    named = {f"{days[name.split()[0]]} {name.split()[1]}": pieces for name, pieces in expected.items()}
    assert await by(store, "shift") == named


@pytest.mark.slow
@pytest.mark.parametrize("how", ["shift-name"])
async def test_the_shifts_of_a_name_add_up(store: Store, how: By) -> None:
    assert await by(store, how) == {"early": 210, "late": 410, "night": 610}
