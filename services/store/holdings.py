"""What a store holds, for people who look after it."""

import msgspec


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
        refused: refused messages.
    """

    engine: str
    place: str
    size: int | None
    free: int | None
    version: int
    machines: int
    events: dict[str, Held]
    minutes: Held
    refused: Held
