"""How far an agent was read: what is next, and what to do where the agent does not have it any more.

An agent numbers what it observes. It stores the newest of it, from `firstSequence` on, and begins again with another
`instanceId` when it is started again.
"""

from pathlib import Path
from typing import Any, Final

import msgspec

from broker import private_files
from broker.contract.errors import ContractError

NEVER: Final = -1
"""The instance of an agent that was never read; there are agents whose own is 0."""


class Header(msgspec.Struct, frozen=True):
    """What an agent reports of itself in each document of observations.

    Attributes:
        instance: since when it runs.
        first: the sequence of the oldest observation that it has.
        next: the sequence after the last one of the document.
        last: the sequence of the newest observation that it has; 0 where it does not report it.
    """

    instance: int
    first: int
    next: int
    last: int = 0

    @classmethod
    def of(cls, document: dict[str, Any]) -> "Header":
        """Return the header of a document.

        Raises:
            ContractError: it has none.
        """
        header = document.get("MTConnectStreams", {}).get("Header", {})
        instance, first, following, last = (
            header.get(key) for key in ("instanceId", "firstSequence", "nextSequence", "lastSequence")
        )
        if not (isinstance(instance, int) and isinstance(first, int) and isinstance(following, int)):
            raise ContractError("the document has no instanceId, firstSequence or nextSequence", "ask an agent")
        return cls(instance, first, following, last if isinstance(last, int) else 0)


class Position(msgspec.Struct, frozen=True):
    """How far an agent was read.

    Attributes:
        instance: of the agent; `NEVER` where it was not read yet.
        next: the sequence of what is read next.
        devices: uuid and name of each of its devices.
    """

    instance: int = NEVER
    next: int = 1
    devices: tuple[tuple[str, str], ...] = ()


class Start(msgspec.Struct, frozen=True):
    """Where to read on.

    Attributes:
        next: the sequence from which on samples are read.
        lost: observations that the agent does not have any more.
    """

    next: int
    lost: int = 0


def start(known: Position, header: Header, *, skip: bool = False) -> Start:
    """Return where to read on: where it was left, while the agent has that, else after what is current.

    An agent that was started again is read from its first observation on, if it has it still.

    Args:
        known: how far it was read.
        header: of what is current.
        skip: what is next cannot be read.
    """
    if known.instance == NEVER:
        return Start(header.next)
    if is_another(known, header):
        return Start(1) if header.first <= 1 else Start(header.next, header.first - 1)
    if skip:
        return Start(header.next, header.next - known.next)
    if known.next < header.first:
        return Start(header.next, header.first - known.next)
    return Start(known.next)


def is_another(known: Position, header: Header) -> bool:
    """Return whether an agent was started again, be it within the second that its instance is named by."""
    return known.instance != header.instance or known.next > header.next


def load(file: Path) -> Position:
    """Return the position that a file has; that of nothing read where there is none, or it is damaged."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Position)
    except (FileNotFoundError, ValueError):
        return Position()


def save(file: Path, position: Position) -> None:
    """Store a position.

    Raises:
        OSError: it cannot be stored.
    """
    private_files.replace(file, msgspec.json.encode(position))
