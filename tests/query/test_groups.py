"""Answers to compare, the plan to now, and what is reported of machines that cannot be rated."""

import pytest

from broker.contract.errors import ContractError
from broker.plant.plant_file import parse
from services.ledger.fields import FIELDS
from services.query.groups import BY, By, answers_by
from services.store.interface import Store
from services.store.resolutions import DAY
from tests.query.test_answers import LINE, MILL, PLANT, WORKED, asked, at, message, stored

LATHE = f"{LINE}/lathe-1"
AIMED = parse(
    PLANT.text
    + """
    [asset."sheffield/machining/line-1"]
    targets = { oee = 0.5 }
    stages = [["lathe-1"], ["mill-1"]]
    [reason.spindle]
    loss = "breakdown"
    """,
    "aimed.toml",
)
TWO_ORDERS = [
    *WORKED,
    message("09:15", "job", phase="start", order="wo-2", product="lug", ideal_cycle=30, planned=50),
    message("09:15", "state", state="running"),
    message("09:30", "count", produced=55, good=50, scrap=5),
    message("09:45", "job", phase="end", order="wo-2"),
    message("09:45", "state", state="idle"),
]


@pytest.mark.slow
async def test_a_machine_without_an_ideal_cycle_does_not_hide_the_others(store: Store) -> None:
    unrated = [
        message("08:00", "state", LATHE, state="running"),
        message("08:00", "count", LATHE, produced=0, good=0),
        message("08:30", "count", LATHE, produced=5, good=5),
    ]
    await stored(store, [*WORKED, *unrated], "09:30")
    line = await asked(store, LINE, "08:00", "09:00", "09:30")
    assert line.indicators["oee"] is None
    assert line.rated is not None
    assert line.rated.indicators["oee"] == 0.55
    assert line.rated.indicators["availability"] == pytest.approx(43 / 60)
    assert line.rated.without == [LATHE]
    assert any(note.startswith(f"rated gives oee and its factors without {LATHE}: 5 pieces") for note in line.notes)
    assert (await asked(store, MILL, "08:00", "09:00", "09:30")).rated is None
    assert (await asked(store, LATHE, "08:00", "09:00", "09:30")).rated is None  # there are no others


@pytest.mark.slow
async def test_a_target_plans_its_share_of_the_planned_time(store: Store) -> None:
    await stored(store, WORKED, "09:30", AIMED)
    for asset in (MILL, LINE):
        found = await asked(store, asset, "08:00", "09:00", "09:30", AIMED)
        assert found.planned == 30  # 0.5 × 60 min ÷ 1 min, of the line's last operation
        assert found.indicators["schedule_attainment"] == pytest.approx(33 / 30)
        assert found.indicators["takt"] == 120
    # While it makes nothing the order has the pace: what is not made is behind the plan.
    down = await asked(store, MILL, "08:30", "08:42", "09:30", AIMED)
    assert (down.ledger["produced"], down.planned) == (0, 6)
    assert (await asked(store, "sheffield", "08:00", "09:00", "09:30", AIMED)).planned == 30
    assert (await asked(store, MILL, "06:00", "07:00", "09:30", AIMED)).planned is None


@pytest.mark.slow
async def test_orders_plan_their_pieces_where_nothing_is_aimed_at(store: Store) -> None:
    await stored(store, TWO_ORDERS[len(WORKED) :], "10:00")
    first = await asked(store, MILL, "09:00", "09:20", "10:00")
    assert first.planned == 10  # five minutes, half a minute a piece
    assert (await asked(store, MILL, "09:20", "10:00", "10:00")).planned == 40  # and no more than the order is for
    assert (await asked(store, MILL, "09:00", "10:00", "10:00")).planned == 50
    assert (await asked(store, MILL, "09:50", "10:00", "10:00")).planned is None


@pytest.mark.slow
async def test_an_order_that_is_for_no_number_of_pieces_plans_nothing(store: Store) -> None:
    await stored(store, WORKED, "09:30")
    found = await asked(store, MILL, "08:00", "09:00", "09:30")
    assert (found.planned, found.indicators["schedule_attainment"]) == (None, None)


@pytest.mark.slow
async def test_a_line_has_its_constraints_oee_beside_its_own(store: Store) -> None:
    lathe = [
        message("08:00", "state", LATHE, state="running"),
        message("08:10", "state", LATHE, state="blocked"),
        message("09:00", "state", LATHE, state="off"),
    ]
    await stored(store, [*WORKED, *lathe], "09:30", AIMED)
    line = await asked(store, LINE, "08:00", "09:00", "09:30", AIMED)
    assert line.constraint is not None
    assert (line.constraint.machine, line.constraint.from_) == (MILL, "2026-11-24T08:00:00Z")
    assert line.indicators["oee"] == pytest.approx(33 / 120)
    assert line.indicators["bottleneck_oee"] == pytest.approx(33 / 60)


@pytest.mark.slow
async def test_the_six_big_losses_are_planned_time_less_what_was_productive(store: Store) -> None:
    await stored(store, WORKED, "09:30", AIMED)
    found = await asked(store, MILL, "08:00", "09:00", "09:30", AIMED)
    assert found.six_big_losses == {
        "breakdown": 720,
        "setup": 300,
        "minor-stop": 0,
        "speed": 480,
        "startup-reject": 0,
        "process-reject": 120,
    }
    assert sum(filter(None, found.six_big_losses.values())) == 3_600 - 33 * 60


@pytest.mark.slow
@pytest.mark.parametrize("by", BY)
async def test_the_parts_of_a_range_add_up_to_it(store: Store, by: By) -> None:
    await stored(store, TWO_ORDERS, "10:00")
    whole = await asked(store, LINE, "08:00", "09:45", "10:00")
    parts = await answers_by(store, PLANT, LINE, by, (at("08:00"), at("09:45")), now=at("10:00"))
    for field in FIELDS:
        assert sum(part.ledger[field] for part in parts) == pytest.approx(whole.ledger[field]), field
    names = [part.group.name for part in parts if part.group]
    expected: dict[By, list[str]] = {
        "hour": ["2026-11-24T08:00:00+00:00", "2026-11-24T09:00:00+00:00"],
        "day": ["2026-11-24"],
        "shift": ["day"],
        "shift-name": ["day"],
        "order": ["wo-2", "wo-1"],
        "product": ["bracket", "lug"],
        "machine": [MILL],
    }
    assert names == expected[by]


@pytest.mark.slow
async def test_each_product_and_order_has_its_own_indicators_and_time(store: Store) -> None:
    await stored(store, TWO_ORDERS, "10:00")
    lug, bracket = await answers_by(store, PLANT, MILL, "order", (at("08:00"), at("10:00")), now=at("10:00"))
    assert lug.indicators["quality_ratio"] == 17 / 20
    assert bracket.ledger["good"] == 33
    assert lug.group is not None
    assert (lug.group.from_, lug.group.to) == ("2026-11-24T09:15:00Z", "2026-11-24T09:45:00Z")
    products = await answers_by(store, PLANT, MILL, "product", (at("08:00"), at("10:00")), now=at("10:00"))
    assert [each.group and each.group.name for each in products] == ["bracket", "lug", "-"]
    assert products[1].indicators["oee"] == lug.indicators["oee"]
    assert products[1].six_big_losses is None


async def test_orders_of_more_than_a_month_are_too_many(store: Store) -> None:
    with pytest.raises(ContractError, match="31 days"):
        await answers_by(store, PLANT, MILL, "order", (at("08:00") - 40 * DAY, at("08:00")), now=at("10:00"))
