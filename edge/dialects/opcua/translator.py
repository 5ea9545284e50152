"""OPC UA: what a gateway has received of the servers of a mapping file, whose client it is.

The gateway subscribes to the nodes of the file, and hands over what a server reported: `opcua/<server>` with
`{"values":[{"node":"ns=2;s=Speed","value":1480.5,"status":0,"time":1795507200000000000}]}`, or `{"online":false}` where
the server does not answer. A status that is bad is no value, even when a value comes with it: no sample, no count, and
for a state `unknown`. Values have the time of their source; counters are sent as they stand.
"""

from collections.abc import Sequence
from typing import Any, Final

from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent, Count, Meter, State, StateChange, Status
from broker.contract.message import Message
from edge.dialects import values
from edge.dialects.dialect import NOTHING, Dialect, Entry, Setup, Translation
from edge.dialects.naming import Machines, Names
from edge.dialects.opcua import mapping
from edge.dialects.opcua.mapping import Server, Value
from edge.dialects.opcua.profiles import PROFILES
from edge.dialects.parts import Parts
from edge.dialects.repeats import Changes
from edge.dialects.values import Stamp

TOPIC: Final = "opcua/"
ONLINE: Final = "online"
_BAD: Final = 0b10
"""The first two bits of a status that is bad; Good is 00, Uncertain 01."""


class OpcUa(Dialect):
    """The servers of a mapping file."""

    def __init__(self, setup: Setup) -> None:
        self._servers = mapping.parse(setup.mapping) if setup.mapping else {}
        self._machines = Machines(setup, Names())
        self._nodes = {name: _by_node(server) for name, server in self._servers.items()}
        self._changes = Changes()
        self._parts: dict[tuple[str, str], str] = {}

    def translate(self, message: Message) -> Translation:
        """Translate what a server reported at once."""
        name = message.topic.removeprefix(TOPIC)
        server = self._servers.get(name)
        if server is None or not message.topic.startswith(TOPIC):
            return NOTHING
        document = values.json_object(message.payload)
        if ONLINE in document:
            return Translation(events=self._presence(message, name, server, values.flag(document[ONLINE]) is True))
        found = document.get("values")
        if not isinstance(found, list):
            raise ContractError("the message has no values", 'send {"values":[{"node":…,"value":…}]}')
        parts = Parts()
        for one in found:
            if isinstance(one, dict):
                for value in self._nodes[name].get(str(one.get("node")), ()):
                    parts.add(value.node, lambda: self._value(message, name, server, value, one))  # noqa: B023
        return parts.translation()

    def _presence(self, message: Message, name: str, server: Server, online: bool) -> list[AnyEvent]:
        assets = dict.fromkeys(self._asset(name, server, value) for value in server.value)
        stamps = [Stamp.of(message, asset) for asset in assets if self._changes.is_new(asset, ONLINE, online)]
        return [Status(**stamp.shared(), online=online) for stamp in stamps]

    def _asset(self, name: str, server: Server, value: Value) -> str:
        return value.machine or server.asset or self._machines.asset(name)

    def _value(
        self, message: Message, name: str, server: Server, value: Value, sent: dict[str, Any]
    ) -> Sequence[AnyEvent]:
        at = None if sent.get("time") is None else values.instant(sent["time"])
        stamp = Stamp.holding(message, self._asset(name, server, value), at)
        status = sent.get("status", 0)
        is_bad = not isinstance(status, int) or status >> 30 & 0b11 == _BAD
        found = None if is_bad else sent.get("value")
        if value.part:
            self._parts[stamp.asset, value.part] = "" if found is None else values.plain(str(found))
            is_known = (stamp.asset, "item-state") in self._parts  # the mode alone is no state
            return self._state(stamp, self._profiled(server, stamp.asset)) if is_known else []
        if value.state:
            return self._state(stamp, _state_of(value, found))
        if isinstance(found, (dict, list)):
            raise ContractError("the value is a structure or a list", "map a node that has one value")
        if value.signal:
            return stamp.sample(value.signal, _scaled(value, found), value.unit)
        return self._total(stamp, value, found)

    @staticmethod
    def _total(stamp: Stamp, value: Value, found: Any) -> Sequence[AnyEvent]:
        total = values.number(_scaled(value, found))
        if total is None:
            return []
        if total < 0:
            raise ContractError("a cumulative value is negative", "map a node that only counts up")
        if value.count:
            counted: dict[str, Any] = {**stamp.shared(), value.count: total}
            return [Count(**counted)]
        if values.unit_code(value.unit) in values.ENERGY:
            return stamp.energy(total, value.unit, value.meter)
        return [Meter(**stamp.shared(), name=value.meter, total=total, unit=values.unit_code(value.unit))]

    def _profiled(self, server: Server, asset: str) -> State:
        item = self._parts.get((asset, "item-state"), "")
        return PROFILES[server.profile].state(item, self._parts.get((asset, "operation-mode"), ""))

    def _state(self, stamp: Stamp, state: State) -> Sequence[AnyEvent]:
        return [StateChange(**stamp.shared(), state=state)] if self._changes.is_new(stamp.asset, "state", state) else []


def _by_node(server: Server) -> dict[str, list[Value]]:
    found: dict[str, list[Value]] = {}
    for value in server.value:
        found.setdefault(value.node, []).append(value)
    return found


def _scaled(value: Value, found: Any) -> Any:
    if value.scale == 1 and not value.offset:
        return found
    number = values.number(found)
    return None if number is None else float(f"{number * value.scale + value.offset:.12g}")  # 3 × 0.1 is 0.3


def _state_of(value: Value, found: Any) -> State:
    """Return what a value stands for: by the number, or the text, that it is."""
    word = str(found).strip() if isinstance(found, (str, bool)) else ""
    if not isinstance(found, (str, bool)):
        number = values.number(found)
        word = "" if number is None else f"{number:.0f}"
    state: Any = value.state.get(word, value.state.get(word.lower(), "unknown"))
    return state  # type: ignore[no-any-return]  # the mapping has been checked


DIALECT: Final = Entry(
    "opcua",
    "OPC UA, as a client by a mapping file",
    OpcUa,
    loses=(
        "Writing, methods and alarms: a gateway reads only.",
        "Structures and lists: map the nodes within them.",
    ),
    seen=("npm's node-opcua 2.186.4, with the nodesets of Machinery 1.04 and MachineTool 1.02",),
    details=mapping.__doc__ or "",
    device="""\
1. Install the extra: `.venv/bin/pip install '.[opcua]'` in a checkout.
2. Let the server's own nodes write a first mapping: `./corridor map browse opc.tcp://HOST:4840 --out mill.toml`, then
   correct what each node is: signal, count, meter or state.
3. With `security = "encrypt"`, the gateway makes a certificate of its own when it connects first, and stores it in the
   data folder, `gateways/…/opcua/`; accept it on the server. The server's certificate is stored there too, and another
   one is rejected from then on.
4. Where the server asks for a user: `user` and `password-env` (or `password-file`) in the mapping, best with
   `security = "encrypt"`, without which some servers take the password as plain text.
5. Name the file with `--mapping mill.toml`; the gateway needs no `--from`, for it connects to the servers itself.
""",
)
