"""What a cumulative reading can be, and the field of the ledger that counts readings of each noted kind."""

from typing import Final

PRODUCTION: Final = 0
DIP: Final = 1
"""The first reading of a dip, which adds nothing, …"""
CORRECTION: Final = 2
ROLL_OVER: Final = 3
RESET: Final = 4
SPIKE: Final = 5
"""The first reading of a spike, which adds nothing, …"""
NEW_BASE: Final = 6
SKIPPED: Final = 7
"""… and the further readings of a dip or spike."""
UNCLASSIFIED: Final = 8
"""It came after the others were classified."""

HANDED_OVER: Final = 9
"""The first reading of another owner: a real device after its simulation, or the other way round. It adds nothing."""

LEFT_OUT: Final = frozenset({DIP, SPIKE, SKIPPED})
"""Kinds of readings that do not become the base of the next."""

NOTED: Final[dict[int, str]] = {
    DIP: "dips",
    CORRECTION: "corrections",
    ROLL_OVER: "roll_overs",
    RESET: "resets",
    SPIKE: "spikes",
    NEW_BASE: "new_bases",
}
"""The field of the ledger that counts the readings of each kind that is noted."""
