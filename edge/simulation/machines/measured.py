"""Findings by the form of their limits: around a nominal, at most, at least; and on which side rework helps."""

from typing import Literal

from edge.simulation.machines.model import Finding

Side = Literal["", "above", "below"]


def around(name: str, value: float, nominal: float, half: float, unit: str, *, rework: Side = "") -> Finding:
    """Return a finding that may differ from its nominal by `half` to either side."""
    return Finding(name, round(value, 4), nominal - half, nominal, nominal + half, unit, rework)


def at_most(name: str, value: float, upper: float, unit: str, *, rework: Side = "") -> Finding:
    """Return a finding of what should not be there: voids, roughness, errors."""
    return Finding(name, round(max(0.0, value), 4), 0.0, 0.0, upper, unit, rework)


def at_least(name: str, value: float, lower: float, most: float, unit: str, *, rework: Side = "") -> Finding:
    """Return a finding of what should be high, `most` at best: contrast, score, cure."""
    return Finding(name, round(min(most, value), 4), lower, most, most, unit, rework)
