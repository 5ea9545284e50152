"""Mapping files: the TOML in which a user writes what foreign messages mean; `edge.dialects.mapping.mapped` runs them.

    [[message]]
    topic = "acme/{line}/{cell}/data"            # {name} is a level, {name...} the rest; + and # as in MQTT
    machine = "sheffield/hall/{line}/{cell}"
    time = "ts"                                  # where the time is; left out, that of receipt is taken

    [message.state]
    from = "status"
    values = { RUN = "running", STOP = "idle", FAULT = "down" }

    [message.count]
    produced = "counters.total"

A path such as `counters.total`, `axes[0].load` or `['a.b'].c` leads into the message; '' is the message itself. Where a
message is a list of values with their names, `each`, `key` and `value` lead there, and entries are looked up by key; so
they are where a topic has a level `{tag}` and its message is one value.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from broker.contract.errors import ContractError, shown
from broker.contract.events import COUNTERS, State

TAG: Final = "tag"
"""The name of a topic's level, or of a part of a key, by which entries are looked up."""

_STEP: Final = re.compile(r"\.?(?:([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\])")
_NAME: Final = re.compile(r"\{(\w+)(\.\.\.)?\}")
_WHOLE: Final = re.compile(r"[a-z0-9-]+\Z")

Path = tuple[str | int, ...]


class Reading(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a value is, and what it is in our units: scale times the value, plus offset."""

    from_: str = msgspec.field(name="from", default="")
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0


class StateReading(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the state is, what its values mean, and where its reason is."""

    values: dict[str, State]
    from_: str = msgspec.field(name="from", default="")
    reason: str | None = None
    otherwise: State | None = None


class JobReading(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """Where the order is; a number instead of a path is the value itself. `ideal_rate` is in pieces a minute."""

    order: str | None = None
    product: str | None = None
    planned: str | float | Reading | None = None
    ideal_cycle: str | float | Reading | None = None
    ideal_rate: str | float | Reading | None = None


class Status(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the device reports that it is there, and the value for that."""

    from_: str = msgspec.field(name="from", default="")
    online: str = "online"
    offline: str = "offline"


Readings = dict[str, str | Reading]


class MessageMapping(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """What messages on some topics mean."""

    topic: Annotated[str, Meta(min_length=1)]
    machine: Annotated[str, Meta(min_length=1)]
    time: str | None = None
    good: str | None = None
    each: str | None = None
    key: str | None = None
    key_pattern: str | None = None
    value: str = ""
    others: bool = False
    telemetry: Readings = msgspec.field(default_factory=dict)
    count: Readings = msgspec.field(default_factory=dict)
    meter: Readings = msgspec.field(default_factory=dict)
    state: StateReading | None = None
    job: JobReading | None = None
    status: Status | None = None

    @property
    def is_keyed(self) -> bool:
        """Whether entries are looked up by key, rather than by a path into one document."""
        return self.key is not None or f"{{{TAG}" in self.topic


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    message: list[MessageMapping]


def parse(text: str) -> list[MessageMapping]:
    """Return the mappings of a file.

    Raises:
        ContractError: it is not TOML, or not such a file; the text says where.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ContractError(f"the mapping is not TOML: {error}", "correct that place") from error
    try:
        found = msgspec.convert(document, _File).message
    except msgspec.ValidationError as error:
        raise ContractError(f"the mapping: {error}", "a mapping begins with [[message]], topic and machine") from error
    for number, one in enumerate(found, start=1):
        _check(f"[[message]] {number}", one)
    return found


def _check(where: str, one: MessageMapping) -> None:
    known = set(names_of(one.topic)) | set(names_of(one.key_pattern or ""))
    for name in names_of(one.machine):
        if name not in known:
            raise ContractError(f"{where}: machine has {{{name}}}, which topic has not", f"there are {sorted(known)}")
    levels = one.machine.split("/")
    if len(levels) != 4:
        raise ContractError(
            f"{where}: machine {shown(one.machine)} has {len(levels)} levels", "write site/area/line/machine"
        )
    for level in levels:
        if not (_NAME.search(level) or _WHOLE.match(level)):
            raise ContractError(f"{where}: {shown(level)} in machine is not a name", "use a-z, 0-9 and -")
    if unknown := sorted(one.count.keys() - set(COUNTERS)):
        raise ContractError(f"{where}: there is no counter {unknown[0]}", f"there are {', '.join(COUNTERS)}")
    if one.each is not None and one.key is None:
        raise ContractError(f"{where}: each has no key", 'write where the name of an item is: key = "id"')
    meanings = (one.telemetry, one.count, one.meter, one.state, one.job, one.status, one.others)
    if not any(meanings):
        raise ContractError(f"{where}: it means nothing", "add [message.telemetry], or others = true")


def names_of(pattern: str) -> list[str]:
    """Return the names in a pattern."""
    return [found[1] for found in _NAME.finditer(pattern)]


def filled(template: str, names: Mapping[str, str]) -> str:
    """Return a template with its names replaced."""
    return _NAME.sub(lambda found: names[found[1]], template)


def topic_filter(pattern: str) -> str:
    """Return the MQTT filter of a topic pattern."""
    levels = pattern.split("/")
    if levels[-1] == "#" or levels[-1].endswith("...}"):
        return "/".join([*map(_level_filter, levels[:-1]), "#"])
    return "/".join(map(_level_filter, levels))


def _level_filter(level: str) -> str:
    return "+" if _NAME.search(level) else level


def pattern(text: str, separator: str = "/") -> re.Pattern[str]:
    """Return the expression of a topic pattern, or of one of keys, of which the parts stand between separators."""
    part = f"[^{re.escape(separator)}]+"
    expression, end = [], 0
    for found in re.finditer(r"\{(\w+)(\.\.\.)?\}|\+|#", text):
        expression.append(re.escape(text[end : found.start()]))
        end = found.end()
        if found[1]:
            expression.append(f"(?P<{found[1]}>{'.+' if found[2] else part})")
        else:
            expression.append(part if found[0] == "+" else ".+")
    expression.append(re.escape(text[end:]))
    try:
        return re.compile("".join(expression) + r"\Z", re.DOTALL)
    except re.error as error:
        raise ContractError(f"the pattern {shown(text)} cannot be used: {error}", "use each name once") from error


def path(text: str) -> Path:
    """Return the steps of a path.

    Raises:
        ContractError: it is none.
    """
    steps: list[str | int] = []
    end = 0
    while end < len(text):
        found = _STEP.match(text, end)
        if found is None:
            raise ContractError(f"{shown(text)} is no path", "write a.b, a[0] or ['a.b']")
        steps.append(int(found[2]) if found[2] else found[1] or found[3] or "")
        end = found.end()
    return tuple(steps)


def value_at(document: Any, steps: Sequence[str | int]) -> Any:
    """Return what is at a path; None where nothing is."""
    for step in steps:
        if isinstance(document, dict):
            document = document.get(str(step))
        elif isinstance(document, list) and isinstance(step, int) and step < len(document):
            document = document[step]
        else:
            return None
    return document
