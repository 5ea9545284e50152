"""What real counters, meters and materials do, each situation by itself, and what is counted of it."""

from collections.abc import Mapping

import msgspec
import pytest

from broker.contract.events import AnyEvent, Count, Job, Material, Meter
from services.ledger.fields import NANO
from services.ledger.orders import Orders
from services.ledger.readings.cumulative import Cumulative
from services.ledger.readings.kinds import NOTED
from services.ledger.readings.limits import Limits

HOUR = 3_600
Seen = list[tuple[float, str, float]]
"""Of each reading that is noted: second, kind, what it added."""


def cumulative(events: list[AnyEvent], limits: Limits) -> Cumulative:
    found = Cumulative(Orders())
    for event in events:
        found.load(event)
    found.classify_all(limits)
    return found


def seen(events: list[AnyEvent], limits: Limits, field: str) -> tuple[Seen, float]:
    """Return what is noted of a field, and what was counted in all."""
    found = cumulative(events, limits)
    noted = [
        (each.at / NANO, NOTED[each.kind], each.added / NANO) for each in found.noted(-1, 2**62) if each.field == field
    ]
    return sorted(noted), sum(each.amount for each in found.added(-1, 2**62) if each.field == field) / NANO


def made(
    *pairs: tuple[float, float], cycle: float | None = None, counter_max: float | None = None
) -> tuple[Seen, float]:
    """Return what is seen of produced pieces, by (second, total), and how many were counted."""
    events: list[AnyEvent] = [Count(asset="", at=round(second * NANO), produced=total) for second, total in pairs]
    ideal_ns = None if cycle is None else round(cycle * NANO)
    most = None if counter_max is None else round(counter_max * NANO)
    return seen(events, Limits(lambda _: ideal_ns, None, most), "produced")


def used(*pairs: tuple[float, float], max_power: float | None = None) -> tuple[Seen, float]:
    """Return what is seen of an electricity meter, kW·h, and how much was counted."""
    events: list[AnyEvent] = [
        Meter(asset="", at=round(second * NANO), name="electricity", total=total) for second, total in pairs
    ]
    return seen(
        events, Limits(lambda _: None, None if max_power is None else round(max_power * NANO)), "electricity_kwh"
    )


def test_the_first_reading_ever_adds_nothing() -> None:
    assert made((10, 812), (20, 815)) == ([], 3)


def test_a_lower_reading_is_a_reset_and_adds_itself() -> None:
    assert made((0, 100), (100, 7), (200, 9)) == ([(100, "resets", 7)], 9)


def test_counters_that_are_read_at_the_start_and_end_of_a_shift_are_reset() -> None:
    for cycle in (None, 60):
        found = made(*[(place * 8 * HOUR, total) for place, total in enumerate((0, 100, 0, 120, 0, 90))], cycle=cycle)
        assert found == ([(16 * HOUR, "resets", 0), (32 * HOUR, "resets", 0)], 310)
    found = made((0, 2), (8 * HOUR, 100), (8 * HOUR + 1, 2), (16 * HOUR, 120))
    assert found == ([(8 * HOUR + 1, "resets", 2)], 98 + 2 + 118)


@pytest.mark.parametrize(("back", "is_dip"), [(130, True), (160, True), (161, False)])
def test_a_counter_that_can_count_so_much_has_dipped_if_it_is_back_within_a_minute(back: float, is_dip: bool) -> None:
    found = made((0, 10), (100, 0), (back, 12), cycle=5)
    assert found == ([(100, "dips", 0)], 2) if is_dip else ([(100, "resets", 0)], 12)


def test_a_counter_that_is_back_by_more_than_it_can_count_has_dipped_however_long() -> None:
    assert made((0, 1_000), (60, 0), (12 * HOUR, 0), (12 * HOUR + 30, 1_002), cycle=30) == ([(60, "dips", 0)], 2)


@pytest.mark.parametrize(("minutes", "is_dip"), [(14, True), (15, True), (16, False)])
def test_where_it_is_not_known_what_it_can_count_it_has_dipped_if_it_is_back_within_a_quarter(
    minutes: float, is_dip: bool
) -> None:
    found = made((0, 1_000), (100, 0), (100 + minutes * 60, 1_003))
    assert found == ([(100, "dips", 0)], 3) if is_dip else ([(100, "resets", 0)], 1_003)


def test_a_counter_that_counts_up_from_where_it_fell_to_has_not_dipped() -> None:
    assert made((0, 100), (100, 0), (130, 4), (150, 101)) == ([(100, "resets", 0)], 101)


