"""SHDR, the lines that an MTConnect adapter sends to its agent, as events of one machine.

    2016-05-03T09:38:37.818096Z|execution|ACTIVE                  time, item, value, perhaps more items and values
    2016-05-03T09:50:24.433028Z|motion_cond|Fault|763|||ILLEGAL   a condition: level, code, severity, qualifier, text
    * PONG 10000                                                  protocol, which means nothing here

The state follows from execution, functional mode, availability and the active conditions:

| condition | state |
|---|---|
| not available, or execution UNAVAILABLE or never reported | unknown |
| functional mode MAINTENANCE, SETUP | maintenance, setup |
| execution ACTIVE | running |
| another execution while a fault is active | down, with the condition's name as its reason |
| another execution (READY, STOPPED, INTERRUPTED, FEED_HOLD …) | idle, with that as its reason |

A part count is the produced pieces; other values are telemetry; faults and warnings are notices. UNAVAILABLE is no
value. MTConnect Parts 2 and 3 define the words, cppagent's documentation the form of a line.
"""

import math
import re
from typing import Final

from broker.contract import instants
from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent, Count, Notice, Sample, Severity, State, StateChange, Status
from broker.contract.message import Message
from broker.contract.names import is_name
from edge.dialects.dialect import Translation

EXECUTION: Final = frozenset({"execution", "exec", "program-status"})
MODE: Final = frozenset({"functional-mode", "functionalmode"})
AVAILABILITY: Final = frozenset({"avail", "availability"})
PART_COUNT: Final = frozenset({"part-count", "partcount", "partcountact", "partcountall"})
"""The names that adapters use for these items, as slugs."""

IDLE: Final = frozenset(
    {
        "READY",
        "INTERRUPTED",
        "WAIT",
        "STOPPED",
        "FEED_HOLD",
        "OPTIONAL_STOP",
        "PROGRAM_STOPPED",
        "PROGRAM_COMPLETED",
        "PROGRAM_OPTIONAL_STOP",
    }
)
"""The values of execution other than ACTIVE."""
_STATE_OF_MODE: Final[dict[str, State]] = {"MAINTENANCE": "maintenance", "SETUP": "setup"}
_LEVELS: Final = frozenset({"normal", "warning", "fault", "unavailable"})
_CONDITION_FIELDS: Final = 6
_LONGEST_TEXT: Final = 256
_UNAVAILABLE: Final = "UNAVAILABLE"


