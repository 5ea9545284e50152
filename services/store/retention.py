"""What a store holds, and for how long: for people who look after it."""

from typing import Final

import msgspec

DAY_NS: Final = 86_400_000_000_000
EVENTS_RETENTION_NS: Final = 30 * DAY_NS
"""How long raw events and refused messages are kept."""
MINUTES_RETENTION_NS: Final = 730 * DAY_NS
"""How long the minutes of the ledger are kept; its hours and days are kept for ever."""


class Held(msgspec.Struct, frozen=True):
    """What is held of one kind: how many rows (None: not counted), and oldest and newest time."""

    n: int | None
    oldest: int | None
    newest: int | None


class StoreStatus(msgspec.Struct, frozen=True):
    """What a store holds.

    Attributes:
        engine: what keeps it.
        place: where: a file, or the address of a server.
        size: bytes that it takes; None where only the server's own tools tell.
        free: bytes free on its disk; None likewise.
        version: of the schema.
        machines: how many have spoken.
        events: by kind, those that there are.
        minutes: rows of the minute ledger.
        rejected: refused messages.
    """

    engine: str
    place: str
    size: int | None
    free: int | None
    version: int
    machines: int
    events: dict[str, Held]
    minutes: Held
    rejected: Held