def test_a_piece_taken_back_is_a_correction_and_is_made_again() -> None:
    assert made((0, 1_000), (100, 999), (1_000, 1_025), cycle=30) == ([(100, "corrections", -1)], 25)


def test_a_correction_is_at_most_a_tenth() -> None:
    assert made((0, 100), (2_000, 90), (3_000, 91)) == ([(2_000, "corrections", -10)], -9)
    assert made((0, 100), (2_000, 89), (3_000, 90)) == ([(2_000, "resets", 89)], 90)


def test_noise_below_what_a_short_float_can_distinguish_is_counted_and_not_noted() -> None:
    assert used((0, 5123.4), (2_000, 5123.3999), (4_000, 5123.6)) == ([], 0.2)
    assert made((0, 5_000_000), (2_000, 4_999_999), (4_000, 5_000_009))[0] == [(2_000, "corrections", -1)]


@pytest.mark.parametrize("size", [2**15, 2**16, 2**31, 2**32, 10**4, 10**7])
def test_a_counter_rolls_over_at_a_common_size(size: int) -> None:
    assert made((0, size - 28), (600, 12), (1_200, 52)) == ([(600, "roll_overs", 40)], 80)


@pytest.mark.parametrize("bits", [15, 16, 31, 32])
def test_a_meter_that_counts_watt_hours_rolls_over_in_its_own_unit(bits: int) -> None:
    size = 2**bits / 1_000
    assert used((0, size - 0.028), (600, 0.012), (1_200, 0.052)) == ([(600, "roll_overs", 0.04)], 0.08)
    assert made((0, 4_294_967), (600, 1)) == ([(600, "resets", 1)], 1)


def test_a_counter_rolls_over_at_the_size_that_the_plant_file_has() -> None:
    assert made((0, 4_990), (600, 12), counter_max=4_999) == ([(600, "roll_overs", 22)], 22)
    assert made((0, 4_990), (600, 12)) == ([(600, "resets", 12)], 12)


def test_a_fall_from_further_below_the_end_is_a_reset() -> None:
    assert made((0, 32_000), (600, 12)) == ([(600, "resets", 12)], 12)


def test_a_meter_with_its_decimal_point_lost_has_spiked() -> None:
    assert used((0, 35548.0), (600, 35548.4), (1_200, 355548.8), (1_800, 35549.2)) == (
        [(1_200, "spikes", 0)],
        1.2,
    )
    assert used((0, 35548.0), (1_200, 355548.8), (1_800, 35549.2), max_power=50)[0] == [(1_200, "spikes", 0)]


def test_a_spike_that_is_read_twice_is_one() -> None:
    assert made((0, 50), (60, 52), (120, 5_000), (130, 5_000), (180, 54), cycle=30) == ([(120, "spikes", 0)], 4)


def test_a_dip_within_a_spike_is_left_out_with_it() -> None:
    assert made((0, 5_000), (60, 5_001), (120, 50_020), (180, 0), (190, 5_003)) == (
        [(120, "spikes", 0), (180, "dips", 0)],
        3,
    )


def test_a_jump_far_beyond_what_can_be_that_stays_is_a_new_base_where_that_is_known() -> None:
    jump = ((0, 1_000), (60, 1_002), (120, 50_000), (180, 50_003))
    assert made(*jump, cycle=30) == ([(120, "new_bases", 0)], 5)
    assert made(*jump) == ([], 49_003)
    assert made((0, 1_000), (60, 1_099), cycle=30) == ([], 99), "a hundred is too little"


def counts(*messages: tuple[float, Mapping[str, float]], cycle: float | None = None) -> dict[str, tuple[Seen, float]]:
    events: list[AnyEvent] = [
        msgspec.structs.replace(Count(asset="", at=round(second * NANO)), **totals) for second, totals in messages
    ]
    limits = Limits(lambda _: None if cycle is None else round(cycle * NANO))
    return {field: seen(events, limits, field) for field in ("produced", "good", "scrap")}


def test_pieces_recounted_as_scrap_are_corrections_of_any_size() -> None:
    found = counts((0, {"produced": 100, "good": 100, "scrap": 0}), (2_000, {"produced": 101, "good": 50, "scrap": 51}))
    assert found == {"produced": ([], 1), "good": ([(2_000, "corrections", -50)], -50), "scrap": ([], 51)}


