"""umati: machine tools and other machines, as its dashboard client publishes them from OPC UA.

    umati/v2/{company}/{client}/MachineToolType/{node}  the whole tree of the machine, in each message
    umati/v2/{company}/{client}/online/{node}           1
    umati/v2/{company}/{client}/clientOnline            1

A message has no time: the time of receipt is taken, and what has not changed is no sample. A value is a scalar, or an
object with `value` and `properties`, of which the unit is read. `_2F` in a node's name is a slash, as `_3A` is a colon.
The state is `MachineryItemState`, else that of the active program; set-up and maintenance come from the operation mode
(Machinery 1.0, MachineTool 1.01).
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent, State, StateChange, Status
from broker.contract.message import Message
from edge.dialects import values
from edge.dialects.dialect import NOTHING, Dialect, Entry, Setup, Translation
from edge.dialects.naming import Machines, Names, slug
from edge.dialects.parts import Parts
from edge.dialects.repeats import Repeats
from edge.dialects.values import Stamp

_ESCAPED: Final = re.compile(r"_([0-9A-F]{2})")
_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_DEEPEST: Final = 12
_MOST: Final = 5_000
_NOT_READ: Final = frozenset({"Identification", "properties", "$type"})
_NAMES: Final = ("ComponentName", "AssetId", "SerialNumber", "ProductInstanceUri")
_ITEM_STATES: Final[dict[str, State]] = {
    "Executing": "running",
    "NotExecuting": "idle",
    "OutOfService": "maintenance",
    "NotAvailable": "unknown",
}
_PROGRAM_STATES: Final[dict[str, State]] = {
    "Running": "running",
    "Initializing": "idle",
    "Ended": "idle",
    "Interrupted": "idle",
    "Aborted": "down",
}
_MODES: Final[dict[str, State]] = {"Maintenance": "maintenance", "Setup": "setup"}
_WITH_REASON: Final = frozenset({"Interrupted", "Aborted"})


class Umati(Dialect):
    """Machines of umati's clients."""

    filters = ("umati/v2/#",)

    def __init__(self, setup: Setup) -> None:
        self._names = Names()
        self._machines = Machines(setup, self._names)
        self._repeats = Repeats()
        self._assets: dict[tuple[str, str, str], str] = {}
        self._reported: dict[str, tuple[State, str, bool]] = {}

    def translate(self, message: Message) -> Translation:
        """Translate the tree of a machine, or its presence."""
        levels = message.topic.split("/")
        if len(levels) < 5 or levels[:2] != ["umati", "v2"]:
            return NOTHING
        company, client, kind = levels[2:5]
        if kind == "clientOnline" or (kind == "online" and len(levels) == 6):
            node = levels[5] if kind == "online" else ""
            return Translation(events=self._presence(message, (company, client, node)))
        if len(levels) != 6 or kind in {"list", "bad_list", "errors"}:
            return NOTHING
        tree = values.json_object(message.payload)
        stamp = Stamp.of(message, self._asset(company, client, levels[5], tree))
        parts = Parts()
        for number, (path, value, unit) in enumerate(_leaves(tree)):
            if number == _MOST:
                parts.reject("tree", ContractError(f"it has more than {_MOST:,} values", "publish less of it"))
                break
            parts.add(path, lambda: self._leaf(stamp, path, value, unit))  # noqa: B023
        parts.add("state", lambda: self._state(stamp, tree))
        return parts.translation()

    def _asset(self, company: str, client: str, node: str, tree: dict[str, Any] | None = None) -> str:
        """Return a machine's asset path, by the name that its first message has."""
        key = (company, client, node)
        if key not in self._assets:
            identification = (tree or {}).get("Identification")
            known = (_plain(identification.get(name)) for name in _NAMES) if isinstance(identification, dict) else ()
            node_name = _unescaped(node)
            name = node_name if self._machines.knows(node_name) else next((str(one) for one in known if one), node_name)
            self._assets[key] = self._machines.asset(name)
        return self._assets[key]

    def _presence(self, message: Message, of: tuple[str, str, str]) -> list[AnyEvent]:
        online = values.flag(values.text(message.payload))
        machines = [asset for key, asset in self._assets.items() if key[:2] == of[:2] and of[2] in {"", key[2]}]
        if online is None:
            return []
        return [Status(**Stamp.of(message, asset).shared(), online=online) for asset in machines]

    def _leaf(self, stamp: Stamp, path: str, value: Any, unit: str) -> list[AnyEvent]:
        if value is None or not self._repeats.is_new(stamp, path, value):
            return []
        return stamp.sample(self._signal(path, stamp.asset), value, unit if isinstance(value, (int, float)) else "")

    def _signal(self, path: str, asset: str) -> str:
        """Return a signal's name: the last two levels of its path, else the whole, where they are another's."""
        try:
            return self._names.name(_WORD.sub(" ", " ".join(path.split(" ")[-2:])), asset, whole=path)
        except ContractError:
            return self._names.name(path, asset)

    def _state(self, stamp: Stamp, tree: dict[str, Any]) -> list[AnyEvent]:
        """Return the state, if it changed."""
        found = _state_of(tree)
        if found is None:
            return []
        now = (*found, stamp.source == "retained")
        before = self._reported.get(stamp.asset)
        if now == before or (before is not None and now[2] and not before[2]):
            return []
        self._reported[stamp.asset] = now
        return [StateChange(**stamp.shared(), state=now[0], reason=now[1])]


