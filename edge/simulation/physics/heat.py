"""Heat: a body that is warmed by its losses and cooled by its surroundings, and how it grows."""

import math


def warmed_cel(
    temperature_cel: float, ambient_cel: float, *, power_kw: float, rise_k_kw: float, tau_s: float, passed_s: float
) -> float:
    """Return a body's temperature after a time at constant power: Newton's `dT/dt = P/C − (T−Tamb)/τ`, solved exactly.

    Args:
        temperature_cel: at the start.
        ambient_cel: of the surroundings.
        power_kw: heat that goes into the body.
        rise_k_kw: how much warmer than its surroundings it ends, for each kW: τ/C. K/kW.
        tau_s: time constant; 30 to 60 min for a spindle.
        passed_s: how long.
    """
    end = ambient_cel + power_kw * rise_k_kw
    return end + (temperature_cel - end) * math.exp(-passed_s / tau_s)


def growth_um(length_m: float, rise_k: float, expansion_um_m_k: float = 11.5) -> float:
    """Return how much longer a warmer body is, `ΔL = α·L·ΔT`; steel and cast iron 10 to 12 um/(m·K)."""
    return expansion_um_m_k * length_m * rise_k
