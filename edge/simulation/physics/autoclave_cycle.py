"""A cycle of an autoclave by the minute: the air follows the recipe, each part lags, the slowest gates the holds."""

from functools import lru_cache
from typing import Final

import msgspec

from edge.simulation.physics import cure, heat

PARTS: Final = 8
"""Thermocouples, one in each bag."""
FASTEST_S: Final = 8 * 60.0
_START_CEL: Final = 25.0
_HOLDS: Final = ((110.0, 60), (180.0, 120))
"""Temperatures, and minutes from the instant at which the slowest part has reached them."""
_HEATING_K_MIN: Final = 2.0
_COOLING_K_MIN: Final = 3.0
_OPEN_CEL: Final = 60.0


class Minute(msgspec.Struct, frozen=True):
    """A minute of the cycle: the air, the parts from the fastest to the slowest, the least degree of cure."""

    air_cel: float
    parts_cel: tuple[float, ...]
    cured: float


@lru_cache(maxsize=64)
def minutes(slowest_min: int) -> tuple[Minute, ...]:
    """Return a cycle for 8552: 2 K/min to 110 Cel for 60 min, then to 180 Cel for 120 min, then down to 60 Cel.

    Args:
        slowest_min: time constant of the part that heats last, 8 to 25 min; the others lie between it and 8 min.
    """
    taus = [FASTEST_S + (slowest_min * 60 - FASTEST_S) * place / (PARTS - 1) for place in range(PARTS)]
    cycle = [Minute(_START_CEL, (_START_CEL,) * PARTS, cure.UNCURED)]
    for hold_cel, hold_min in _HOLDS:
        while not cure.has_reached(cycle[-1].parts_cel, hold_cel):
            cycle.append(_next(cycle[-1], min(hold_cel, cycle[-1].air_cel + _HEATING_K_MIN), taus))
        for _ in range(hold_min):
            cycle.append(_next(cycle[-1], hold_cel, taus))
    while cycle[-1].air_cel > _OPEN_CEL:
        cycle.append(_next(cycle[-1], cycle[-1].air_cel - _COOLING_K_MIN, taus))
    return tuple(cycle)


def _next(last: Minute, air_cel: float, taus_s: list[float]) -> Minute:
    parts = tuple(
        heat.warmed_cel(part, air_cel, power_kw=0, rise_k_kw=0, tau_s=tau_s, passed_s=60)
        for part, tau_s in zip(last.parts_cel, taus_s, strict=True)
    )
    return Minute(air_cel, parts, cure.cured_after(last.cured, min(parts), 60))
