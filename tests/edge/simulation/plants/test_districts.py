"""The shipped corridor: a file a district, and plants of some of them."""

from datetime import date

import pytest

from broker.plant.plant_file import load
from edge.simulation import districts
from edge.simulation.planning import plan


def test_the_default_is_two_districts_with_eight_machines() -> None:
    plant = districts.plant()
    assert plant.children("") == ["sheffield", "lancaster"]
    assert len(plan.read(plant.simulate).machine) == 8


def test_a_plant_of_one_district_has_its_site_and_nothing_of_the_others() -> None:
    plant = districts.plant(["lancaster/joining"])
    assert plant.children("") == ["lancaster"]
    assert plant.title("lancaster") == "Lancaster"
    assert plant.lines() == ["lancaster/joining/line-1"]


def test_the_corridor_is_all_districts() -> None:
    everything = districts.plant(districts.names())
    assert everything == load(districts.CORRIDOR)
    assert {"/".join(line.split("/")[:2]) for line in plan.read(everything.simulate).line} == set(districts.names())


def test_the_order_in_which_districts_are_named_does_not_matter() -> None:
    assert districts.plant(districts.DEFAULT[::-1]) == districts.plant()


def test_an_unknown_district_is_rejected_with_those_there_are() -> None:
    with pytest.raises(
        districts.UnknownDistrictError, match=r"'york/x'; the districts are sheffield/machining, .*joining"
    ):
        districts.plant(["york/x"])


@pytest.mark.parametrize("name", districts.names())
def test_every_file_is_a_plant_by_itself(name: str) -> None:
    plant = districts.plant([name])
    floor = plan.read(plant.simulate)
    assert floor.line
    for machine in floor.machine:
        assert plant.title(machine)
        assert plant.calendar_of(machine) is not None
    for line in floor.line.values():
        for order in line.orders:
            assert order.product in plant.products


def test_china_rests_on_its_own_holidays_and_works_on_those_of_england() -> None:
    everything = districts.plant(districts.names())
    spring_festival, national_day = date(2026, 2, 17), date(2026, 10, 1)
    spring_bank_holiday, summer_bank_holiday = date(2026, 5, 25), date(2026, 8, 31)
    rests: dict[str, list[date]] = {}
    for asset in plan.read(everything.simulate).line:
        calendar = everything.calendar_of(asset)
        assert calendar is not None
        days = (spring_festival, spring_bank_holiday, summer_bank_holiday, national_day)
        rests[asset] = [day for day in days if not calendar.shifts_on(day)]
    assert rests.pop("guangdong/twin/line-1") == [spring_festival, national_day]
    english = [spring_bank_holiday, summer_bank_holiday]
    assert {tuple(days) for days in rests.values()} == {(), tuple(english)}, "some work on bank holidays, too"
