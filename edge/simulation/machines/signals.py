"""What a signal is: title, unit and the range in which it usually lies, stated with the kind that shows it."""

from collections.abc import Mapping
from typing import NamedTuple


class Signal(NamedTuple):
    """A signal of a kind of machine.

    Attributes:
        title: as people call it.
        unit: UCUM; '' for texts and truth values.
        low: usual least value; None for texts, truth values and counters.
        high: usual greatest value.
    """

    title: str
    unit: str = ""
    low: float | None = None
    high: float | None = None


PROGRAM = Signal("Program")


def units(shown: Mapping[str, Signal]) -> dict[str, str]:
    """Return the units of some signals."""
    return {name: signal.unit for name, signal in shown.items()}