def test_a_reset_of_one_field_is_a_reset_of_all_that_fell_with_it() -> None:
    found = counts((0, {"produced": 100, "good": 99, "scrap": 1}), (2_000, {"produced": 3, "good": 3, "scrap": 0}))
    assert {field: noted for field, (noted, _) in found.items()} == {
        "produced": [(2_000, "resets", 3)],
        "good": [(2_000, "resets", 3)],
        "scrap": [(2_000, "resets", 0)],
    }


def test_a_few_scrap_pieces_do_not_make_a_reset_of_a_dip() -> None:
    low, back = {"produced": 0, "good": 0, "scrap": 0}, {"produced": 1_010, "good": 985, "scrap": 25}
    found = counts((0, {"produced": 1_000, "good": 990, "scrap": 10}), (60, low), (360, low), (660, back), cycle=30)
    assert {field: counted for field, (_, counted) in found.items()} == {"produced": 10, "good": -5, "scrap": 15}


def test_several_fields_roll_over_in_one_message() -> None:
    found = counts((0, {"produced": 32_760, "good": 32_750}), (600, {"produced": 10, "good": 3}))
    assert [found[field][1] for field in ("produced", "good")] == [18, 21]


def test_a_swapped_machine_is_a_new_base_in_all_its_fields() -> None:
    found = counts(
        (0, {"produced": 900, "good": 800, "scrap": 100}),
        (60, {"produced": 9_000, "good": 8_990, "scrap": 10}),
        cycle=30,
    )
    assert {field: counted for field, (_, counted) in found.items()} == {"produced": 0, "good": 0, "scrap": 0}


def test_a_meter_that_counts_down_adds_what_lies_between_its_last_and_its_first_reading() -> None:
    assert used((0, 100), (2_000, 99), (4_000, 98.5))[1] == -1.5
    assert used((0, 0.5), (2_000, -0.5), (4_000, -3))[1] == -3.5


def test_what_a_material_consumed_is_counted_likewise() -> None:
    totals = ((0, 120.5), (2_000, 121.0), (4_000, 0.0), (6_000, 2.5))
    events: list[AnyEvent] = [
        Material(asset="", at=second * NANO, name="bar", consumed=total, unit="kg") for second, total in totals
    ]
    assert seen(events, Limits(), "consumed") == ([(4_000, "resets", 0)], 3)


def test_the_shortest_cycle_of_the_orders_in_between_says_what_is_possible() -> None:
    orders: list[AnyEvent] = [
        Job(asset="", at=0, phase="start", order="wo-1", product="bolt", ideal_cycle=1),
        Job(asset="", at=HOUR * NANO, phase="start", order="wo-2", product="bolt", ideal_cycle=600),
    ]
    events = [Count(asset="", at=(2 * HOUR - 1) * place * NANO, produced=3_000 * place) for place in (0, 1)]
    assert seen([*orders, *events], Limits(), "produced") == ([], 3_000)
    assert seen([orders[1], *events], Limits(), "produced")[0][0][1] == "new_bases"


def owned(*readings: tuple[float, float, bool]) -> tuple[Seen, float]:
    """Return what is seen of produced pieces, by (second, total, simulated), and how many were counted."""
    events: list[AnyEvent] = [
        Count(asset="", at=round(second * NANO), produced=total, simulated=simulated)
        for second, total, simulated in readings
    ]
    found = seen(events, Limits(lambda _: 10 * NANO, None, None), "produced")
    arriving = Cumulative(Orders(), Limits(lambda _: 10 * NANO, None, None))
    for event in [*events[::2], *events[1::2]]:
        assert isinstance(event, Count)
        arriving.put(event)
    assert sum(each.amount for each in arriving.added(-1, 2**62)) / NANO == found[1]
    return found


@pytest.mark.parametrize("device", [0, 3, 700, 812, 815, 830, 90_000])
def test_the_first_reading_of_a_device_after_its_simulation_adds_nothing_and_the_other_way_round(device: float) -> None:
    simulation = [(0, 811, True), (20, 812, True), (120, 812, True), (140, 813, True)]
    real = [(40, device, False), (60, device + 1, False), (80, device + 2, False)]
    assert owned(*sorted(simulation + real)) == ([], 1 + 2 + 1)


def test_a_counter_that_falls_or_jumps_before_another_owner_counts_depends_on_its_own_readings() -> None:
    assert owned((0, 100, False), (20, 0, False), (30, 101, True), (50, 102, True)) == ([(20, "resets", 0)], 1)
    assert owned((0, 10, False), (20, 900, False), (30, 11, True), (50, 12, True)) == ([(20, "new_bases", 0)], 1)
