"""What an address means for an asset: its machines, in the order of the plant, and the time range by its calendar."""

from collections.abc import Callable

from broker.contract.topics import is_under
from broker.plant.plant import Plant
from services.query.asked_range import Range, resolve
from services.wall.live.live_state import LiveState


class AssetRanges:
    """Resolves assets and ranges of one plant, as it is known now."""

    def __init__(self, plant: Plant, live_state: LiveState, now: Callable[[], int]) -> None:
        """Begin.

        Args:
            plant: which machines are declared, and calendars.
            live_state: which machines report, and since when.
            now: the time, nanoseconds.
        """
        self._plant = plant
        self._live_state = live_state
        self._now = now
        self._known: dict[str, tuple[int, list[str]]] = {}

    def machines(self, asset: str) -> list[str]:
        """Return the machines under an asset: declared ones in the order of the plant, then newcomers by name."""
        roster = self._live_state.roster
        known = self._known.get(asset)
        if known is None or known[0] != roster:
            if known is not None and asset == "":
                self._known.clear()  # of assets that are gone, too
            every = dict.fromkeys([*self._plant.machines(), *sorted(self._live_state.machines)])
            known = self._known[asset] = roster, [path for path in every if is_under(path, asset)]
        return [*known[1]]

    def range(self, asset: str, start: str, end: str) -> Range:
        """Return the range that an address means for an asset; one that has no calendar goes by its first machine's.

        Raises:
            RangeError: it is none.
        """
        calendar = self._plant.calendar_of(asset)
        firsts = []
        for machine in self.machines(asset):
            calendar = calendar or self._plant.calendar_of(machine)
            known = self._live_state.machines.get(machine)
            if known is not None and known.first is not None:
                firsts.append(known.first)
        return resolve(start, end, now=self._now(), calendar=calendar, first=min(firsts, default=None))
