"""PackML over MQTT: tags as plain text, a topic each.

    site/area/line/Status/StateCurrentStr              Execute
    site/area/line/Status/UnitModeCurrentStr           Production
    site/area/line/Admin/MachDesignSpeed               120          pieces a minute: an ideal cycle of 0.5 s
    site/area/line/Admin/ProdProcessedCount/0/AccCount 812

`Status`, `Admin` or `Command` is looked for from the right; what is before it names the machine. All is retained, and
an empty text stands for null. The text of a state is read, never its number, since a popular simulator has numbers of
its own. `AccCount` is read, `Count` not: it can be reset. `ProdProcessedCount[0]/AccCount` is read too.
"""

import re
from typing import Final

from broker.contract.errors import ContractError, shown
from broker.contract.events import AnyEvent, Job, State, StateChange
from broker.contract.message import Message
from edge.dialects import values
from edge.dialects.counters import CountingDialect
from edge.dialects.dialect import NOTHING, Entry, Setup, Translation
from edge.dialects.naming import Machines, Names, slug
from edge.dialects.parts import Parts
from edge.dialects.values import UNNAMED, Stamp

_LINE: Final = ("site", "area", "line")
_MACHINE: Final = "machine"
"""The machine of a line, where a topic ends there."""
_GROUPS: Final = ("Status", "Admin", "Command")
_STATES: Final[dict[str, State]] = {
    "execute": "running",
    "starting": "running",
    "completing": "running",
    "unholding": "running",
    "unsuspending": "running",
    "idle": "idle",
    "complete": "idle",
    "completed": "idle",
    "resetting": "idle",
    "stopped": "idle",
    "stopping": "idle",
    "clearing": "idle",
    "held": "idle",
    "holding": "idle",
    "suspended": "starved",
    "suspending": "starved",
    "aborted": "down",
    "aborting": "down",
    "undefined": "unknown",
}
"""The states of ISA-TR88.00.02, in small letters without spaces."""
_SIGNALS: Final = {
    ("Status", "CurMachSpeed"): ("speed", "/min"),
    ("Status", "MachSpeed"): ("speed-set", "/min"),
    ("Status", "UnitModeCurrentStr"): ("mode", ""),
}
_COUNTERS: Final = {"ProdProcessedCount": "produced", "ProdDefectiveCount": "scrap"}


class PackML(CountingDialect):
    """Machines with PackML tags."""

    filters = tuple(
        f"{levels}/{group}/#" for levels in ("+", "+/+", "+/+/+", "+/+/+/+") for group in ("Status", "Admin")
    )

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self._names = Names()
        self._machines = Machines(setup, self._names)
        self._states: dict[str, str] = {}
        self._modes: dict[str, str] = {}
        self._reported: dict[str, tuple[State, str, bool]] = {}
        self._orders: dict[str, tuple[float | None, str]] = {}

    def translate(self, message: Message) -> Translation:
        """Translate a tag."""
        levels = message.topic.split("/")
        place = max((number for number, level in enumerate(levels) if level in _GROUPS), default=0)
        if not place or len(levels) < place + 2:
            return NOTHING
        above = levels[:place]
        device = _MACHINE if len(above) == len(_LINE) else above.pop()
        stamp = Stamp.of(message, self._machines.asset(device, *above))
        group, (tag, rest) = levels[place], _indexed(levels[place + 1], levels[place + 2 :])
        value = values.text(message.payload)
        parts = Parts()
        parts.add("/".join(levels[place:]), lambda: self._tag(stamp, (group, tag), rest, value))
        return parts.translation()

    def _tag(self, stamp: Stamp, where: tuple[str, str], rest: list[str], value: str) -> list[AnyEvent]:
        group, tag = where
        if where in {("Status", "StateCurrentStr"), ("Status", "UnitModeCurrentStr")}:
            (self._states if tag == "StateCurrentStr" else self._modes)[stamp.asset] = value
            mode = stamp.sample("mode", value) if tag == "UnitModeCurrentStr" and value else []
            return [*mode, *self._state(stamp)]
        if where == ("Admin", "MachDesignSpeed"):
            return self._speed(stamp, values.number(value))
        if group == "Admin" and tag in _COUNTERS and len(rest) == 2 and rest[1] == "AccCount":
            number = values.number(value)
            # Of several products, the first is the machine's.
            return [] if number is None or rest[0] != "0" else self._counters.count(stamp, {_COUNTERS[tag]: number})
        if where in _SIGNALS and not rest:
            name, unit = _SIGNALS[where]
            return stamp.sample(name, values.number(value), unit)
        if group == "Status" and rest[:1] and rest[-1] == "Value" and tag in {"Parameter", "ProcessParameter"}:
            return stamp.sample(self._names.name(f"{tag} {rest[0]}", stamp.asset), value)
        return []

    def _state(self, stamp: Stamp) -> list[AnyEvent]:
        """Return the state, if it changed; the mode can make it set-up or maintenance."""
        sent = self._states.get(stamp.asset)
        if sent is None:
            return []
        state, reason = _state_of(sent, self._modes.get(stamp.asset, ""))
        now = (state, reason, stamp.source == "retained")
        before = self._reported.get(stamp.asset)
        if now == before or (before is not None and now[2] and not before[2]):
            return []
        self._reported[stamp.asset] = now
        return [StateChange(**stamp.shared(), state=state, reason=reason)]

    def _speed(self, stamp: Stamp, speed: float | None) -> list[AnyEvent]:
        """Return the ideal cycle, as the order that the machine is at."""
        if speed is None or speed <= 0:
            return []
        now = (speed, stamp.source)
        if self._orders.get(stamp.asset) == now:
            return []
        self._orders[stamp.asset] = now
        return [Job(**stamp.shared(), phase="start", order=UNNAMED, ideal_cycle=60 / speed)]


def _indexed(tag: str, rest: list[str]) -> tuple[str, list[str]]:
    """Return a tag and what follows it; an index of its own, as in `ProdProcessedCount[0]`, is a level."""
    found = re.fullmatch(r"(\w+)\[(\d+)\]", tag)
    return (tag, rest) if found is None else (found[1], [found[2], *rest])


def _state_of(sent: str, mode: str) -> tuple[State, str]:
    if not sent:
        return "unknown", ""
    word = slug(sent).replace("-", "")
    state = _STATES.get(word)
    if state is None:
        raise ContractError(f"the state {shown(sent)} is not of PackML", "send the name of a state of TR88")
    kind = mode.lower()
    if "maint" in kind:
        return "maintenance", ""
    if any(one in kind for one in ("setup", "set-up", "changeover", "change-over")):
        return "setup", ""
    return state, "" if state in {"running", "unknown"} else slug(word)


DIALECT: Final = Entry(
    "packml",
    "PackML over MQTT",
    PackML,
    loses=(
        "Numbers of states and modes: the texts are read.",
        "`Command`, alarms, and counters of a second product on the same machine.",
        "`Count`, which can be reset.",
    ),
    seen=("ISA-TR88.00.02-2015", "the PackML MQTT simulator, 2024"),
    device="""\
1. Let the controller publish its tags below `site/area/line/Status` and `…/Admin` to `HOST:PORT`, retained.
2. Publish `StateCurrentStr` and `UnitModeCurrentStr`, not their numbers alone.
""",
)
