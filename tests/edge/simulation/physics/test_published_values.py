"""Each relation of the physics, by its name, gives the value that its source gives."""

import math
from collections.abc import Callable
from typing import Final

import pytest

from edge.simulation.physics import (
    autoclave_cycle,
    cure,
    cutting,
    dimension,
    driverless,
    electron_beam,
    energy,
    friction_stir,
    heat,
    overload,
    powder_bed,
    tool,
    vibration,
)

HOUR_S: Final = 3_600
TITANIUM: Final = tool.CARBIDE_IN_TITANIUM


def kelvin_later(hours: float) -> float:
    """Return how warm a spindle at 1 kW is, above its surroundings, with a time constant of 40 min."""
    return heat.warmed_cel(0, 0, power_kw=1, rise_k_kw=35, tau_s=2_400, passed_s=hours * HOUR_S)


def cured() -> float:
    """Return the cure after 2 K/min → 110 Cel 60 min → 180 Cel 120 min, minute by minute from 25 Cel."""
    degree, temperature = cure.UNCURED, 25.0
    for hold_cel, hold_min in ((110.0, 60), (180.0, 120)):
        while temperature < hold_cel:
            step_k = min(2.0, hold_cel - temperature)
            degree = cure.cured_after(degree, temperature + step_k / 2, 30 * step_k)
            temperature += step_k
        for _ in range(hold_min):
            degree = cure.cured_after(degree, hold_cel, 60)
    return degree


