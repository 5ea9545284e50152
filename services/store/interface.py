"""What a store is: one small interface that every engine implements, and the rows that go through it.

A write is one batch, durable when the call returns, and idempotent: the key of an event is (asset, kind, series, time),
that of a ledger row its first columns, and the later write wins. Times are nanoseconds since 1970-01-01 UTC. `asset`
is an asset path or a prefix of one: `sheffield` means all machines of that site, '' everything.
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, Protocol, Self

import msgspec

from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent
from broker.contract.message import Message
from broker.contract.samples import Run
from broker.contract.topics import Kind
from services.ledger.fields import Sums
from services.store.retention import StoreStatus

STORED_BYTES: Final = 1_024
"""So much is stored of the payload of a rejected message."""

Resolution = Literal["minute", "hour", "day"]
Trace = Literal["part", "source", "material", "batch"]
"""A field of part events that names a part or a batch."""


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
    """Time in one state for one reason ('' where none was reported), in one minute of one machine.

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
    """A rejected message: when it came, its topic, why, and the first 1,024 of its `size` bytes.

    Or the count of several that are not stored themselves (`store/rejections.py`): when the first of them came, a
    topic filter, their number, what they have in common, and their bytes in all.
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
        """Return what is stored of a message that was rejected with this error."""
        payload = message.payload
        topic, reason = (text.encode("utf-8", "backslashreplace").decode() for text in (message.topic, str(error)))
        return cls(message.received_at, topic, reason, payload[:STORED_BYTES], len(payload))


class Batch(msgspec.Struct, frozen=True):
    """What is written at once.

    Attributes:
        samples: further samples, by signal, those of a signal in order; they are written before `events`.
    """

    events: Sequence[AnyEvent] = ()
    rejected: Sequence[Rejected] = ()
    rows: Sequence[LedgerRow] = ()
    reasons: Sequence[ReasonRow] = ()
    samples: Sequence[Run] = ()

    @property
    def event_count(self) -> int:
        """How many events it has, samples among them."""
        return len(self.events) + sum(map(len, self.samples))


class Machine(msgspec.Struct, frozen=True):
    """A machine that has reported: times of its oldest and newest event, and whether it is simulated."""

    asset: str
    first: int
    last: int
    simulated: bool


class Signal(msgspec.Struct, frozen=True):
    """A telemetry signal: unit ('' unknown), whether numbers or text, times of its oldest and newest sample."""

    asset: str
    signal: str
    unit: str
    kind: Literal["number", "text"]
    first: int
    last: int


class NamedSeries(NamedTuple):
    """A series of events: the machine, the kind, and its name ('' where the kind has none)."""

    asset: str
    kind: Kind
    name: str


class Bucket(msgspec.Struct, frozen=True):
    """One time range of a downsampled signal: its start, and least, mean and greatest of its `n` samples.

    For text signals `text` is the last text of the range, and the numbers are None.
    """

    at: int
    least: float | None
    mean: float | None
    greatest: float | None
    n: int
    text: str | None = None


class StoreError(Exception):
    """The store cannot do that; the text has the reason and a hint."""


class RowError(StoreError):
    """The batch has a value that the store cannot hold. Nothing of it was written, and a retry fails again."""


class Events(Protocol):
    """What reading single events needs of a store."""

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

        Of a count or material each field has its own newest event: an event without a field does not change it.
        """


class Store(Events, Protocol):
    """An open store. Every method may raise `StoreError`."""

    async def write(self, batch: Batch) -> None:
        """Write a batch; it is durable when this returns."""

    async def traced(self, field: Trace, names: Sequence[str], asset: str = "") -> list[AnyEvent]:
        """Return the part events under `asset` whose `field` is one of these names, by (time, asset, kind, series).

        With `part` as the field, the measurements of these parts are among them.
        """

    async def downsampled(self, asset: str, signal: str, start: int, end: int, points: int) -> list[Bucket]:
        """Return a machine's signal over start ≤ at < end in at most `points` buckets of equal length."""

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
        """Return every machine that has reported, ordered by path."""

    async def signals(self, asset: str) -> list[Signal]:
        """Return the signals of the machines under `asset`."""

    async def series(self) -> list[NamedSeries]:
        """Return every series of which an event is stored, but those of kinds by id, each of which is one."""

    async def rejected(self, start: int, end: int, *, limit: int = 1_000) -> list[Rejected]:
        """Return rejected messages with start ≤ at < end, newest first: a few of each kind, counts of the others."""

    async def metadata(self, name: str) -> str | None:
        """Return a named text of the store, such as the plant description that its ledger was computed with."""

    async def set_metadata(self, name: str, text: str) -> None:
        """Store a named text."""

    async def apply_retention(self, *, events_before: int, minutes_before: int) -> int:
        """Delete raw events, rejected messages and ledger minutes that are older than these times.

        Hours and days of the ledger stay, and so does the last report of each series, which holds until the next one.
        An engine that expires data itself returns 0; it expires last reports, too.

        Returns:
            How many rows were deleted.
        """

    async def check(self) -> None:
        """Check that every part of the store answers.

        Raises:
            StoreError: it does not.
        """

    async def status(self) -> StoreStatus:
        """Return what the store holds."""

    async def close(self) -> None:
        """Finish what is being written, and close."""
