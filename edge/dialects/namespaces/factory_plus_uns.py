"""The unified name-space of Factory+ (AMRC Connectivity Stack): a value a topic, as JSON, with MQTT 5 user properties.

    UNS/v1/AMRC/Sheffield/Hall 1/Cell 2/DMU 65/Edge/Mill/Axes/1/Act_Load
    {"timestamp":"2026-05-28T15:46:56.100923659Z","value":8003.2,"batch":[{"timestamp":…,"value":…}]}

The levels before `Edge` are enterprise, site, area, work centre and work unit; they may stop early, so that `Edge` is
looked for from the left. With a batch the outer value is the oldest. The unit and whether the device is simulated are
in the user properties `Unit` and `Simulated`; without MQTT 5 they are not known.
"""

from collections.abc import Iterator
from typing import Any, Final

from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent
from broker.contract.message import Message
from edge.dialects import values
from edge.dialects.dialect import NOTHING, Dialect, Entry, Setup, Translation
from edge.dialects.naming import Machines, Names, slug
from edge.dialects.sparkplug import factory_plus, meaning
from edge.dialects.values import Stamp

BEGIN: Final = ("UNS", "v1")
EDGE: Final = "Edge"
MOST_IN_A_BATCH: Final = 10_000


class UnifiedNameSpace(Dialect):
    """All devices of a unified name-space."""

    filters = ("UNS/v1/#",)

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._names = Names()
        self._machines = Machines(setup, self._names)
        self._claimed: dict[str, tuple[str, ...]] = {}

    def translate(self, message: Message) -> Translation:
        """Translate the value, or the batch of values, of a topic."""
        levels = message.topic.split("/")
        if tuple(levels[:2]) != BEGIN:
            return NOTHING
        try:
            return self._metric(message, levels[2:])
        except ContractError as error:
            return Translation(rejections=[error])

    def _metric(self, message: Message, levels: list[str]) -> Translation:
        if EDGE not in levels:
            raise ContractError("the topic has no level Edge", "publish to UNS/v1/<hierarchy>/Edge/<device>/<metric>")
        place = levels.index(EDGE)
        hierarchy, (device, *path) = levels[1:place], levels[place + 1 :] or ("",)
        if not (device and path and all(path)):
            raise ContractError("the topic names no metric", "publish to UNS/v1/<hierarchy>/Edge/<device>/<metric>")
        name = "/".join(path)
        if not factory_plus.is_signal(name):
            return NOTHING
        asset = self._asset(tuple(hierarchy), device)
        document = values.json_object(message.payload)
        events: list[AnyEvent] = []
        rejections: list[ContractError] = []
        for pair in _pairs(document):
            try:
                events += self._value(message, asset, name, pair)
            except ContractError as error:
                rejections.append(error)
        return Translation(events=events, rejections=rejections)

    def _value(self, message: Message, asset: str, name: str, pair: Any) -> list[AnyEvent]:
        """Return the events of one value with its time."""
        if not isinstance(pair, dict):
            raise ContractError("a value of the batch is no pair", 'send {"timestamp":…,"value":…}')
        properties = dict(message.properties)
        at = None if pair.get("timestamp") is None else values.instant(pair["timestamp"])
        stamp = Stamp.of(message, asset, at)
        stamp = Stamp(stamp.asset, stamp.at, stamp.source, values.flag(properties.get("Simulated", "")) is True)
        samples = stamp.sample(self._names.name(name, asset), pair.get("value"), properties.get("Unit", ""))
        return samples + meaning.special(slug(name.rpartition("/")[2]), pair.get("value"), stamp)

    def _asset(self, hierarchy: tuple[str, ...], device: str) -> str:
        """Return the machine's path: its work unit, or the device where the hierarchy stops before that.

        Raises:
            ContractError: another device has the same place.
        """
        if device in self._setup.machines:
            return self._setup.machines[device]
        unit = hierarchy[3] if len(hierarchy) > 3 and hierarchy[3] else device
        above = [level for level in hierarchy[:3] if level]
        asset = self._machines.asset(unit, *above, *self._setup.place.split("/")[len(above) : 3])
        first = self._claimed.setdefault(asset, (*hierarchy, device))
        if first != (*hierarchy, device):
            hint = f"give one of them a work unit of its own, or a place by --machine {device}=PATH"
            raise ContractError(f"{'/'.join(first)} and {'/'.join((*hierarchy, device))} are both {asset}", hint)
        return asset


def _pairs(document: dict[str, Any]) -> Iterator[Any]:
    """Yield the values of a payload, the oldest first: the outer one, then those of its batch.

    Raises:
        ContractError: the payload has no value, or a batch that is none.
    """
    inner = {key.lower(): value for key, value in document.items()}
    if "value" not in inner:
        raise ContractError("payload has no value", 'send {"timestamp":…,"value":…}')
    yield inner
    batch = inner.get("batch")
    if batch is None:
        return
    if not isinstance(batch, list) or len(batch) > MOST_IN_A_BATCH:
        raise ContractError(f"batch is no list of at most {MOST_IN_A_BATCH:,} values", "send a list of pairs")
    for each in batch:
        yield {key.lower(): value for key, value in each.items()} if isinstance(each, dict) else each


DIALECT: Final = Entry(
    "factory-plus",
    "Factory+ (AMRC), unified name-space",
    UnifiedNameSpace,
    loses=(
        "The enterprise: an asset path begins with the site.",
        "Uuids of instances and schemas, and the property `Transient`.",
        "Units where the broker speaks MQTT 3.1.1, which has no user properties.",
    ),
    seen=("its specification of 2026",),
    device="""\
1. In ACS turn on the ingester of the unified name-space, which publishes below `UNS/v1`.
2. Let the gateway connect to the broker that it publishes on, with MQTT 5: units come as user properties.
""",
)