def _state_of(tree: dict[str, Any]) -> tuple[State, str] | None:
    mode = _at(tree, "MachineryBuildingBlocks", "MachineryOperationMode", "CurrentState")
    mode = mode or _at(tree, "MachineryOperationMode", "CurrentState")
    item = _at(tree, "MachineryBuildingBlocks", "MachineryItemState", "CurrentState")
    item = item or _at(tree, "MachineryItemState", "CurrentState")
    program = _at(tree, "Production", "ActiveProgram", "State", "CurrentState")
    state = _ITEM_STATES.get(str(item)) or _PROGRAM_STATES.get(str(program))
    if state is None:
        return None
    if str(mode) in _MODES and state != "unknown":
        return _MODES[str(mode)], ""
    return state, slug(str(program)) if str(program) in _WITH_REASON and state != "running" else ""


def _at(tree: Any, *path: str) -> Any:
    for step in path:
        tree = tree.get(step) if isinstance(tree, dict) else None
    return _plain(tree)


def _plain(leaf: Any) -> Any:
    """Return the value of a leaf: of an object with a value that, of a text with its language the text."""
    if isinstance(leaf, dict):
        leaf = leaf.get("value", leaf)
    if isinstance(leaf, dict):
        leaf = leaf.get("text", leaf.get("Text"))
    return leaf


def _leaves(tree: dict[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any, str]]:
    """Yield the values of a tree: path, value and unit."""
    for name, inner in tree.items():
        if name in _NOT_READ or (name.startswith("<") and not isinstance(inner, dict)):
            continue
        path = f"{prefix}{_unescaped(name)} "
        if not isinstance(inner, dict):
            if not isinstance(inner, list):
                yield path.strip(), inner, ""
            continue
        if "value" in inner or inner.keys() <= {"text", "locale", "Text", "Locale"}:
            value = _plain(inner)
            if not isinstance(value, (dict, list)):
                yield path.strip(), value, _unit(inner.get("properties"))
        elif depth < _DEEPEST:
            yield from _leaves(inner, path, depth + 1)


def _unit(properties: Any) -> str:
    units = _at_raw(properties, "EngineeringUnits")
    name = _at_raw(units, "displayName") or _at_raw(units, "DisplayName")
    text = name.get("text", name.get("Text")) if isinstance(name, dict) else name
    return text if isinstance(text, str) else ""


def _at_raw(holder: Any, name: str) -> Any:
    found = holder.get(name) if isinstance(holder, dict) else None
    return found.get("value", found) if isinstance(found, dict) else found


def _unescaped(node: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), node)


DIALECT: Final = Entry(
    "umati",
    "umati",
    Umati,
    loses=(
        "Lists, and what is below `Identification` but the name.",
        "Parts, jobs and tools of the production plan.",
        "Changes between two messages: a message has all, and no time.",
    ),
    seen=("umati dashboard client 2023 and 2024 (topics of version 2)",),
    device="""\
1. In the dashboard client's configuration: MQTT to `HOST:PORT`, prefix `umati/v2`.
""",
)
