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

A part count is the produced pieces; other values are telemetry, as are the entries of a data set, each by itself;
messages, faults and warnings are notices. UNAVAILABLE is no value. Assets are not read. Items that name their device
are those of one device: that of the asset's name, else the first. MTConnect Parts 2 and 3 define the words,
`edge.dialects.shopfloor.shdr_line` the form of a line.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

from broker.contract.errors import ContractError
from broker.contract.events import (
    NS_PER_MS,
    NS_PER_S,
    QUANTITY_LIMIT,
    AnyEvent,
    Count,
    Notice,
    Sample,
    Severity,
    State,
    StateChange,
    Status,
)
from broker.contract.lenient import leniency
from broker.contract.message import Message
from broker.contract.names import is_name
from broker.contract.payloads import NOT_PLAIN
from edge.dialects.dialect import Dialect, Entry, Setup, Translation
from edge.dialects.shopfloor import shdr_line
from edge.dialects.shopfloor.shdr_line import Alarm, Asset, Condition, Content, Entries, Series, Text, Value

EXECUTION: Final = frozenset({"execution", "exec", "program-status"})
MODE: Final = frozenset({"functional-mode", "functionalmode"})
AVAILABILITY: Final = frozenset({"avail", "availability"})
PART_COUNT: Final = frozenset({"part-count", "partcount", "partcountact", "partcountall", "pcount"})
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
_SEVERITIES: Final[dict[str, Severity]] = {"CRITICAL": "alarm", "ERROR": "alarm", "WARNING": "warning"}
"""Of alarms as they were before there were conditions; others are notices."""
_LONGEST_TEXT: Final = 256
_LONGEST_CODE: Final = 64
_NOT_PLAIN: Final = re.compile(f"[{NOT_PLAIN}]")
_UNAVAILABLE: Final = "UNAVAILABLE"
_STEP_NS: Final = NS_PER_MS
"""Between the values of a series of which neither rate nor duration is sent: they need times of their own."""


