"""A first mapping file for what was seen on a broker: topics that have the same form, and what their values seem to be.

It is a start, to be corrected by someone who knows the machines: a guess is marked as one.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from broker.contract.errors import ContractError
from broker.contract.message import Message
from edge.dialects import values
from edge.dialects.naming import slug
from edge.dialects.toml_text import quoted

MOST_TOPICS: Final = 5_000
_MOST_LINES: Final = 200
_COUNTERS: Final = (
    ("scrap", re.compile(r"scrap|reject|defect|bad|nok", re.IGNORECASE)),
    ("good", re.compile(r"good|accept", re.IGNORECASE)),
    ("produced", re.compile(r"produc|total_?count|parts?_?count|piece|outfeed|made", re.IGNORECASE)),
)
_STATE: Final = re.compile(r"(^|[^a-z])(state|status|execution|mode)([^a-z]|$)", re.IGNORECASE)
_ENERGY: Final = re.compile(r"kwh|energy", re.IGNORECASE)
_TIME: Final = re.compile(r"^(ts|t|time|timestamp|timestamp_ms|datetime)$", re.IGNORECASE)
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_-]+\Z")


class Seen:
    """What was seen: of each topic the fields of its messages, and their values."""

    def __init__(self) -> None:
        self._fields: dict[str, dict[str, list[Any]]] = {}

    def add(self, message: Message) -> None:
        """Take a message into account; one that is neither JSON nor text is left out."""
        if message.topic not in self._fields and len(self._fields) >= MOST_TOPICS:
            return
        try:
            document = _document(message.payload)
        except ContractError:
            return
        fields = self._fields.setdefault(message.topic, {})
        for path, value in _leaves(document):
            if len(fields) < _MOST_LINES or path in fields:
                fields.setdefault(path, []).append(value)
                del fields[path][:-50]

    def suggestion(self) -> str:
        """Return the text of a mapping file; '' where nothing was seen."""
        groups: dict[tuple[int, str, frozenset[str]], list[str]] = {}
        for topic, fields in self._fields.items():
            levels = topic.split("/")
            is_value = set(fields) == {""}
            form = (len(levels), "value" if is_value else levels[-1], frozenset(fields))
            groups.setdefault(form, []).append(topic)
        return "\n".join(self._mapping(topics) for topics in groups.values())

    def _mapping(self, topics: list[str]) -> str:
        is_value = set(self._fields[topics[0]]) == {""}
        levels = [topic.split("/") for topic in topics]
        pattern, names = _pattern(levels, has_tag=is_value)
        lines = ["[[message]]", f"topic = {quoted(pattern)}", f"machine = {quoted(_machine(names, topics[0]))}"]
        fields: dict[str, list[Any]] = {}
        for topic in topics:
            for path, seen in self._fields[topic].items():
                fields.setdefault(topic.rpartition("/")[2] if is_value else path, []).extend(seen)
        if not is_value and (time := next((path for path in fields if _TIME.match(path)), "")):
            lines.append(f"time = {quoted(time)}")
            del fields[time]
        tables: dict[str, list[str]] = {"telemetry": [], "meter": [], "count": [], "state": []}
        for path, seen in list(fields.items())[:_MOST_LINES]:
            kind, line = _guess(path, seen, {line.split(" =")[0] for line in tables["count"]}, not tables["state"])
            tables[kind].append(line)
        for kind, inner in tables.items():
            if inner:
                lines += ["", f"[message.{kind}]", *dict.fromkeys(inner)]
        return "\n".join(lines) + "\n"


def _guess(path: str, seen: list[Any], counted: set[str], state_is_free: bool) -> tuple[str, str]:
    """Return the table that a value belongs into, as it seems, and its line there."""
    last = path.rpartition(".")[2] or path
    numbers = [one for one in seen if isinstance(one, (int, float)) and not isinstance(one, bool)]
    grows = len(numbers) == len(seen) and numbers == sorted(numbers) and all(one >= 0 for one in numbers)
    if grows:
        for counter, words in _COUNTERS:
            if words.search(last) and counter not in counted:
                return "count", f"{counter} = {quoted(path)}  # a guess"
        if _ENERGY.search(last):
            unit = "Wh" if re.search(r"(?<!k)wh", last, re.IGNORECASE) else "kWh"
            return "meter", f'electricity = {{ from = {quoted(path)}, unit = "{unit}" }}  # a guess'
    texts = sorted({one for one in seen if isinstance(one, str)})
    if state_is_free and _STATE.search(last) and texts and len(texts) == len({str(one) for one in seen}) <= 12:
        meanings = ", ".join(f"{quoted(one)} = {quoted(_state(one))}" for one in texts)
        return "state", f"from = {quoted(path)}  # a guess\nvalues = {{ {meanings} }}"
    return "telemetry", f"{slug(path) or 'value'} = {quoted(path)}"


def _state(word: str) -> str:
    low = word.lower()
    for state, words in (
        ("running", r"run|active|execut|produc|auto"),
        ("down", r"fault|alarm|error|abort|down|fail"),
        ("setup", r"setup|set-up|changeover"),
        ("maintenance", r"maint"),
        ("off", r"off"),
    ):
        if re.search(words, low):
            return state
    return "idle"


def _pattern(levels: list[list[str]], *, has_tag: bool) -> tuple[str, list[str]]:
    """Return the pattern of topics of as many levels, and the names in it."""
    found: list[str] = []
    names: list[str] = []
    for place, column in enumerate(zip(*levels, strict=True)):
        if has_tag and place == len(levels[0]) - 1:
            found.append("{tag}")
        elif len(set(column)) > 1:
            names.append(f"level{place + 1}")
            found.append(f"{{{names[-1]}}}")
        else:
            found.append(column[0])
    return "/".join(found), names


def _machine(names: list[str], topic: str) -> str:
    if names:
        return "/".join(
            [*("plant", "floor", "line-1")[: max(0, 4 - len(names))], *(f"{{{one}}}" for one in names[-4:])]
        )
    levels = topic.split("/")
    return f"plant/floor/line-1/{slug(levels[-2] if len(levels) > 1 else levels[0]) or 'machine'}"


def _document(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload)
    except (ValueError, RecursionError):
        return values.scalar(values.text(payload))


def _leaves(document: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    if isinstance(document, dict) and depth < 6:
        for name, inner in document.items():
            step = name if _PLAIN_KEY.match(name) else f"['{name}']"
            if "'" not in name:
                yield from _leaves(inner, f"{prefix}.{step}" if prefix and step == name else prefix + step, depth + 1)
    elif not isinstance(document, (dict, list)):
        yield prefix, document


def suggest(messages: Iterable[Message]) -> str:
    """Return a first mapping file for messages; '' where nothing was seen."""
    seen = Seen()
    for message in messages:
        seen.add(message)
    return seen.suggestion()
