"""A host application of Sparkplug B 3.0, pure: messages and the time in, readings and requests out.

It follows births and deaths and the sequence of each edge node, and asks a node for its births where they are missing:
by data before them, by an alias that is not theirs, or by a gap in the sequence that is not filled in time. A node is
asked at most once in ten seconds, and less often while that does not help. Nothing is guessed: what has no definition
is rejected. Its own state on the broker is `presence.Presence`. Rules H6 to H10 of the reference page are shown here.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from broker.contract.errors import ContractError, shown
from broker.contract.events import NS_PER_MS, NS_PER_S
from broker.contract.message import Message, Publication
from edge.dialects.sparkplug import codec, sequence, topics
from edge.dialects.sparkplug.codec import Metric, Payload
from edge.dialects.sparkplug.datatypes import Datatype, Field
from edge.dialects.sparkplug.readings import (
    BD_SEQ,
    REBIRTH,
    Birth,
    Catalogue,
    Change,
    Data,
    Death,
    Definition,
    Reading,
    is_read,
    reading,
)
from edge.dialects.sparkplug.topics import Key

REORDER_NS: Final = 5 * NS_PER_S
"""How long a message may be late before it counts as lost."""
REBIRTH_NS: Final = 10 * NS_PER_S
"""A node is asked for its births at most once in this time; twice as long after each time that did not help."""
LONGEST_REBIRTH_NS: Final = 640 * NS_PER_S
SILENT_NS: Final = 60 * NS_PER_S
"""How long a node may be silent after the host was away, before it counts as offline."""
MOST_NODES: Final = 5_000
MOST_DEVICES: Final = 5_000
"""Of one node."""


class Outcome(msgspec.Struct):
    """What a message or the time means to a host."""

    changes: list[Change] = msgspec.field(default_factory=list)
    rejections: list[ContractError] = msgspec.field(default_factory=list)
    requests: list[Publication] = msgspec.field(default_factory=list)


class _Node:
    """What is known of an edge node."""

    def __init__(self) -> None:
        self.birth: int | None = None
        self.is_born = False
        self.sequence = sequence.Sequence()
        self.own = Catalogue()
        self.devices: dict[str, Catalogue] = {}
        self.pending: set[str] = set()
        self.born_at = 0
        self.wants_birth = False
        self.asked_at: int | None = None
        self.pause_ns = REBIRTH_NS
        self.late_due: int | None = None
        self.pending_due: int | None = None
        self.silent_due: int | None = None

    @property
    def ask_due(self) -> int | None:
        """When it may be asked for its births, if they are missing."""
        if not self.wants_birth:
            return None
        return 0 if self.asked_at is None else self.asked_at + self.pause_ns

    @property
    def due(self) -> int | None:
        """When something is to be done."""
        dues = (self.late_due, self.pending_due if self.pending else None, self.silent_due, self.ask_due)
        return min((each for each in dues if each is not None), default=None)


class Host:
    """Follows the edge nodes of a broker.

    Args:
        reorder_ns: how long a gap in a sequence may last before the node is asked for its births.
    """

    def __init__(self, reorder_ns: int = REORDER_NS) -> None:
        self._reorder_ns = reorder_ns
        self._nodes: dict[Key, _Node] = {}
        self._waiting: set[Key] = set()
        self._handlers: dict[str, Callable[[_Node, Key, Payload, int, Outcome], None]] = {
            "NBIRTH": self._node_birth,
            "NDEATH": self._node_death,
            "NDATA": self._data,
            "DBIRTH": self._device_birth,
            "DDATA": self._data,
            "DDEATH": self._device_death,
        }

    @property
    def due(self) -> int | None:
        """When `tick` is to be called, nanoseconds since 1970-01-01 UTC; None while nothing is waited for."""
        return min((due for key in self._waiting if (due := self._nodes[key].due) is not None), default=None)

    def receive(self, message: Message) -> Outcome:
        """Take a message of a node or device; commands are other hosts' and mean nothing.

        Raises:
            ContractError: it is not of Sparkplug, or cannot be read at all.
        """
        topic = topics.parse(message.topic)
        handler = self._handlers.get(topic.kind)
        if handler is None:
            return Outcome()
        if message.retained:
            raise ContractError(
                f"a retained {topic.kind}: nobody knows whether it still holds", "publish it unretained"
            )
        payload = codec.unpacked(codec.decode(message.payload))
        outcome = Outcome(rejections=list(payload.errors))
        node = self._node(topic.key)
        node.silent_due = None
        handler(node, topic.key, payload, message.received_at, outcome)
        self._ask(node, topic.key.of_node, message.received_at, outcome)
        return outcome

    def tick(self, now: int) -> Outcome:
        """Return what the passing of time means: messages that did not come, devices that were not born again."""
        outcome = Outcome()
        for key in sorted(self._waiting):
            node = self._nodes[key]
            if node.late_due is not None and node.late_due <= now:
                node.late_due = None
                node.sequence.missing = set()
                node.wants_birth = True
            if node.pending and node.pending_due is not None and node.pending_due <= now:
                self._end_pending(node, key, outcome)
            if node.silent_due is not None and node.silent_due <= now:
                node.silent_due = None
                self._die(node, key, now, outcome)
            self._ask(node, key, now, outcome)
        return outcome

    def reconnected(self, now: int) -> Outcome:
        """Ask all nodes for their births, since what they sent while the host was away is lost, deaths among it."""
        outcome = Outcome()
        for key, node in self._nodes.items():
            if node.is_born:
                node.wants_birth = True
                node.silent_due = now + SILENT_NS
                self._ask(node, key, now, outcome)
        return outcome

    # ---- Births and deaths ----

    def _node_birth(self, node: _Node, key: Key, payload: Payload, at: int, outcome: Outcome) -> None:
        if payload.seq is None:
            outcome.rejections.append(ContractError(f"NBIRTH of {key} has no seq", "send 0 to 255"))
        node.birth = _birth_number(payload.metrics)
        if node.birth is None:
            outcome.rejections.append(ContractError(f"NBIRTH of {key} has no {BD_SEQ}", "send that of the will"))
        node.is_born = True
        node.born_at = at
        node.wants_birth = False
        node.sequence.begin(payload.seq)
        node.late_due = None
        node.pending = {name for name, device in node.devices.items() if device.is_online}
        node.pending_due = at + max(self._reorder_ns, REORDER_NS)
        self._birth(node.own, key, payload, outcome)

    def _device_birth(self, node: _Node, key: Key, payload: Payload, at: int, outcome: Outcome) -> None:
        if not self._follow(node, payload, at):
            return
        device = node.devices.get(key.device)
        if device is None:
            if len(node.devices) >= MOST_DEVICES:
                raise ContractError(f"{key.of_node} has {MOST_DEVICES:,} devices already", "use several edge nodes")
            device = node.devices[key.device] = Catalogue()
        node.pending.discard(key.device)
        self._birth(device, key, payload, outcome)

    def _birth(self, catalogue: Catalogue, key: Key, payload: Payload, outcome: Outcome) -> None:
        outcome.rejections += catalogue.define(payload.metrics)
        readings: list[Reading] = []
        for metric in payload.metrics:
            if not metric.name or metric.name == BD_SEQ:
                continue
            definition = catalogue.find(metric)
            if definition is not None:
                self._read(metric, definition, payload, readings, outcome)
        outcome.changes.append(Birth(key, payload.timestamp, readings, catalogue.is_online, payload.uuid))
        catalogue.is_online = True

    def _node_death(self, node: _Node, key: Key, payload: Payload, at: int, outcome: Outcome) -> None:
        """A death belongs to the birth of its bdSeq: the will of an earlier connection may come after a new birth."""
        number = _birth_number(payload.metrics)
        if number is None:
            raise ContractError(f"NDEATH of {key} has no {BD_SEQ}", "send that of the will")
        if node.is_born and node.birth in {number, None}:
            self._die(node, key, at, outcome)

    def _device_death(self, node: _Node, key: Key, payload: Payload, at: int, outcome: Outcome) -> None:
        if not self._follow(node, payload, at):
            return
        node.pending.discard(key.device)
        device = node.devices.get(key.device)
        if device is not None and device.is_online:
            device.is_online = False
            ended = at if payload.timestamp is None else payload.timestamp * NS_PER_MS
            outcome.changes.append(Death(key, ended))

    def _die(self, node: _Node, key: Key, at: int, outcome: Outcome) -> None:
        node.is_born = node.wants_birth = False
        node.late_due = None
        node.pending = set()
        for name, device in node.devices.items():
            if device.is_online:
                device.is_online = False
                outcome.changes.append(Death(Key(key.group, key.node, name), at))
        if node.own.is_online:
            node.own.is_online = False
            outcome.changes.append(Death(key, at))

    def _end_pending(self, node: _Node, key: Key, outcome: Outcome) -> None:
        """Devices that were online, and are not part of the new birth, are offline since then."""
        for name in sorted(node.pending):
            node.devices[name].is_online = False
            outcome.changes.append(Death(Key(key.group, key.node, name), node.born_at))
        node.pending = set()

    # ---- Data ----

    def _data(self, node: _Node, key: Key, payload: Payload, at: int, outcome: Outcome) -> None:
        if not self._follow(node, payload, at):
            return
        catalogue = node.devices.get(key.device) if key.device else node.own
        if catalogue is None or not catalogue.is_online or key.device in node.pending:
            node.wants_birth = True
            return
        readings: list[Reading] = []
        for metric in payload.metrics:
            try:
                definition = catalogue.find(metric)
            except ContractError as error:
                outcome.rejections.append(error)
                continue
            if definition is None:
                node.wants_birth = True
                what = shown(metric.name) if metric.name else f"of alias {metric.alias}"
                outcome.rejections.append(ContractError(f"metric {what} is not in the birth of {key}"))
            elif is_read(definition):
                self._read(metric, definition, payload, readings, outcome)
        if readings:
            outcome.changes.append(Data(key, readings))

    def _read(
        self, metric: Metric, definition: Definition, payload: Payload, readings: list[Reading], outcome: Outcome
    ) -> None:
        try:
            readings.append(reading(metric, definition, payload.timestamp))
        except ContractError as error:
            outcome.rejections.append(error)

    # ---- Sequence, and asking for births ----

    def _node(self, key: Key) -> _Node:
        node = self._nodes.get(key.of_node)
        if node is None:
            if len(self._nodes) >= MOST_NODES:
                raise ContractError(f"the broker has {MOST_NODES:,} edge nodes already", "use several gateways")
            node = self._nodes[key.of_node] = _Node()
        return node

    def _follow(self, node: _Node, payload: Payload, at: int) -> bool:
        """Take a message's place in the sequence; return False for a node that has not been born."""
        if not node.is_born:
            node.wants_birth = True
            return False
        node.sequence.received(payload.seq)
        if not node.sequence.missing:
            node.late_due = None
        elif node.late_due is None:
            node.late_due = at + self._reorder_ns
        return True

    def _ask(self, node: _Node, key: Key, now: int, outcome: Outcome) -> None:
        """Ask a node for its births, if they are missing and it may be asked; the last step of all that is done."""
        due = node.ask_due
        if due is not None and due <= now:
            if node.asked_at is not None:
                is_lasting = now - node.asked_at < 2 * node.pause_ns
                node.pause_ns = min(2 * node.pause_ns, LONGEST_REBIRTH_NS) if is_lasting else REBIRTH_NS
            node.asked_at = now
            node.wants_birth = False
            outcome.requests.append(rebirth_request(key, now))
        if node.due is None:
            self._waiting.discard(key)
        else:
            self._waiting.add(key)


def rebirth_request(key: Key, now: int) -> Publication:
    """Return the command by which a node is asked for its births: by name, QoS 0, not retained, without seq.

    Some nodes' births give the metric an alias, against the specification; its name alone every node has to know.

    Args:
        key: the node.
        now: nanoseconds since 1970-01-01 UTC.
    """
    at_ms = now // NS_PER_MS
    command = codec.metric(REBIRTH, True, Datatype.BOOLEAN, timestamp=at_ms)
    payload = codec.encode(Payload(timestamp=at_ms, metrics=(command,)))
    return Publication(topics.build("NCMD", key), payload, qos=0, retain=False)


def _birth_number(metrics: Sequence[Metric]) -> int | None:
    """Return the bdSeq of a birth or death, whichever integer type it is sent in."""
    for metric in metrics:
        if metric.name == BD_SEQ and metric.raw is not None and metric.raw.field in {Field.INT, Field.LONG}:
            return int(metric.raw.bits) % sequence.MODULUS
    return None
