"""The table of facts: what is known of each asset by name, each fact once, in the order in which they changed.

Every change gets the next revision, so that "what changed since revision n?" is read from the end of the table, at the
cost of the answer.
"""

from collections.abc import Callable
from typing import Final

from broker.contract.events import Event
from services.wall.live.facts import Value
from services.wall.live.machine_state import Fact, Machine

MOST_FACTS: Final = 1_000
"""Facts held of one machine; a device that invents names without end must not fill the memory."""
MOST_FACTS_IN_ALL: Final = 100_000
"""Facts held of all machines, some 40 MB; those of a machine that came later are not shown."""


class FactTable:
    """Facts by asset path and name.

    Attributes:
        revision: of the newest change.
    """

    def __init__(self) -> None:
        self.revision = 0
        self._facts: dict[tuple[str, str], Fact] = {}

    def get(self, path: str, name: str) -> Value | None:
        """Return the value of a fact; None if there is none."""
        fact = self._facts.get((path, name))
        return None if fact is None else fact.value

    def put(self, path: str, name: str, value: Value, event: Event, machine: Machine) -> None:
        """Put what an event of a machine reports, unless a newer one is known, or the machine has too many facts."""
        key = (path, name)
        former = self._facts.get(key)
        weak = event.time_source == "retained"
        if former is not None:
            if (weak and not former.weak) or (event.at < former.at and weak == former.weak):
                return
            del self._facts[key]
        else:
            if machine.facts >= MOST_FACTS or len(self._facts) >= MOST_FACTS_IN_ALL:
                return
            machine.facts += 1
        self.revision += 1
        self._facts[key] = Fact(value, event.at, self.revision, weak)

    def put_current(self, path: str, name: str, value: Value) -> None:
        """Put what the live state worked out by itself, if it differs from what is there."""
        former = self._facts.get((path, name))
        if former is not None:
            if former.value == value:
                return
            del self._facts[path, name]
        self.revision += 1
        self._facts[path, name] = Fact(value, 0, self.revision)

    def drop(self, path: str) -> None:
        """Drop all facts of an asset."""
        for key in [key for key in self._facts if key[0] == path]:
            del self._facts[key]

    def changes(self, since: int, wanted: Callable[[str, str], bool]) -> dict[str, dict[str, Value]]:
        """Return the facts that changed after a revision, as path → name → value.

        Args:
            since: a former `revision`; 0 means everything.
            wanted: whether the asker wants the fact of this path and name.
        """
        changed: dict[str, dict[str, Value]] = {}
        for (path, name), fact in reversed(self._facts.items()):
            if fact.revision <= since:
                break
            if wanted(path, name):
                changed.setdefault(path, {})[name] = fact.value
        return changed