class Adapter(Dialect):
    """One machine's adapter, as a `Dialect`; give it its lines in order of time, one or more a message.

    Args:
        asset: the machine's path.
    """

    filters = ("shdr/#",)

    def __init__(self, asset: str) -> None:
        self._asset = asset
        self._items: dict[str, str] = {}
        self._sets: set[str] = set()
        self._device = ""
        self._others: set[str] = set()
        self._mark = ""
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
                events += self.events(leniency.utf8(line), message.received_at)
            except ContractError as error:
                rejections.append(error)
        return Translation(events=events, rejections=rejections)

    def events(self, line: str, received_at: int | None = None) -> list[AnyEvent]:
        """Return the events of a line.

        Args:
            line: without its end.
            received_at: the time of a line that has none, nanoseconds since 1970-01-01 UTC.

        Raises:
            ContractError: it is not a line of an adapter, has a value that the standard does not define, or begins an
                asset, which is not read.
        """
        line = leniency.trimmed(line)
        if not line or line.startswith("*") or self._is_in_asset(line):
            return []
        stamp = line.partition("|")[0].strip()
        at = received_at if received_at and not stamp else instant(stamp)
        parsed = shdr_line.parse(line)
        events: list[AnyEvent] = []
        self._choose_device(parsed.content)
        for content in parsed.content:
            if isinstance(content, Asset):
                raise self._unread(content)
            if (own := self._own(content)) is None:
                events += self._noted_once(content, at)
            else:
                events += self._meaning(own, at, parsed.duration_s)
        events += self._state(at)
        return events if stamp else [msgspec.structs.replace(one, time_source="receipt") for one in events]

    def _is_in_asset(self, line: str) -> bool:
        """Return whether a line is one of an asset of several lines, which ends at its mark, or where it is cut off."""
        if not self._mark:
            return False
        if line == self._mark:
            self._mark = ""
            return True
        try:
            instant(line.partition("|")[0])
        except ContractError:
            return True
        self._mark = ""
        return False

    def _unread(self, asset: Asset) -> ContractError:
        self._mark = asset.mark
        return ContractError(
            f"{asset.about} of {asset.id[:32]!r} is not read", "assets such as tools have no place in the contract"
        )

    def _choose_device(self, contents: Sequence[Content]) -> None:
        """Read the device that is named as the machine is; without one, the first that is named."""
        for content in contents:
            if isinstance(content, Asset) or ":" not in content.item:
                continue
            device = content.item.partition(":")[0]
            if not self._device or _slug(device) == self._asset.rpartition("/")[2]:
                self._device = device

    def _own(self, content: Content) -> Content | None:
        """Return what a line holds with its item's name alone; None if it is another device's."""
        assert not isinstance(content, Asset)
        if ":" not in content.item:
            return content
        device, _, item = content.item.partition(":")
        return content._replace(item=item) if device == self._device else None

    def _noted_once(self, content: Content, at: int) -> list[AnyEvent]:
        """Return a notice that another device's items are not read, the first time."""
        assert not isinstance(content, Asset)
        device = content.item.partition(":")[0]
        if device in self._others:
            return []
        self._others.add(device)
        text = f"items of the device {device} are not read: this machine's are those of {self._device}"
        return [Notice(asset=self._asset, at=at, code=_code(f"not-read-{device}"), text=_plain(text))]

    def _meaning(self, content: Content, at: int, duration_s: float | None) -> list[AnyEvent]:
        match content:
            case Value():
                return self._value(at, content.item, content.value)
            case Entries():
                name = self._name(content.item)
                if name in EXECUTION | MODE | AVAILABILITY | PART_COUNT:
                    raise ContractError(f"{content.item[:32]} is a data set", "send its value alone")
                return self._entries(at, content)
            case Series():
                return self._series(at, content, duration_s)
            case Condition():
                return self._condition(at, content)
            case Text():
                return self._text(at, content)
            case Alarm():
                severity = _SEVERITIES.get(content.severity, "notice")
                return [self._notice(at, content.code or self._name(content.item), severity, content)]
        raise AssertionError(content)

    def _value(self, at: int, item: str, value: str) -> list[AnyEvent]:
        name = self._name(item)
        word = value.upper()
        is_reported = word != _UNAVAILABLE
        if name in EXECUTION:
            if is_reported and word not in IDLE and word != "ACTIVE":
                raise ContractError(f"execution {value[:32]!r} is not of MTConnect", "map it in the adapter")
            self._execution = word
        elif name in MODE:
            self._mode = word
        elif name in AVAILABILITY:
            self._is_available = is_reported
            return [Status(asset=self._asset, at=at, online=is_reported)]
        elif name in PART_COUNT:
            return [Count(asset=self._asset, at=at, produced=_number(item, value))] if value and is_reported else []
        elif value and not _is_no_value(value) and name not in self._sets:
            return [self._sample(at, name, value)]
        return []

    def _entries(self, at: int, entries: Entries) -> list[AnyEvent]:
        """Return the entries of a data set or table, each as a signal of its own; names alone remove entries later."""
        self._sets.add(self._name(entries.item))
        return [
            self._sample(at, self._name(f"{entries.item} {key}"), value)
            for key, value in entries.values.items()
            if not _is_no_value(value)
        ]

    def _series(self, at: int, series: Series, duration_s: float | None) -> list[AnyEvent]:
        """Return the values of a time series, the last at the time of its line."""
        name, values = self._name(series.item), series.values
        step_ns = float(_STEP_NS)
        if series.rate_hz is not None:
            step_ns = NS_PER_S / series.rate_hz
        elif duration_s:
            step_ns = duration_s * NS_PER_S / len(values)
        for value in values:
            _within(series.item, value)
        return [
            Sample(asset=self._asset, at=at - round((len(values) - 1 - place) * step_ns), signal=name, value=value)
            for place, value in enumerate(values)
        ]

    def _sample(self, at: int, name: str, value: str) -> Sample:
        number = leniency.number(value)
        return Sample(asset=self._asset, at=at, signal=name, value=value[:_LONGEST_TEXT] if number is None else number)

    def _text(self, at: int, text: Text) -> list[AnyEvent]:
        """Return a message as a notice with the controller's code."""
        name = self._name(text.item)
        if name in EXECUTION | MODE | AVAILABILITY | PART_COUNT:
            raise ContractError(
                f"3 fields follow the time, of {text.item[:32]}", "write item|value, once or more often"
            )
        if text.text.upper() == _UNAVAILABLE or not (text.code or text.text):
            return []
        return [self._notice(at, text.code or name, "notice", text)]

    def _condition(self, at: int, condition: Condition) -> list[AnyEvent]:
        """Raise or clear a condition: normal without a code, and unavailable, clear all conditions of their item."""
        name = self._name(condition.item)
        if condition.level in {"normal", "unavailable"}:
            over = [key for key in self._conditions if key[0] == name and (not condition.id or key[1] == condition.id)]
            cleared = [self._conditions.pop(key) for key in over]
            return [
                Notice(asset=self._asset, at=at, code=one.code, severity=one.severity, text=one.text, active=False)
                for one in cleared
            ]
        severity: Severity = "alarm" if condition.level == "fault" else "warning"
        reported = _slug(f"{name}-{condition.code}") if condition.code else name
        notice = self._notice(at, reported, severity, condition)
        self._conditions[name, condition.id] = notice
        return [notice]

    def _notice(self, at: int, code: str, severity: Severity, of: Text | Condition | Alarm) -> Notice:
        is_active = of.is_active if isinstance(of, Alarm) else True
        return Notice(
            asset=self._asset,
            at=at,
            code=_code(code),
            severity=severity,
            text=of.text[:_LONGEST_TEXT],
            active=is_active,
        )

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
    return shdr_line.instant(stamp)