class Adapter:
    """One machine's adapter, as a `Dialect`; give it its lines in order of time, one or more a message.

    Args:
        asset: the machine's path.
    """

    def __init__(self, asset: str) -> None:
        self._asset = asset
        self._items: dict[str, str] = {}
        self._execution = _UNAVAILABLE
        self._mode = ""
        self._is_available = True
        self._conditions: dict[tuple[str, str], Notice] = {}
        self._reported_state: tuple[State, str] | None = None

    def translate(self, message: Message) -> Translation:
        """Translate the lines of a message; a line that cannot be translated does not affect the others."""
        events: list[AnyEvent] = []
        rejections: list[ContractError] = []
        for line in message.payload.splitlines():
            try:
                events += self.events(line.decode("utf-8"))
            except UnicodeDecodeError:
                rejections.append(ContractError("the line is not UTF-8", "see what wrote it"))
            except ContractError as error:
                rejections.append(error)
        return Translation(events=events, rejections=rejections)

    def events(self, line: str) -> list[AnyEvent]:
        """Return the events of a line.

        Raises:
            ContractError: it is not a line of an adapter, or has a value that the standard does not define.
        """
        line = line.strip()
        if not line or line.startswith("*"):
            return []
        stamp, *fields = line.split("|")
        at = instant(stamp)
        if _is_condition(fields):
            events = self._condition(at, *fields)
        elif len(fields) % 2 or not fields:
            raise ContractError(f"{len(fields)} fields follow the time", "write item|value, once or more often")
        else:
            events = []
            for item, value in zip(fields[::2], fields[1::2], strict=True):
                events += self._value(at, item, value.strip())
        return [*events, *self._state(at)]

    def _value(self, at: int, item: str, value: str) -> list[AnyEvent]:
        name = self._name(item)
        is_reported = value.upper() != _UNAVAILABLE
        if name in EXECUTION:
            if is_reported and value not in IDLE and value != "ACTIVE":
                raise ContractError(f"execution {value[:32]!r} is not of MTConnect", "map it in the adapter")
            self._execution = value.upper()
        elif name in MODE:
            self._mode = value.upper()
        elif name in AVAILABILITY:
            self._is_available = is_reported
            return [Status(asset=self._asset, at=at, online=is_reported)]
        elif not is_reported or not value:
            return []
        elif name in PART_COUNT:
            return [Count(asset=self._asset, at=at, produced=_number(item, value))]
        else:
            return [Sample(asset=self._asset, at=at, signal=name, value=_number_or_text(value))]
        return []

    def _condition(self, at: int, item: str, level: str, code: str, *more: str) -> list[AnyEvent]:
        """Raise or clear a condition: normal without a code, and unavailable, clear all conditions of their item."""
        name = self._name(item)
        level = level.lower()
        if level in {"normal", "unavailable"}:
            over = [key for key in self._conditions if key[0] == name and (not code or key[1] == code)]
            cleared = [self._conditions.pop(key) for key in over]
            return [
                Notice(asset=self._asset, at=at, code=one.code, severity=one.severity, text=one.text, active=False)
                for one in cleared
            ]
        severity: Severity = "alarm" if level == "fault" else "warning"
        reported = _slug(f"{name}-{code}") if code else name
        notice = Notice(asset=self._asset, at=at, code=reported, severity=severity, text=more[-1][:_LONGEST_TEXT])
        self._conditions[name, code] = notice
        return [notice]

    def _state(self, at: int) -> list[AnyEvent]:
        """Return the state, if it changed."""
        state, reason = current = self._current_state()
        if current == self._reported_state or (self._reported_state is None and state == "unknown"):
            return []
        self._reported_state = current
        return [StateChange(asset=self._asset, at=at, state=state, reason=reason)]

    def _current_state(self) -> tuple[State, str]:
        if not self._is_available or self._execution == _UNAVAILABLE:
            return "unknown", ""
        if self._mode in _STATE_OF_MODE:
            return _STATE_OF_MODE[self._mode], ""
        if self._execution == "ACTIVE":
            return "running", ""
        faults = [name for (name, _), notice in self._conditions.items() if notice.severity == "alarm"]
        return ("down", faults[0]) if faults else ("idle", _slug(self._execution))

    def _name(self, item: str) -> str:
        """Return an item's name in the contract's alphabet; two items that map to one name are rejected."""
        name = _slug(item)
        if not is_name(name):
            raise ContractError(f"item {item[:32]!r} has no name", "name it with letters and digits")
        first = self._items.setdefault(name, item)
        if first != item:
            raise ContractError(f"items {first[:32]!r} and {item[:32]!r} are both {name}", "rename one of them")
        return name


def instant(stamp: str) -> int:
    """Return the time that a line begins with, nanoseconds since 1970-01-01 UTC; a duration after `@` is ignored.

    Raises:
        ContractError: it is not a time.
    """
    return instants.parse(stamp.partition("@")[0].strip())


def _is_condition(fields: list[str]) -> bool:
    if len(fields) != _CONDITION_FIELDS or fields[1].lower() not in _LEVELS:
        return False
    # Three items, of which the first is unavailable, look the same but for the name of the second.
    return fields[1].lower() != "unavailable" or not any(fields[2:])


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:32].rstrip("-")


def _number(item: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ContractError(f"{item[:32]} is {value[:32]!r}, not a number", "send a number, or UNAVAILABLE")
    return number


def _number_or_text(value: str) -> float | str:
    try:
        return _number("", value)
    except ContractError:
        return value[:_LONGEST_TEXT]
