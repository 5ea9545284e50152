"""A driverless vehicle: what driving and standing take out of its battery, and what a charger puts back."""

CHARGE_AT = 0.30
"""State of charge at which it drives to the charger between two jobs."""


def charge_after(charge: float, *, mass_kg: float, speed_m_s: float, passed_s: float, capacity_kwh: float) -> float:
    """Return the state of charge after a time, `dSOC = −(P0 + k·v·m)·dt/E`; P0 90 W, k 0.25 W/(m/s·kg) (assumed).

    k is rolling resistance: 0.02 of the weight, over a drive of 80 % efficiency.

    Args:
        charge: at the start, 0 to 1.
        mass_kg: vehicle and load.
        speed_m_s: 0 to 1.6.
        passed_s: how long.
        capacity_kwh: E of the battery.
    """
    power_kw = (90.0 + 0.25 * speed_m_s * mass_kg) / 1000
    return max(0.0, charge - power_kw * passed_s / 3600 / capacity_kwh)


def charged_after(charge: float, *, charger_kw: float, passed_s: float, capacity_kwh: float) -> float:
    """Return the state of charge after a time at the charger, of 95 % efficiency."""
    return min(1.0, charge + 0.95 * charger_kw * passed_s / 3600 / capacity_kwh)