@lru_cache(maxsize=16_384)
def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:32].rstrip("-")


def _plain(text: str) -> str:
    return _NOT_PLAIN.sub(" ", text)


def _is_no_value(value: str) -> bool:
    return value.upper() == _UNAVAILABLE or value.lstrip("+-").lower() in {"nan", "inf", "infinity"}


def _code(text: str) -> str:
    return _plain(text)[:_LONGEST_CODE]


def _number(item: str, value: str) -> float:
    if not leniency.is_number(value) or float(value) < 0:
        raise ContractError(f"{item[:32]} is {value[:32]!r}, not a number of pieces", "send a number, or UNAVAILABLE")
    return _within(item, float(value))


def _within(item: str, number: float) -> float:
    if not -QUANTITY_LIMIT <= number <= QUANTITY_LIMIT:
        raise ContractError(f"{item[:32]} is {number:g}, beyond ±10¹⁵", "send UNAVAILABLE where there is no value")
    return number


def _of_one_machine(setup: Setup) -> Adapter:
    return Adapter(setup.asset or f"{setup.place}/adapter")


DIALECT: Final = Entry(
    "shdr",
    "Lines of an MTConnect adapter (SHDR)",
    _of_one_machine,
    loses=("Assets such as tools.", "Items of a second device on the same lines."),
    seen=("adapters of 2016 to 2019, lines of cppagent's documentation",),
    device="""\
1. Where an agent reads the adapter already, ask that: [an MTConnect agent](../mtconnect-agent.md).
2. Find the adapter's port, usually 7878, and see its lines: `nc ADAPTER 7878` (Debian: `apt install netcat-openbsd`).
3. On a computer that is always on, hand them to the broker, each line a message:
   `nc ADAPTER 7878 | mosquitto_pub -h HOST -p PORT -q 1 -l -t adapters/mill-1`. It ends when the adapter ends the
   connection: let systemd start it again (`Restart=always`).
4. An adapter that asks for a heartbeat (its first line is `* PONG 10000`) ends the connection of whoever sends none:
   let an agent read it.
5. Call the items `execution`, `functional_mode`, `avail` and `PartCount` where you can; any other is a signal.
""",
)
