import math
from statistics import NormalDist, fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.simulation.physics import cutting, dimension, energy, friction_stir, heat, tool, vibration


def test_milling_aluminium_takes_13_kw() -> None:
    assert cutting.milling_power_kw(5, 25, 8_000, 800) == pytest.approx(13.3, abs=0.05)


def test_turning_steel_takes_36_kw() -> None:
    assert cutting.turning_power_kw(80, 15, 1.0, 1_800) == pytest.approx(36.0)


def test_milling_titanium_takes_0_57_kw() -> None:
    assert cutting.milling_power_kw(4, 20, 250, 1_700) == pytest.approx(0.57, abs=0.005)


@pytest.mark.parametrize(
    ("material", "kc11"),
    [
        (cutting.ALUMINIUM, 750),
        (cutting.TITANIUM_6AL4V, 1450),
        (cutting.ALLOY_STEEL, 1800),
        (cutting.INCONEL_718, 2900),
        (cutting.COBALT_CHROME, 2500),
    ],
)
def test_specific_force_is_kc11_at_one_millimetre_and_grows_for_thin_chips(
    material: cutting.WorkMaterial, kc11: float
) -> None:
    assert cutting.specific_force_n_mm2(material, 1.0) == kc11
    assert cutting.specific_force_n_mm2(material, 0.1) == pytest.approx(kc11 * 10**material.exponent)


def test_a_worn_edge_needs_30_percent_more() -> None:
    assert cutting.worn_force_n_mm2(2_000, 0.0) == 2_000
    assert cutting.worn_force_n_mm2(2_000, 1.0) == pytest.approx(2_600)


def test_torque_of_a_shaft() -> None:
    assert cutting.torque_nm(10, 1_000) == pytest.approx(95.49, abs=0.01)
    assert cutting.torque_nm(10, 0) == 0


def test_tool_life_at_the_reference_is_40_min_and_one_percent_faster_costs_four() -> None:
    life = tool.life_min(tool.CARBIDE_IN_TITANIUM, 100, 0.30)
    assert life == pytest.approx(40)
    assert tool.life_min(tool.CARBIDE_IN_TITANIUM, 101, 0.30) / life == pytest.approx(0.961, abs=0.001)
    assert tool.life_min(tool.CARBIDE_IN_TITANIUM, 100, 0.303) / life == pytest.approx(0.990, abs=0.001)


def test_wear_ends_at_the_criterion_and_is_fast_at_both_ends() -> None:
    assert tool.flank_wear_um(0) == 0
    assert tool.flank_wear_um(1) == pytest.approx(tool.WORN_OUT_UM)
    assert tool.flank_wear_um(0.05) > 40
    assert tool.flank_wear_um(0.8) < 215
    assert tool.flank_wear_um(1) - tool.flank_wear_um(0.9) > 1.5 * (tool.flank_wear_um(0.6) - tool.flank_wear_um(0.5))


@given(st.floats(0, 2), st.floats(0, 2))
def test_wear_never_heals(first: float, second: float) -> None:
    assert tool.flank_wear_um(min(first, second)) <= tool.flank_wear_um(max(first, second)) + 1e-9


def test_a_spindle_warms_from_23_to_58_cel() -> None:
    warm = heat.warmed_cel(23, 23, power_kw=1.0, rise_k_kw=35.0, tau_s=2_400, passed_s=1e6)
    assert warm == pytest.approx(58)
    after_tau = heat.warmed_cel(23, 23, power_kw=1.0, rise_k_kw=35.0, tau_s=2_400, passed_s=2_400)
    assert after_tau == pytest.approx(23 + 35 * (1 - 1 / math.e))


@given(st.floats(-20, 200), st.floats(0, 50), st.floats(1, 5_000), st.integers(1, 20))
def test_warming_is_the_same_in_one_step_or_in_many(
    temperature: float, power_kw: float, passed_s: float, steps: int
) -> None:
    at_once = heat.warmed_cel(temperature, 20, power_kw=power_kw, rise_k_kw=5, tau_s=1_800, passed_s=passed_s)
    for _ in range(steps):
        temperature = heat.warmed_cel(
            temperature, 20, power_kw=power_kw, rise_k_kw=5, tau_s=1_800, passed_s=passed_s / steps
        )
    assert temperature == pytest.approx(at_once, abs=1e-6)


def test_thermal_growth_is_20_to_60_um() -> None:
    assert 20 < heat.growth_um(0.1, 35, 10) < 60
    assert heat.growth_um(1.0, 1.0, 11.5) == pytest.approx(11.5)


