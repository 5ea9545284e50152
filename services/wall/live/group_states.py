"""The states of lines, areas and sites: worked out from those of their machines, when one of these has changed."""

from collections.abc import Iterator, Mapping

from services.query.states.current_state import CurrentState, of_group
from services.store import failures
from services.wall.live.fact_table import FactTable
from services.wall.live.facts import reported_state
from services.wall.live.machine_state import Machine


class GroupStates:
    """The groups that machines are in, and the current state of each."""

    def __init__(self, machines: Mapping[str, Machine], facts: FactTable) -> None:
        """Begin without any.

        Args:
            machines: by path; those of the groups are among them.
            facts: where the state of a group is put.
        """
        self._machines = machines
        self._facts = facts
        self._members: dict[str, list[str]] = {}
        self._states: dict[str, CurrentState] = {}
        self._dirty: set[str] = set()

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._members))

    def add(self, machine: str) -> None:
        """Add a machine to its line, area, site, and everything."""
        for group in _groups_of(machine):
            self._members.setdefault(group, []).append(machine)

    def remove(self, machine: str) -> None:
        """Remove a machine; a group without machines is none."""
        for group in _groups_of(machine):
            self._members[group].remove(machine)
            if self._members[group]:
                self._dirty.add(group)
            else:
                del self._members[group]
                self._dirty.discard(group)
                self._states.pop(group, None)
                self._facts.drop(group)

    def mark(self, machine: str) -> None:
        """Note that the state of a machine has changed."""
        self._dirty.update(_groups_of(machine))

    def update(self) -> None:
        """Work out the states of the groups whose machines changed."""
        for group in self._dirty:
            try:
                self._update(group)
            except Exception as error:  # noqa: BLE001  (the others go on)
                failures.note("working out the state of a group", error, asset=group)
        self._dirty.clear()

    def members(self, group: str) -> list[str]:
        """Return the machines of a group; none where there is no such group."""
        return list(self._members.get(group, ()))

    def state(self, group: str) -> CurrentState | None:
        """Return the current state of a group; None where there is no such group."""
        return self._states.get(group)

    def _update(self, group: str) -> None:
        machines = [(path, self._machines[path].current_state) for path in self._members[group]]
        state, tally = of_group(machines, self._states.get(group))
        self._states[group] = state
        simulated = {self._machines[path].simulated for path in self._members[group]} - {None}
        value = reported_state(state) | {"tally": tally}
        if simulated:
            value["simulated"] = all(simulated)
        self._facts.put_current(group, "state", value)


def _groups_of(path: str) -> list[str]:
    """Return the line, area and site of a machine, and '' for everything."""
    levels = path.split("/")
    return ["/".join(levels[:depth]) for depth in range(len(levels))]
