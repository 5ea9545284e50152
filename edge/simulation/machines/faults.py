"""How a coming failure shows: a signal drifts from its sound value to that at the breakdown, and warns on the way."""

from edge.simulation.machines.model import Condition, Model, toward
from edge.simulation.physics import vibration

_WARNING_MM_S = vibration.zone_limits_mm_s()[1]
_TRIP_MM_S = vibration.zone_limits_mm_s()[2]


def drifted(now: Condition, signal: str, sound: float, failed: float) -> float:
    """Return a value between that of a sound machine and that at the breakdown which shows in this signal."""
    return sound + now.decayed(signal) * (failed - sound)


def warn_below(model: Model, code: str, text: str, value: float, limit: float) -> None:
    """Raise a warning when a value, above 0, has fallen to its limit; clear it once it is 5 % above."""
    model.warn(code, text, limit / max(value, 1e-9), 1.0)


class Bearing:
    """A bearing, whose vibration goes through the zones of ISO 20816-3: C raises a warning, D is the breakdown.

    Args:
        model: whose it is.
        name: of the part, for the warning's text.
        smooth_mm_s: the warning's mean value at the start.
    """

    def __init__(self, model: Model, name: str = "spindle", smooth_mm_s: float = 1.0) -> None:
        self._model = model
        self._text = f"{name} vibration in zone C of ISO 20816-3"
        self._smooth_mm_s = smooth_mm_s

    def shaking_mm_s(self, now: Condition, rough_mm_s: float, spread_mm_s: float = 0.05) -> float:
        """Return the vibration.

        Args:
            now: the machine's condition, with how far the bearing has decayed.
            rough_mm_s: of the sound machine.
            spread_mm_s: of the reading.
        """
        return drifted(now, "vibration", rough_mm_s, _TRIP_MM_S) + spread_mm_s * self._model.noise()

    def watch(self, shaking_mm_s: float) -> None:
        """Raise or clear the warning, by the mean of the last readings."""
        self._smooth_mm_s = toward(self._smooth_mm_s, shaking_mm_s, 30.0, 10.0)
        self._model.warn("vibration-high", self._text, self._smooth_mm_s, _WARNING_MM_S)
