"""Energy: what a machine draws, and what a hole in the compressed air costs."""

import math

KG_CO2E_KWH_2024 = 0.207
"""Electricity of the United Kingdom, government factor 2024, kg/kW·h (2025: 0.177)."""


def machine_power_kw(
    auxiliaries_kw: float, spindle_idle_kw: float, cutting_kw: float, efficiency: float = 0.8
) -> float:
    """Return the electric power of a machine tool: auxiliaries + idle spindle + Pc/η (measured five-axis mills).

    Args:
        auxiliaries_kw: hydraulics, coolant, control: 2 to 4 kW.
        spindle_idle_kw: the turning spindle without a cut, 0.8 to 1.0 kW.
        cutting_kw: power at the cutter.
        efficiency: η of drive and spindle.
    """
    return auxiliaries_kw + spindle_idle_kw + cutting_kw / efficiency


def leak_m3_min(hole_mm: float, pressure_bar: float, temperature_k: float = 293.0, discharge: float = 0.65) -> float:
    """Return the free air that a hole loses: choked flow `ṁ = 0.0404·Cd·A·p0/√T`, at 1.2 kg/m³.

    Args:
        hole_mm: diameter.
        pressure_bar: of the net, gauge.
        temperature_k: of the air.
        discharge: Cd of the hole's edge.
    """
    area_m2 = math.pi * (hole_mm / 1000) ** 2 / 4
    absolute_pa = (pressure_bar + 1.013) * 1e5
    return 0.0404 * discharge * area_m2 * absolute_pa / math.sqrt(temperature_k) / 1.2 * 60
