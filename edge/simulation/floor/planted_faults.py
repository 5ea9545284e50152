"""Planted faults: each is written into the ground truth when it begins to show and when it breaks the machine.

A fault is planted where a failure of a machine shows in a signal before it comes. Its onset is the instant at which the
defect has gone a twentieth of its way (`ONSET`); with the operating time that is left then, and the states of the
machine, the remaining life at any instant up to the breakdown is known exactly. What monitors find in the messages can
be compared with it.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal

import msgspec

from broker.contract.events import NS_PER_MS, NS_PER_S
from broker.contract.instants import FOR_EVER
from edge.simulation.event_buffer import GroundTruth, TrueFault, TrueState
from edge.simulation.floor.timeline import Steps, Timeline
from edge.simulation.floor.workunit import WorkUnit
from edge.simulation.ground_truth import Until
from edge.simulation.machines.model import FailureMode
from edge.simulation.physics import vibration

ONSET: Final = 0.05
"""How far a defect has gone, from 0 to 1 at the breakdown, when it begins to show."""
_LEAST_NS: Final = 20 * NS_PER_MS
_REPAIRED_AFTER_NS: Final = 10 * NS_PER_S


class PlantedFault(msgspec.Struct):
    """A fault, from its onset to the breakdown.

    Attributes:
        asset: the machine's path.
        reason: reason code of the failure.
        signal: the signal in which it shows.
        onset: when it began to show, nanoseconds since 1970-01-01 UTC.
        left_s: operating time from then to the breakdown, seconds.
        failed: when the machine broke down; None if that is not in the log.
        runs: from when to when the machine ran since the onset.
    """

    asset: str
    reason: str
    signal: str
    onset: int
    left_s: float
    failed: int | None = None
    runs: list[tuple[int, int]] = []

    def left_h(self, at: int) -> float:
        """Return the remaining life at an instant between onset and breakdown, hours of operation."""
        ran = sum(min(end, at) - start for start, end in self.runs[: bisect_left(self.runs, (at, at))])
        return max(0.0, self.left_s - ran / NS_PER_S) / 3600


def onset_h(mode: FailureMode, pace: float, life_h: float = math.inf) -> float:
    """Return how many hours of operation before the breakdown a failure begins to show.

    Args:
        mode: the failure.
        pace: the time that defects take to grow, as a share of that on a real machine.
        life_h: hours of operation from the last repair to the breakdown.
    """
    return vibration.left_h(ONSET, mode.doubling_h * pace, life_h)


def watch(
    timeline: Timeline,
    unit: WorkUnit,
    failures: Sequence[FailureMode],
    pace: float,
    record: Callable[[GroundTruth], None],
) -> Steps:
    """Record the onset and the breakdown of each failure of a machine that shows; a process of the simulation.

    Operating time passes no faster than time, so the process sleeps for as long as operating time is left, and looks
    again. It may wake up 20 ms late where the machine stopped just before.

    Args:
        timeline: the simulated time.
        unit: the machine.
        failures: of its kind.
        pace: see `onset_h`.
        record: takes the ground truth.
    """
    while True:
        upcoming = unit.checkpoint().upcoming
        assert upcoming is not None
        mode = failures[upcoming.failure % len(failures)]
        for is_failure in (False, True):
            before_h = 0.0 if is_failure or not mode.signal else onset_h(mode, pace, upcoming.life_h)
            before_ns = math.ceil(before_h * 3600 * NS_PER_S)
            while (left := _to_failure(unit) - before_ns) > 0:
                yield timeline.timeout(max(_LEAST_NS, -(-left // NS_PER_MS) * NS_PER_MS))
            if mode.signal:
                left_s = max(0, _to_failure(unit)) / NS_PER_S
                phase: Literal["onset", "failure"] = "failure" if is_failure else "onset"
                record(TrueFault(timeline.now, unit.asset, mode.reason, mode.signal, phase, left_s))
        while _to_failure(unit) <= 0:
            yield timeline.timeout(_REPAIRED_AFTER_NS)


def read(lines: Iterable[GroundTruth | Until]) -> list[PlantedFault]:
    """Return the faults of a log, in the order of their onsets.

    After a restart the onset of a fault that is under way is written again; the first counts.

    Args:
        lines: of a ground-truth log, in its order.
    """
    found: list[PlantedFault] = []
    under_way: dict[str, PlantedFault] = {}
    running_since: dict[str, int] = {}
    for line in lines:
        if isinstance(line, TrueState):
            since = running_since.pop(line.asset, None)
            fault = under_way.get(line.asset)
            if since is not None and fault and line.at > max(since, fault.onset):
                fault.runs.append((max(since, fault.onset), line.at))
            if line.state == "running":
                running_since[line.asset] = line.at
        elif isinstance(line, TrueFault):
            fault = under_way.get(line.asset)
            if fault is None and line.phase == "onset":
                under_way[line.asset] = PlantedFault(line.asset, line.reason, line.signal, line.at, line.left_s)
                found.append(under_way[line.asset])
            elif fault and line.phase == "failure":
                since = running_since.get(line.asset)
                if since is not None and line.at > max(since, fault.onset):
                    fault.runs.append((max(since, fault.onset), line.at))
                fault.failed = line.at
                del under_way[line.asset]
    for asset, fault in under_way.items():
        if (since := running_since.get(asset)) is not None:
            fault.runs.append((max(since, fault.onset), FOR_EVER))
    return found


def _to_failure(unit: WorkUnit) -> int:
    """Return the operating time to the next failure, nanoseconds; 0 while it is on."""
    upcoming = unit.checkpoint().upcoming
    assert upcoming is not None
    return upcoming.to_failure
