r"""The form of SHDR lines: what a line holds, item by item, before anyone knows what the items mean.

    time|item|value|item|value …                                  events and samples
    time|item|code|text                                           a message
    time|item|level|code|severity|qualifier|text                  a condition
    time|item|count|rate|v v v                                    a time series; the rate, in hertz, may be left out
    time|item|k=1 k2="two words" k3={a=1 b=2}                     a data set, or a table
    time|@ASSET@|id|type|<xml>, or --multiline--MARK … MARK       an asset

A time is in UTC where it has no zone; `@1.5` after it is a duration in seconds. An item may have its device before it
(`mill-1:execution`). `0:DAY` is a value whose counter was reset, for that reason. A value in double quotes may hold a
pipe, written `\|`. cppagent's documentation describes these forms.
"""

import re
from typing import Final, NamedTuple

from broker.contract import instants
from broker.contract.errors import ContractError
from broker.contract.lenient import leniency

LEVELS: Final = frozenset({"normal", "warning", "fault", "unavailable"})
MULTI_LINE: Final = "--multiline--"

_WITHOUT_ZONE: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ][\d:.]+\Z", re.ASCII)
_PIPE: Final = re.compile(r"(?<!\\)\|")
_RESET: Final = re.compile(r"(?P<value>[^:]*):[A-Z][A-Z_]{2,31}(?= |\Z)", re.ASCII)
_QUOTED: Final = r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\{(?:\\.|[^{}\\])*\}"""
_ENTRY: Final = re.compile(rf"""\s*(?P<key>\w[^\s={{}}"'|]*)=(?P<value>{_QUOTED}|[^\s{{}}"']*)(?=\s|\Z)""")
_ALARM_FIELDS: Final = 6
_ALARM_STATES: Final = frozenset({"ACTIVE", "CLEARED", "INSTANT"})


class Value(NamedTuple):
    """An item and its value, without the reason of a reset."""

    item: str
    value: str


class Text(NamedTuple):
    """A message for people, with the code that the controller has for it."""

    item: str
    code: str
    text: str


class Condition(NamedTuple):
    """A condition of an item is raised or cleared; `id` distinguishes those of one item, '' is all of them."""

    item: str
    level: str
    id: str
    code: str
    text: str


class Alarm(NamedTuple):
    """An alarm as it was before there were conditions."""

    item: str
    code: str
    severity: str
    is_active: bool
    text: str


class Series(NamedTuple):
    """Evenly spaced values, the last at the line's time; `rate_hz` is None where it is not sent."""

    item: str
    rate_hz: float | None
    values: tuple[float, ...]


class Entries(NamedTuple):
    """A data set or table: the values that it sets, by their keys; of a table the row's key stands before theirs."""

    item: str
    values: dict[str, str]


class Asset(NamedTuple):
    """Something about an asset; `mark` ends it, on a line of its own, where it has several lines."""

    about: str
    id: str
    mark: str


Content = Value | Text | Condition | Alarm | Series | Entries | Asset


class Line(NamedTuple):
    """A line, without its time.

    Attributes:
        duration_s: of what it reports, seconds; None where it has none.
        content: what it holds.
    """

    duration_s: float | None
    content: tuple[Content, ...]


def parse(line: str) -> Line:
    """Return what a line holds.

    Raises:
        ContractError: it is of none of the forms.
    """
    stamp, *fields = _fields(line)
    duration = stamp.partition("@")[2].strip()
    return Line(float(duration) if duration and leniency.is_number(duration) else None, tuple(_content(fields)))


def instant(stamp: str) -> int:
    """Return the time that a line begins with, nanoseconds since 1970-01-01 UTC; it is in UTC if it has no zone.

    Raises:
        ContractError: it is not a time.
    """
    moment = stamp.partition("@")[0].strip()
    is_utc = not moment.endswith("Z") and _WITHOUT_ZONE.match(moment)
    return instants.parse(f"{moment}Z" if is_utc else moment)


def _fields(line: str) -> list[str]:
    if "\\|" not in line:
        return line.split("|")
    return [field.replace("\\|", "|") for field in _PIPE.split(line)]


def _content(fields: list[str]) -> list[Content]:
    if (alone := _alone(fields)) is not None:
        return [alone]
    if len(fields) % 2 or not fields:
        raise ContractError(f"{len(fields)} fields follow the time", "write item|value, once or more often")
    return [_value(item, value.strip()) for item, value in zip(fields[::2], fields[1::2], strict=True)]


def _alone(fields: list[str]) -> Content | None:
    """Return what needs a line of its own; None of items and their values."""
    if fields and fields[0].startswith("@") and fields[0].endswith("@"):
        return _asset(*fields)
    if len(fields) < 3:
        return None
    if _is_condition(fields):
        item, level, code, *more = (*fields, "", "", "") if len(fields) < 6 else fields
        return Condition(item, level.strip().lower(), code.rpartition(":")[2], code, more[-1])
    if len(fields) == 3:
        return Text(fields[0], fields[1].strip(), _unquoted(fields[2].strip()))
    if len(fields) == _ALARM_FIELDS and fields[4].strip() in _ALARM_STATES:
        item, code, native, severity, state, text = (field.strip() for field in fields)
        return Alarm(item, native or code, severity.upper(), state != "CLEARED", text)
    return _series(fields)


def _value(item: str, sent: str) -> Value | Entries:
    value = sent
    if ":" in sent and (reset := _RESET.match(sent)):
        # What was reset is a number, or a set that begins with the reason; `a:B` is a text.
        if leniency.is_number(reset["value"]) and reset.end() == len(sent):
            return Value(item, reset["value"])
        if not reset["value"]:
            value = sent[reset.end() :].strip()
            if not value:
                return Entries(item, {})
    entries = _entries(value)
    return Value(item, _unquoted(sent)) if entries is None else Entries(item, entries)


def _entries(value: str) -> dict[str, str] | None:
    """Return the values of a data set or table; None of a text that is none. An entry without a value is removed.

    A name alone removes an entry too, but not here: with one, any text could be a set.
    """
    if "=" not in value:
        return None
    value = value.rstrip()
    found: dict[str, str] = {}
    end = 0
    while end < len(value):
        entry = _ENTRY.match(value, end)
        if entry is None:
            return None
        end = entry.end()
        key, sent = entry["key"], entry["value"]
        cells = _entries(sent[1:-1]) if sent.startswith("{") else None
        if cells is not None:
            found |= {f"{key} {cell}": inner for cell, inner in cells.items()}
        elif sent:
            found[key] = _unquoted(sent)
    return found


def _unquoted(text: str) -> str:
    if len(text) < 2 or (text[0], text[-1]) not in {('"', '"'), ("'", "'"), ("{", "}")}:
        return text
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _series(fields: list[str]) -> Series | None:
    """Return a time series; None of two items with their values, which have as many fields."""
    if len(fields) != 4 or not fields[1].strip().isdecimal():
        return None
    rate, values = fields[2].strip(), fields[3].split()
    if (rate and not leniency.is_number(rate)) or len(values) != int(fields[1]):
        return None
    if not all(map(leniency.is_number, values)):
        return None
    hertz = float(rate) if rate else 0.0
    return Series(fields[0], hertz if hertz > 0 else None, tuple(map(float, values)))


def _is_condition(fields: list[str]) -> bool:
    if fields[1].strip().lower() not in LEVELS or (len(fields) % 2 == 0 and len(fields) != 6):
        return False
    # Three items, of which the first is unavailable, look the same but for the name of the second.
    return len(fields) % 2 == 1 or fields[1].strip().lower() != "unavailable" or not any(fields[2:])


def _asset(about: str, asset: str = "", *more: str) -> Asset:
    last = more[-1] if more else ""
    return Asset(about.strip("@"), asset, last.strip() if last.startswith(MULTI_LINE) else "")
