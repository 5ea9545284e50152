"""The machines that windows are sums of, as the ledger writer has them: of which rows grow with time, and how far."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.kpi.machine import Machine


class Members:
    """The machines of all windows.

    Attributes:
        counted: those that are in the sums, and whether their time is.
        never_reported: those that are declared and have not reported: all their time is unknown.
        quiet: those that have long been silent: their last report still holds, but no row has it.
        live: those of which rows are made as time goes by, not of all at the same time.
        behind: those of which rows are due: their part of a sum may be wrong until they are made.
        meters: assets of which no machine's time counts by itself, so that of all does: it is unknown.
    """

    def __init__(self) -> None:
        self.counted: dict[str, bool] = {}
        self.never_reported: set[str] = set()
        self.quiet: dict[str, Machine] = {}
        self.live: dict[str, Machine] = {}
        self.behind: set[str] = set()
        self.meters: set[str] = set()

    def differences(self, counted: dict[str, bool]) -> tuple[set[str], set[str]]:
        """Return which machines differ in these, and which of them have left: what they belonged to is without them."""
        if counted == self.counted:
            return set(), set()
        left = self.counted.keys() - counted.keys()
        return {machine for machine, _ in counted.items() - self.counted.items()} | left, left

    def until(self, machine: str, now: int) -> int:
        """Return until when a machine's rows are whole by now; what follows is added when they grow."""
        if machine in self.quiet:
            return min(now, self.quiet[machine].until)
        live = self.live.get(machine)
        return min(now, live.until) if live is not None and live.until else now

    def reaches(self, machine: str, now: int) -> bool:
        """Return whether a machine's rows reach the present, if they grow with time at all."""
        return machine in self.quiet or self.until(machine, now) == now

    def is_timed(self, machine: str, path: str) -> bool:
        """Return whether a machine's time is in the sums of an asset."""
        return self.counted[machine] or path in self.meters
