"""What metrics of other people's devices mean: signals, and, where its name is one that devices use for it, a state.

    Axes/1/Load            signal load-... by its whole name, unit from the property engUnit
    …/Act_Program_Status   a signal, and the machine's state where the text is a word of PackML or MTConnect
    …/Good_Count           a signal, and good pieces

A value whose property `Quality` is bad or stale is no value, neither is one that is not finite.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

from broker.contract.errors import ContractError, shown
from broker.contract.events import NS_PER_MS, QUANTITY_LIMIT, AnyEvent, Count, State, StateChange
from broker.contract.instants import format_rfc3339
from edge.dialects.naming import Names, slug
from edge.dialects.sparkplug import factory_plus
from edge.dialects.sparkplug.codec import LATEST_MS
from edge.dialects.sparkplug.contract_metrics import UNIT
from edge.dialects.sparkplug.datatypes import Datatype, Value
from edge.dialects.sparkplug.readings import Reading
from edge.dialects.values import Stamp

QUALITY: Final = "Quality"
STALE: Final = 500
WORST: Final = 64
"""Of OPC's quality codes: below are the bad ones; Sparkplug's are 0 bad, 192 good and 500 stale."""
MOST_ELEMENTS: Final = 16
"""Of an array that is read as signals, one of each element; longer ones are no positions or phases."""

CONTROL: Final = ("Node Control/", "Device Control/")
"""Metrics by which a node is commanded; their values mean nothing."""
STATE_NAMES: Final = frozenset(
    {
        *("state", "machine-state", "execution", "execution-state", "program-status", "act-program-status"),
        *("unit-state", "packml-state", "state-current-str"),
    }
)
"""Names of a machine's state: the last level of a metric's name, as a slug."""
STATES: Final[dict[str, State]] = {
    **dict.fromkeys(("running", "run", "active", "execute", "producing", "completing", "starting"), "running"),
    **dict.fromkeys(("unholding", "unsuspending", "executing", "cutting", "in-cycle", "started"), "running"),
    **dict.fromkeys(("idle", "ready", "stopped", "stop", "complete", "completed", "resetting", "reset", "end"), "idle"),
    **dict.fromkeys(("interrupted", "feed-hold", "optional-stop", "program-stopped", "program-completed"), "idle"),
    **dict.fromkeys(("waiting", "wait", "hold", "held", "paused", "holding", "program-optional-stop"), "idle"),
    **dict.fromkeys(("setup", "set-up", "changeover"), "setup"),
    **dict.fromkeys(("starved",), "starved"),
    **dict.fromkeys(("blocked",), "blocked"),
    **dict.fromkeys(("suspended",), "starved"),
    **dict.fromkeys(("down", "aborted", "aborting", "fault", "faulted", "error", "alarm"), "down"),
    **dict.fromkeys(("maintenance",), "maintenance"),
    **dict.fromkeys(("off",), "off"),
    **dict.fromkeys(("unknown", "unavailable", "offline"), "unknown"),
}
"""Words of PackML, MTConnect and controllers, as slugs."""
_GENERIC: Final = frozenset({"running", "run", "active", "execute", "executing", "idle", "down", "off", "unknown"})
"""Words that mean no more than the state itself."""
COUNTS: Final[dict[str, str]] = {
    **dict.fromkeys(("part-count", "parts-count", "total-count", "produced", "parts-made", "piece-count"), "produced"),
    **dict.fromkeys(("good-count", "good-parts", "good"), "good"),
    **dict.fromkeys(("scrap-count", "scrap", "reject-count", "bad-count", "defect-count", "scrap-parts"), "scrap"),
    **dict.fromkeys(("rework-count", "rework"), "rework"),
}
"""Names of cumulative counters of pieces, and the counter of ours."""


class Meaning:
    """Reads the metrics of one machine.

    Args:
        asset: the machine's path.
        simulated: it is not a real one.
        names: of the source's signals.
    """

    def __init__(self, asset: str, *, simulated: bool, names: Names) -> None:
        self._asset = asset
        self._simulated = simulated
        self._names = names
        self._last: dict[str, tuple[int | None, Value | None]] = {}

    def events(self, reading: Reading, received_at: int) -> list[AnyEvent]:
        """Return the events of a reading; none of what came before, as in an earlier birth.

        Raises:
            ContractError: it is no value of a signal.
        """
        newest = (reading.at_ms, reading.value)
        if reading.name.startswith(CONTROL) or not factory_plus.is_signal(reading.name):
            return []
        if reading.at_ms is not None and self._last.get(reading.name) == newest:
            return []
        self._last[reading.name] = newest
        if reading.at_ms is None:
            stamp = Stamp(self._asset, received_at, "receipt", self._simulated)
        else:
            stamp = Stamp(self._asset, reading.at_ms * NS_PER_MS, "device", self._simulated)
        word = slug(reading.name.rpartition("/")[2])
        value = None if _is_bad(reading.properties) else reading.value
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            return [StateChange(**stamp.shared(), state="unknown")] if word in STATE_NAMES else []
        return self._samples(reading, value, stamp) + special(word, value, stamp)

    def _samples(self, reading: Reading, value: Value, stamp: Stamp) -> list[AnyEvent]:
        unit = reading.properties.get(UNIT)
        unit = unit if isinstance(unit, str) else ""
        if isinstance(value, bytes):
            raise ContractError(
                f"metric {shown(reading.name)} is {len(value)} bytes, no signal", "send a number or text"
            )
        if not isinstance(value, list):
            return stamp.sample(self._names.name(reading.name, self._asset), _plain(reading, value), unit)
        if len(value) > MOST_ELEMENTS:
            raise ContractError(
                f"metric {shown(reading.name)} is an array of {len(value)} elements",
                f"send at most {MOST_ELEMENTS} in an array, or each as a metric of its own",
            )
        events: list[AnyEvent] = []
        for place, one in enumerate(value, start=1):
            events += stamp.sample(self._names.name(f"{reading.name}/{place}", self._asset), _plain(reading, one), unit)
        return events


def _plain(reading: Reading, value: Any) -> Any:
    """Return a value as a signal has it: a time as text, and a word of 64 bits, which a double would change, too."""
    if type(value) is not int:
        return value
    if reading.definition.datatype in {Datatype.DATE_TIME, Datatype.DATE_TIME_ARRAY} and value <= LATEST_MS:
        return format_rfc3339(value * NS_PER_MS)
    return value if -QUANTITY_LIMIT <= value <= QUANTITY_LIMIT else str(value)


def special(word: str, value: object, stamp: Stamp) -> list[AnyEvent]:
    """Return the state or count that a metric reports.

    Args:
        word: the last level of its name, as a slug.
        value: its value.
        stamp: what its events share.
    """
    if word in STATE_NAMES and isinstance(value, str):
        name = slug(value)
        state = STATES.get(name)
        reason = "" if name in _GENERIC or name == state else name
        return [] if state is None else [StateChange(**stamp.shared(), state=state, reason=reason)]
    field = COUNTS.get(word)
    if field is None or isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        return []
    counted: dict[str, Any] = {**stamp.shared(), field: float(value)}
    return [Count(**counted)] if value <= QUANTITY_LIMIT else []


def _is_bad(properties: Mapping[str, Value]) -> bool:
    quality = properties.get(QUALITY)
    return isinstance(quality, int) and (quality < WORST or quality == STALE)
