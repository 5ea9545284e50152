"""What a store is: one small interface that every engine implements, and the rows that go through it.

A write is one batch, durable when the call returns, and writing it again changes nothing: the identity of an event is
(asset, kind, series, time), that of a ledger row its key, and the later write wins. Times are nanoseconds since
1970-01-01 UTC. `asset` is an asset path, whole or cut short: `sheffield` means all machines of that site. An empty
asset path means everything.
"""

from collections.abc import Sequence
from typing import Final, Literal, Protocol, Self

import msgspec

from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent
from broker.contract.message import Message
from broker.contract.topics import Kind
from services.ledger.fields import Sums
from services.store.retention import StoreStatus

STORED_BYTES: Final = 1_024
"""So much is kept of the payload of a refused message."""

Resolution = Literal["minute", "hour", "day"]


class LedgerRow(msgspec.Struct, frozen=True):
    """The sums of one machine over one minute (or hour, or UTC day), product and shift.

    Attributes:
        asset: the machine.
        start: first nanosecond of the minute (hour, day).
        product: of the order then on the machine, `-` without one.
        shift: its name from the calendar, `-` outside.
        sums: in 10⁻⁹ of each field's unit; a row that no longer applies is empty, and overwrites with zeros.
        order: the order then on the machine, '' without one.
    """

    asset: str
    start: int
    product: str
    shift: str
    sums: Sums
    order: str = ""


class ReasonRow(msgspec.Struct, frozen=True):
    """Time in one state for one reason ('' where none was told), in one minute of one machine.

    Attributes:
        seconds: nanoseconds in it (planned or not).
        entries: how often it was entered, in 10⁻⁹.
    """

    asset: str
    start: int
    state: str
    reason: str
    seconds: int
    entries: int


class Rejected(msgspec.Struct, frozen=True):
    """A message that was refused: when it came, its topic, why, and its first 1,024 bytes of `size`.

    Or the count of several that are not stored themselves (`store/rejections.py`): when the first of them came, a
    topic filter, their number and what they have in common, and their bytes in all.
    """

    at: int
    topic: str
    reason: str
    payload: bytes
    size: int
    count: int = 1

    @property
    def is_count(self) -> bool:
        """Whether this is a count; no topic of a message ends so."""
        return self.topic.endswith("#")

    @classmethod
    def of(cls, message: Message, error: ContractError) -> Self:
        """Return what is kept of a message that was refused for this error."""
        payload = message.payload
        topic, reason = (text.encode("utf-8", "backslashreplace").decode() for text in (message.topic, str(error)))
        return cls(message.received_at, topic, reason, payload[:STORED_BYTES], len(payload))


class Batch(msgspec.Struct, frozen=True):
    """What is written at once."""

    events: Sequence[AnyEvent] = ()
    rejected: Sequence[Rejected] = ()
    rows: Sequence[LedgerRow] = ()
    reasons: Sequence[ReasonRow] = ()


class Machine(msgspec.Struct, frozen=True):
    """What is known of a machine that has spoken: times of its oldest and newest event, and whether it is simulated."""

    asset: str
    first: int
    last: int
    simulated: bool


class Signal(msgspec.Struct, frozen=True):
    """What is known of a telemetry signal: unit ('' unknown), whether numbers or text, oldest and newest sample."""

    asset: str
    signal: str
    unit: str
    kind: Literal["number", "text"]
    first: int
    last: int


class Bucket(msgspec.Struct, frozen=True):
    """A stretch of a signal, thinned for drawing: its first time, and least, mean and greatest of its `n` samples.

    For text signals `text` is the last text of the stretch, and the numbers are None.
    """

    at: int
    least: float | None
    mean: float | None
    greatest: float | None
    n: int
    text: str | None = None


class StoreError(Exception):
    """The store cannot do what was asked; the text says why and what to do."""


class RowError(StoreError):
    """The batch has a value that the store cannot hold: the same batch will never be written. Nothing of it was."""


class Store(Protocol):
    """An open store. Every method may raise `StoreError`."""

    async def write(self, batch: Batch) -> None:
        """Write a batch; it is durable when this returns."""

    async def events(
        self,
        kinds: Sequence[Kind],
        asset: str,
        start: int,
        end: int,
        *,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[AnyEvent]:
        """Return events with start ≤ at < end, in order of (time, asset, kind, series), at most `limit`."""

    async def latest_before(self, kinds: Sequence[Kind], asset: str, at: int) -> list[AnyEvent]:
        """Return, of each machine, kind and series under `asset`, the newest event before `at` (if any).

        Of a count or material each field has its own newest event: one that lacks a field is no news of that field.
        """

    async def downsampled(self, asset: str, signal: str, start: int, end: int, points: int) -> list[Bucket]:
        """Return a machine's signal over start ≤ at < end in at most `points` stretches of equal length."""

    async def rows(self, asset: str, start: int, end: int, resolution: Resolution = "minute") -> list[LedgerRow]:
        """Return the rows with start ≤ row.start < end by (start, asset, product, shift), empty ones left out."""

    async def totals(
        self, asset: str, start: int, end: int, resolution: Resolution = "minute"
    ) -> dict[tuple[str, str, str], Sums]:
        """Return the exact sums of those rows by (machine, product, shift)."""

    async def reasons(self, asset: str, start: int, end: int) -> list[ReasonRow]:
        """Return the reason rows with start ≤ row.start < end, summed by machine, state and reason."""

    async def reason_rows(self, asset: str, start: int, end: int) -> list[ReasonRow]:
        """Return the reason rows with start ≤ row.start < end as written, empty ones left out."""

    async def watermark(self, asset: str) -> dict[str, int]:
        """Return, of each machine, the start of its newest ledger minute, or of the first that is due to be recomputed.

        Up to there rows are complete.
        """

    async def machines(self, asset: str = "") -> list[Machine]:
        """Return every machine that has spoken, in order of its path."""

    async def signals(self, asset: str) -> list[Signal]:
        """Return the signals of the machines under `asset`."""

    async def rejected(self, start: int, end: int, *, limit: int = 1_000) -> list[Rejected]:
        """Return refused messages with start ≤ at < end, newest first: a few of each kind, and counts of the others."""

    async def metadata(self, name: str) -> str | None:
        """Return a named text kept in the store (such as the plant description that its ledger was made with)."""

    async def set_metadata(self, name: str, text: str) -> None:
        """Keep a named text."""

    async def apply_retention(self, *, events_before: int, minutes_before: int) -> int:
        """Forget raw events and refused messages, and minutes of the ledger, older than these times.

        Hours and days of the ledger stay, and what each machine last said, which is so until it says something else. A
        store that forgets by itself returns 0; it forgets the last words, too.

        Returns:
            How many rows went.
        """

    async def check(self) -> None:
        """See that the store answers, all of it.

        Raises:
            StoreError: it does not.
        """

    async def status(self) -> StoreStatus:
        """Return what the store holds."""

    async def close(self) -> None:
        """Finish what is being written, and close."""