@pytest.mark.parametrize(
    ("velocity", "large", "rigid", "zone"),
    [
        (1.4, False, True, "A"),
        (1.5, False, True, "B"),
        (2.9, False, True, "C"),
        (4.6, False, True, "D"),
        (4.6, False, False, "C"),
        (7.2, False, False, "D"),
        (2.2, True, True, "A"),
        (7.2, True, True, "D"),
        (10.9, True, False, "C"),
        (11.1, True, False, "D"),
    ],
)
def test_vibration_zones_of_iso_20816(velocity: float, large: bool, rigid: bool, zone: str) -> None:
    assert vibration.zone(velocity, large=large, rigid=rigid) == zone


def test_a_defect_doubles_and_is_whole_at_the_trip() -> None:
    assert vibration.decay_share(0, 45) == 1
    assert vibration.decay_share(45, 45) == pytest.approx(0.5)
    assert vibration.decay_share(450, 45) < 0.001


def test_a_part_is_sound_when_it_was_repaired_however_soon_it_trips() -> None:
    for life_h in (0.1, 5, 45, 450):
        assert vibration.decay_share(life_h, 45, life_h) == 0
        assert vibration.decay_share(0, 45, life_h) == pytest.approx(1)
        for share in (0.05, 0.5, 0.95):
            left_h = vibration.left_h(share, 45, life_h)
            assert vibration.decay_share(left_h, 45, life_h) == pytest.approx(share)
            assert 0 < left_h < life_h


def test_friction_stir_torque_and_power() -> None:
    assert friction_stir.torque_nm(15, 9) == pytest.approx(22.9, abs=0.05)
    assert friction_stir.torque_nm(20, 9) == pytest.approx(30.5, abs=0.05)
    assert friction_stir.torque_nm(15, 9) * 1_000 / 9_549.3 == pytest.approx(2.4, abs=0.01)
    assert friction_stir.torque_nm(20, 9) * 1_000 / 9_549.3 == pytest.approx(3.2, abs=0.01)


@pytest.mark.parametrize("speed", [800, 1_000, 1_200, 1_500])
def test_friction_stir_temperature_is_71_to_87_percent_of_melting(speed: float) -> None:
    assert 0.71 <= friction_stir.temperature_ratio(speed, 150) <= 0.87
    assert 300 <= friction_stir.weld_temperature_cel(speed, 150) <= 520


def test_a_machine_draws_its_auxiliaries_its_spindle_and_its_cut() -> None:
    assert energy.machine_power_kw(3.0, 0.9, 4.0, 0.8) == pytest.approx(8.9)


def test_a_three_millimetre_leak_costs_17_mwh_in_6000_hours() -> None:
    leak = energy.leak_m3_min(3, 7)
    assert leak == pytest.approx(0.43, abs=0.005)
    assert energy.compressor_kw(leak) == pytest.approx(2.8, abs=0.05)
    assert energy.compressor_kw(leak) * 6_000 / 1000 == pytest.approx(16.9, abs=0.1)


def test_emissions_by_the_factors_of_two_years() -> None:
    assert energy.co2e_kg(1_000, energy.KG_CO2E_KWH[2024]) == pytest.approx(207)
    assert energy.co2e_kg(1_000) == pytest.approx(177)
    assert energy.co2e_kg(338_000) / 1000 == pytest.approx(60, abs=0.5)  # twenty such leaks: 60 t


def test_a_chiller_moves_more_heat_for_each_kilowatt_on_a_cold_day() -> None:
    assert energy.chiller_cop(12, 20) == pytest.approx(0.40 * 280.15 / 25)
    assert energy.chiller_cop(12, 5) > energy.chiller_cop(12, 30)


def test_too_little_forge_force_leaves_a_void() -> None:
    assert friction_stir.void_mm(9.5) == 0
    assert friction_stir.void_mm(8.0) == pytest.approx(0.8)


@given(st.floats(0.001, 1), st.floats(1, 100))
def test_remaining_life_is_the_inverse_of_decay(share: float, doubling_h: float) -> None:
    assert vibration.decay_share(vibration.left_h(share, doubling_h), doubling_h) == pytest.approx(share)


def test_capability_falls_as_the_tool_wears() -> None:
    chance = [6.2 * NormalDist().inv_cdf((place + 0.5) / 200) for place in range(200)]

    def capability(wear: float) -> float:
        errors = [dimension.error_um(wear, 0.0, one) for one in chance]
        return min(20 - fmean(errors), 20 + fmean(errors)) / (3 * stdev(errors))

    assert capability(0.0) == pytest.approx(20 / (3 * 6.2), abs=0.02)
    assert capability(0.0) > capability(0.5) > capability(1.0)
    assert capability(1.0) == pytest.approx(14 / (3 * 6.2), abs=0.02)


def test_a_worn_tool_in_a_warm_hall_makes_scrap() -> None:
    assert dimension.error_um(0.0, 0.0, 0.0) == 0
    assert dimension.error_um(1.0, heat.growth_um(0.35, 4.0), 0.0) > 20
