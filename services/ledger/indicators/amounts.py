"""How amounts of the ledger read in the sentences of findings: pieces, seconds, durations, times."""

from services.ledger.fields import NANO


def pieces(amount: int) -> str:
    """Return a number of pieces, from 10⁻⁹ pieces."""
    return f"{amount / NANO:.12g}"


def times(amount: int) -> str:
    """Return how often, from 10⁻⁹ times."""
    return "once" if amount == NANO else f"{pieces(amount)} times"


def seconds(amount: int) -> str:
    """Return seconds with their unit, from nanoseconds."""
    return f"{amount / NANO:.6g} s"


def duration(ns: int) -> str:
    """Return nanoseconds in the unit that suits them."""
    length = ns / NANO
    if length < 120:
        return f"{length:.3g} s"
    return f"{length / 60:.0f} min" if length < 7_200 else f"{length / 3_600:.1f} h"
