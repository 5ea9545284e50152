"""What a store holds, and for how long: for people who look after it."""

from typing import Final

import msgspec

DAY_NS: Final = 86_400_000_000_000
EVENTS_RETENTION_NS: Final = 30 * DAY_NS
"""Retention of raw events and rejected messages."""
MINUTES_RETENTION_NS: Final = 730 * DAY_NS
"""Retention of the ledger's minutes; its hours and days are never deleted."""


class Held(msgspec.Struct, frozen=True):
    """What is held of one kind: how many rows (None: not counted), and oldest and newest time."""

    n: int | None
    oldest: int | None
    newest: int | None


class StoreStatus(msgspec.Struct, frozen=True):
    """What a store holds.

    Attributes:
        engine: its name and version.
        place: where: a file, or the address of a server.
        size: bytes that it takes; None where only the server's own tools report it.
        free: bytes free on its disk; None likewise.
        version: of the schema.
        machines: how many have reported.
        events: by kind, those that there are.
        minutes: rows of the minute ledger.
        rejected: rejected messages.
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
