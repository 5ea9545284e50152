"""Formulas of single processes: welding in vacuum, curing, printing, casting, grinding, pressing, bending, driving."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.simulation.physics import (
    abrasion,
    autoclave_cycle,
    bending,
    casting,
    cure,
    driverless,
    electron_beam,
    heat,
    infusion,
    powder,
    powder_bed,
)


def test_a_beam_of_30_kw_goes_100_mm_deep_and_a_ring_takes_63_min() -> None:
    assert electron_beam.power_kw(150, 200) == pytest.approx(30)
    assert electron_beam.penetration_mm(30, 150) == pytest.approx(100)
    assert electron_beam.seam_min(9.42, 150) == pytest.approx(63, abs=0.3)


@pytest.mark.parametrize("travel_mm_min", [420, 450, 510])
def test_a_beam_of_100_kw_goes_180_to_200_mm_deep(travel_mm_min: float) -> None:
    assert 180 <= electron_beam.penetration_mm(100, travel_mm_min) <= 200


def cured_in_autoclave(step_s: float) -> float:
    """Return the cure after 2 K/min → 110 Cel 60 min → 180 Cel 120 min, from 25 Cel."""
    cured, temperature = cure.UNCURED, 25.0
    for hold_cel, hold_s in ((110.0, 3_600.0), (180.0, 7_200.0)):
        steps = round((hold_cel - temperature) / (2 / 60 * step_s))
        start = temperature
        for step in range(steps):
            temperature = start + (hold_cel - start) * (step + 0.5) / steps
            cured = cure.cured_after(cured, temperature, (hold_cel - start) * 30 / steps)
        temperature = hold_cel
        cured = cure.cured_after(cured, hold_cel, hold_s)
    return cured


@pytest.mark.parametrize("step_s", [10.0, 30.0, 60.0])
def test_8552_is_cured_to_82_6_percent_by_its_cycle(step_s: float) -> None:
    assert cured_in_autoclave(step_s) == pytest.approx(0.826, abs=0.001)


@given(st.floats(0.01, 1), st.floats(20, 200), st.floats(0, 3_600))
def test_cure_never_goes_back_or_beyond_one(cured: float, temperature: float, passed_s: float) -> None:
    assert cured <= cure.cured_after(cured, temperature, passed_s) <= 1


def test_the_slowest_thermocouple_begins_the_hold() -> None:
    parts = [25.0, 25.0, 25.0]
    lags_s = [480.0, 900.0, 1_500.0]
    minutes = 0
    while not cure.has_reached(parts, 180.0):
        parts = [
            heat.warmed_cel(part, 180.0, power_kw=0, rise_k_kw=0, tau_s=tau_s, passed_s=60)
            for part, tau_s in zip(parts, lags_s, strict=True)
        ]
        minutes += 1
    assert parts[2] == min(parts)
    assert minutes == pytest.approx(25 * 3.95, abs=1.5)  # 25 min · ln(155 K / 3 K)


def test_a_bag_weaker_than_0_6_bar_leaves_voids() -> None:
    assert cure.void_percent(-0.95) == cure.void_percent(-0.6) < 1
    assert cure.void_percent(-0.4) > 2


def test_energy_density_of_a_printed_layer() -> None:
    density = powder_bed.energy_density_j_mm3(280, 1_200, 0.14, 0.03)
    assert density == pytest.approx(55.6, abs=0.05)
    assert powder_bed.pore_percent(density) == pytest.approx(0.1)
    assert powder_bed.pore_percent(40) > 0.5 < powder_bed.pore_percent(95)


def test_a_second_laser_halves_the_melting_and_not_the_recoating() -> None:
    assert powder_bed.layer_s(8_400, 0.14, 1_200) == pytest.approx(60)
    assert powder_bed.layer_s(8_400, 0.14, 1_200, lasers=2) == pytest.approx(35)


def test_resin_comes_half_as_far_in_a_quarter_of_the_time() -> None:
    far = infusion.front_m(1_600, pressure_bar=3, viscosity_pa_s=0.1)
    assert infusion.front_m(400, pressure_bar=3, viscosity_pa_s=0.1) == pytest.approx(far / 2)
    assert far == pytest.approx(1.46, abs=0.01)
    assert infusion.viscosity_pa_s(85) == pytest.approx(2 * infusion.viscosity_pa_s(100))


def test_an_arc_of_12_ka_and_a_mould_that_spins() -> None:
    assert casting.arc_kw(37, 12) == pytest.approx(444)
    assert casting.centrifugal_g(300, 0.5) == pytest.approx(50.3, abs=0.05)


def test_a_cold_pour_or_mould_or_a_slow_spin_leaves_walls_unfilled() -> None:
    usual = casting.misrun_percent(1_720, 600, 20)
    assert usual == pytest.approx(1)
    assert casting.misrun_percent(1_700, 600, 20) == pytest.approx(2)
    assert casting.misrun_percent(1_720, 450, 20) == pytest.approx(2)
    assert casting.misrun_percent(1_720, 600, 0) == pytest.approx(2)
    assert casting.misrun_percent(900, 20, 0) == 100


def test_grinding_power_and_the_speed_of_a_wheel() -> None:
    assert abrasion.grinding_power_kw(40, 50) == pytest.approx(2.0)
    assert abrasion.wheel_speed_m_s(400, 1_671) == pytest.approx(35, abs=0.01)


def test_polishing_smooths_down_to_what_the_cloth_can_do() -> None:
    assert abrasion.removal_um(20, 5, 100) == pytest.approx(1.6)
    assert abrasion.polished_ra_um(0.4, 0) == pytest.approx(0.4)
    assert abrasion.polished_ra_um(0.4, 1.6) == pytest.approx(0.027, abs=0.001)


def test_a_pressed_body_shrinks_by_the_cube_root_of_the_densities() -> None:
    pressure = powder.pressure_mpa(14.8, 12)
    assert pressure == pytest.approx(131, abs=0.5)
    assert powder.green_density_percent(pressure) == pytest.approx(53.7, abs=0.1)
    assert powder.sintered_mm(12.0, 60, 97) == pytest.approx(10.225, abs=0.001)


def test_bending_two_millimetres_of_steel_takes_160_kn_a_metre() -> None:
    assert bending.force_kn(450, 2, 1_000, 16) == pytest.approx(159.75)
    assert bending.spring_back_deg(450) == pytest.approx(0.579, abs=0.001)


def test_a_vehicle_drains_its_battery_faster_under_load() -> None:
    def after(mass_kg: float, speed_m_s: float) -> float:
        return driverless.charge_after(1.0, mass_kg=mass_kg, speed_m_s=speed_m_s, passed_s=3_600, capacity_kwh=2.0)

    assert after(600, 0) == pytest.approx(1 - 0.09 / 2)
    assert after(600, 1.2) == pytest.approx(1 - (0.09 + 0.18) / 2)
    assert after(1_600, 1.2) < after(600, 1.2)


def test_a_charger_fills_a_battery_and_not_more() -> None:
    assert driverless.charged_after(0.3, charger_kw=2, passed_s=1_800, capacity_kwh=2.0) == pytest.approx(0.775)
    assert driverless.charged_after(0.9, charger_kw=2, passed_s=3_600, capacity_kwh=2.0) == 1


@pytest.mark.parametrize("slowest_min", [8, 18, 25])
def test_an_autoclave_holds_until_its_slowest_part_is_done(slowest_min: int) -> None:
    cycle = autoclave_cycle.minutes(slowest_min)
    held = [place for place, minute in enumerate(cycle) if minute.air_cel >= 180 - 1e-9 and minute.parts_cel[-1] >= 177]
    assert 120 <= len(held) <= 122
    assert all(minute.parts_cel[-1] == min(minute.parts_cel) for minute in cycle[: held[-1]])
    assert 0.825 <= cycle[-1].cured <= 0.835  # what waits for the slowest part cures a little on


def test_a_slower_part_makes_the_cycle_longer() -> None:
    fast, slow = autoclave_cycle.minutes(8), autoclave_cycle.minutes(25)
    assert len(slow) > len(fast) + 30