RELATIONS: Final[dict[str, list[tuple[Callable[[], float], float, float]]]] = {
    "milling and turning power, kW": [
        (lambda: cutting.milling_power_kw(5, 25, 8_000, 800), 13.3, 0.05),
        (lambda: cutting.turning_power_kw(80, 15, 1.0, 1_800), 36, 1e-9),
        (lambda: cutting.milling_power_kw(4, 20, 250, 1_700), 0.57, 0.005),
    ],
    "specific force by Kienzle, N/mm²": [
        (lambda: cutting.specific_force_n_mm2(cutting.ALUMINIUM, 0.1), 750 * 0.1**-0.25, 1e-6),
        (lambda: cutting.specific_force_n_mm2(cutting.TITANIUM_6AL4V, 0.1), 1_450 * 0.1**-0.23, 1e-6),
        (lambda: cutting.specific_force_n_mm2(cutting.ALLOY_STEEL, 0.1), 1_800 * 0.1**-0.25, 1e-6),
        (lambda: cutting.specific_force_n_mm2(cutting.INCONEL_718, 0.1), 2_900 * 0.1**-0.25, 1e-6),
        (lambda: cutting.specific_force_n_mm2(cutting.COBALT_CHROME, 0.1), 2_500 * 0.1**-0.25, 1e-6),
    ],
    "wear raises force": [(lambda: cutting.worn_force_n_mm2(1, 1), 1.3, 1e-9)],
    "tool life by Taylor": [
        (lambda: tool.life_min(TITANIUM, 100, 0.30), 40, 1e-9),
        (lambda: tool.life_min(TITANIUM, 101, 0.30) / 40, 0.96, 0.002),
        (lambda: tool.life_min(TITANIUM, 100, 0.303) / 40, 0.99, 0.001),
    ],
    "wear curve to the criterion, um": [(lambda: tool.flank_wear_um(1), 300, 1e-6)],
    "dimension, um": [(lambda: dimension.error_um(1.0, 4.0, -1.0, worn_um=6.0), 9, 1e-9)],
    "thermal growth": [
        (lambda: kelvin_later(0.667), 35 * (1 - math.exp(-1)), 0.02),
        (lambda: heat.growth_um(0.1, 35, 10), 35, 1e-9),
    ],
    "vibration zones, mm/s": [
        (lambda: vibration.zone_limits_mm_s()[0], 1.4, 0),
        (lambda: vibration.zone_limits_mm_s()[2], 4.5, 0),
        (lambda: vibration.zone_limits_mm_s(rigid=False)[2], 7.1, 0),
        (lambda: vibration.zone_limits_mm_s(large=True)[2], 7.1, 0),
        (lambda: vibration.zone_limits_mm_s(large=True, rigid=False)[2], 11.0, 0),
    ],
    "bearing decay": [
        (lambda: vibration.decay_share(45, 45), 0.5, 1e-9),
        (lambda: vibration.decay_share(0, 45, 100), 1, 1e-9),
        (lambda: vibration.decay_share(100, 45, 100), 0, 1e-9),
    ],
    "friction-stir torque, N·m": [
        (lambda: friction_stir.torque_nm(15, 9), 22.9, 0.05),
        (lambda: friction_stir.torque_nm(20, 9), 30.5, 0.05),
    ],
    "friction-stir temperature over melting": [
        (lambda: friction_stir.temperature_ratio(1_150, 150), 0.79, 0.08),
        (lambda: friction_stir.void_mm(9.5), 0, 0),
    ],
    "electron beam": [
        (lambda: electron_beam.power_kw(150, 200), 30, 1e-9),
        (lambda: electron_beam.penetration_mm(30, 150), 100, 1e-6),
        (lambda: electron_beam.penetration_mm(100, 450), 190, 10),
        (lambda: electron_beam.seam_min(9.42, 150), 63, 0.3),
    ],
    "cure of 8552": [(cured, 0.826, 0.001)],
    "part lags air": [
        (lambda: heat.warmed_cel(20, 180, power_kw=0, rise_k_kw=0, tau_s=900, passed_s=900), 180 - 160 / math.e, 1e-9),
        (lambda: autoclave_cycle.minutes(25)[-1].cured, 0.83, 0.005),
        (lambda: cure.WEAKEST_VACUUM_BAR, -0.6, 0),
    ],
    "powder bed, J/mm³": [(lambda: powder_bed.energy_density_j_mm3(280, 1_200, 0.14, 0.03), 55.6, 0.05)],
    "compressed-air leak": [
        (lambda: energy.leak_m3_min(3, 7), 0.43, 0.005),
        (lambda: energy.compressor_kw(energy.leak_m3_min(3, 7)), 2.8, 0.05),
        (lambda: 6 * energy.compressor_kw(energy.leak_m3_min(3, 7)), 16.9, 0.1),
    ],
    "CO₂e, kg/kW·h": [
        (lambda: energy.co2e_kg(1, energy.KG_CO2E_KWH[2024]), 0.207, 1e-9),
        (lambda: energy.co2e_kg(1, energy.KG_CO2E_KWH[2025]), 0.177, 1e-9),
    ],
    "machine energy, kW": [(lambda: energy.machine_power_kw(3.0, 0.9, 4.0, 0.8), 8.9, 1e-9)],
    "AGV battery": [
        (
            lambda: driverless.charge_after(1, mass_kg=600, speed_m_s=1.2, passed_s=3_600, capacity_kwh=2),
            1 - (0.09 + 0.18) / 2,
            1e-9,
        ),
        (lambda: driverless.CHARGE_AT, 0.30, 0),
    ],
    "overload by AI4I 2020": [
        (lambda: overload.is_power_failure(20, 1_500), True, 0),
        (lambda: overload.is_power_failure(40, 1_500), False, 0),
        (lambda: overload.is_power_failure(60, 1_500), True, 0),
        (lambda: overload.is_overstrained(221, 50, "L"), True, 0),
        (lambda: overload.is_overstrained(221, 50, "M"), False, 0),
        (lambda: overload.lacks_cooling(300, 308.5, 1_379), True, 0),
        (lambda: overload.lacks_cooling(300, 308.5, 1_381), False, 0),
    ],
}
"""What each gives, the value of the source, and how near it is."""


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_relation_gives_the_value_of_its_source(relation: str) -> None:
    for value, published, near in RELATIONS[relation]:
        assert value() == pytest.approx(published, abs=near or 1e-12)
