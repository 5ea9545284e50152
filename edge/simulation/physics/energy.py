"""Energy: what a machine draws, and what a hole in the compressed air costs."""

import math
from typing import Final

KG_CO2E_KWH: Final = {2024: 0.207, 2025: 0.177}
"""Electricity of the United Kingdom by year, government factors, kg/kW·h."""


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


def compressor_kw(flow_m3_min: float, specific_kw_m3_min: float = 6.5) -> float:
    """Return what a compressor draws for a flow of free air.

    A hole of 3 mm at 7 bar loses 0.43 m³/min, which cost 2.8 kW, in 6,000 hours 16.9 MW·h.

    Args:
        flow_m3_min: free air.
        specific_kw_m3_min: specific power, 6 to 8 kW/(m³/min) for a screw compressor at 7 bar.
    """
    return flow_m3_min * specific_kw_m3_min


def chiller_cop(cold_cel: float, outside_cel: float, share: float = 0.40) -> float:
    """Return how much heat a chiller moves for each kW, a share of Carnot's, `share·Tc/(Th−Tc)`.

    The evaporator is 5 K colder than the water, the condenser 12 K warmer than the air, and the compressor needs 15 K
    between them.

    Args:
        cold_cel: of the water that it cools.
        outside_cel: of the air that it warms.
        share: of what is possible, 0.4 to 0.5.
    """
    evaporator_cel = cold_cel - 5.0
    return share * (evaporator_cel + 273.15) / max(15.0, outside_cel + 12.0 - evaporator_cel)


def co2e_kg(energy_kwh: float, kg_kwh: float = KG_CO2E_KWH[2025]) -> float:
    """Return the emissions behind some electricity."""
    return energy_kwh * kg_kwh
