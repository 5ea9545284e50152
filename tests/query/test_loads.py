"""A machine that counts many pieces at once: a load that was begun before the range is nothing that cannot be."""

import pytest

from broker.plant.plant_file import parse
from services.query.answers import Answer
from services.query.explaining import explain
from services.store.interface import Store
from tests.query.test_answers import LINE, MILL, asked, at, message, stored

PRINTER, FURNACE = MILL, f"{LINE}/furnace-1"
WITHOUT = parse("", "without.toml")
WITH = parse(f'[asset."{PRINTER}"]\nload-size = 24\n', "with.toml")
RANGE = ("10:00", "11:30", "11:30")
RAN_S = 15 * 60
IDEAL_S = 24 * 600


@pytest.fixture
async def printed(store: Store) -> Store:
    """A plate of 24 pieces, of four hours, is done a quarter of an hour after the range begins; none follows."""
    messages = [
        message("06:00", "job", PRINTER, phase="start", order="wo-1", product="stem", ideal_cycle=600),
        message("06:00", "count", PRINTER, produced=0, good=0, scrap=0),
        message("06:00", "state", PRINTER, state="running"),
        message("06:00", "state", FURNACE, state="idle"),
        message("06:00", "count", FURNACE, produced=0, good=0, scrap=0),
        message("10:15", "count", PRINTER, produced=24, good=24, scrap=0),
        message("10:15", "state", PRINTER, state="idle"),
    ]
    await stored(store, messages, "11:30")
    return store


def of_time(found: Answer) -> dict[str, str]:
    """Return what is reported of the machine's speed, by its code."""
    codes = {"piece-begun-before", "effectiveness-above-one", "counted-while-not-running"}
    return {each.code: each.text for each in found.warnings if each.code in codes}


@pytest.mark.parametrize("asset", [PRINTER, LINE, ""])
async def test_a_load_that_was_begun_before_the_range_can_be(printed: Store, asset: str) -> None:
    found = await asked(printed, asset, *RANGE, WITH)
    assert found.indicators["effectiveness"] == IDEAL_S / RAN_S
    assert (found.implausible, found.caveats) == ({}, [])
    assert of_time(found) == {
        "piece-begun-before": f"{PRINTER}: effectiveness is above 1 by less than a load of 24 pieces (14400 s of ideal "
        "time in 900 s of running): a load of 24 pieces that was begun before the range counts whole in it; if a "
        "longer range is above 1 as well, check the ideal cycle"
    }
    warnings = (await explain(printed, WITH, asset, "oee", (at("10:00"), at("11:30")), now=at("11:30"))).warnings
    assert "piece-begun-before" in {each.code for each in warnings}


async def test_nor_where_it_was_counted_as_the_range_began(printed: Store) -> None:
    found = await asked(printed, PRINTER, "10:15", "11:30", "11:30", WITH)
    assert (found.ledger["running_s"], found.implausible) == (0, {})


@pytest.mark.parametrize("asset", [PRINTER, LINE, ""])
async def test_without_the_setting_it_cannot_be_and_the_hint_names_it(printed: Store, asset: str) -> None:
    found = await asked(printed, asset, *RANGE, WITHOUT)
    assert found.implausible["oee"] == "effectiveness-above-one"
    assert [(each.machine, each.kind) for each in found.caveats] == (
        [] if asset == PRINTER else [(PRINTER, "doubtful")]
    )
    assert "set load-size in the plant file" in of_time(found)["effectiveness-above-one"]


async def test_more_than_a_load_in_too_short_a_time_cannot_be_with_it_either(printed: Store) -> None:
    await stored(printed, [message("10:45", "count", PRINTER, produced=49, good=49, scrap=0)], "11:30")
    assert (await asked(printed, PRINTER, *RANGE, WITH)).implausible["oee"] == "effectiveness-above-one"
