"""What rows are due: of machines that have fallen behind, of those that are retired, and of those that fail.

The store has a note of it, so that a restart does not lose it, and queries know which rows may be wrong.
"""

from services.ledger.history import MINUTE
from services.store import due as due_note
from services.store.interface import Store


class Behind:
    """A machine of which rows are due.

    Attributes:
        start: before this minute its rows are complete.
        until: up to here rows may be stale.
        received: when an event was last deferred.
        first: start of the first minute that has a row; None where it is to be looked for.
    """

    def __init__(self, start: int, until: int, received: int = 0) -> None:
        self.start, self.until, self.received = start, until, received
        self.first: int | None = None

    def begin(self, start: int) -> bool:
        """Let rows from this minute on be due; return whether they were not."""
        if start >= self.start:
            return False
        self.start, self.until = start, max(self.until, start + MINUTE)  # up to there rows have been made
        self.first = None  # this may be of an event before that which was the first
        return True


class Due:
    """The time ranges of which rows are due.

    Attributes:
        behind: machines of which rows are recomputed in portions.
        stuck: machines whose rows cannot be made; this stays due.
        retired: machines that are retired, and what is due of them once they report again.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._noted = ""
        self.behind: dict[str, Behind] = {}
        self.stuck: dict[str, due_note.TimeRange] = {}
        self.retired: dict[str, due_note.TimeRange] = {}

    async def read(self) -> None:
        """Begin with what the store has noted."""
        self._noted = await self._store.metadata(due_note.NOTE) or ""
        self.behind = {
            machine: Behind(*time_range) for machine, time_range in due_note.read(self._noted or None).items()
        }
        self.stuck.clear()
        self.retired.clear()

    async def note(self) -> None:
        """Note in the store of which machines rows stand there that may be wrong, before they are."""
        due = self.stuck | self.retired | {asset: (behind.start, behind.until) for asset, behind in self.behind.items()}
        text = due_note.written(
            {asset: time_range for asset, time_range in due.items() if time_range[0] < time_range[1]}
        )
        if text != (self._noted or "{}"):
            await self._store.set_metadata(due_note.NOTE, text)
            self._noted = text
