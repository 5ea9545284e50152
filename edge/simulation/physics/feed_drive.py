"""Feed drives: what moving an axis and pushing a tool into the work take, as shares of a drive's rated force."""

from typing import Final

_STICKING_PERCENT: Final = 8.0
_VISCOUS_PERCENT: Final = 6.0
"""Friction of guideways and screw, and what comes to it in rapid traverse (assumed)."""


def friction_percent(speed: float) -> float:
    """Return the load of an axis that moves and cuts nothing, at a feed that is such a share of rapid traverse."""
    return _STICKING_PERCENT + _VISCOUS_PERCENT * speed


def push_percent(force_n: float, rated_n: float) -> float:
    """Return the load that a force in the direction of an axis comes to.

    Args:
        force_n: of the cut.
        rated_n: what the drive pushes with without a pause.
    """
    return 100 * force_n / rated_n
