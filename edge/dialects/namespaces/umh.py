"""UMH, the United Manufacturing Hub: UMH Core, and Classic before it.

    umh/v1/acme/cologne/packaging/line-4/filler/_raw/motor/speed   {"timestamp_ms":1733904005123,"value":42.5}
    umh/v1/acme/cologne/_historian/oven                            {"timestamp_ms":1733904005123,"temperature":61.2}
    umh/v1/acme/cologne/packaging/line-4/_analytics/state/add      {"start_time_unix_ms":…,"state":10000}

Core sends exactly a time and a value a topic, by any contract (`_raw`, `_historian`, a data model such as `_pump_v1`);
what stands between the contract and the name is a part of the signal's name. Classic sends several values at once.
The last four levels of a location are site, area, line and machine; a shorter one is filled up from the place.
Classic's `_analytics` are work orders, states by their number, and products, which are added up to counters.
"""

from collections.abc import Iterator
from typing import Any, Final

from broker.contract.errors import ContractError, shown
from broker.contract.events import AnyEvent, Count, Job, State, StateChange
from broker.contract.message import Message
from edge.dialects import values
from edge.dialects.dialect import NOTHING, Dialect, Entry, Setup, Translation
from edge.dialects.naming import Machines, Names
from edge.dialects.parts import Parts
from edge.dialects.values import Stamp

_DEEPEST: Final = 6
_MOST_PRODUCTS: Final = 2_000
_STATES: Final[tuple[tuple[int, State, str], ...]] = (
    (10_000, "running", ""),
    (30_000, "unknown", ""),
    (40_000, "idle", "unspecified-stop"),
    (50_000, "idle", "microstop"),
    (60_000, "starved", "inlet-jam"),
    (70_000, "blocked", "outlet-jam"),
    (80_000, "blocked", "congestion-bypass"),
    (90_000, "starved", "material-issue"),
    (100_000, "setup", "changeover"),
    (110_000, "idle", "cleaning"),
    (120_000, "idle", "emptying"),
    (130_000, "setup", "setting-up"),
    (140_000, "idle", "operator-not-at-machine"),
    (150_000, "idle", "break"),
    (160_000, "off", "no-shift"),
    (170_000, "idle", "no-order"),
    (180_000, "down", "equipment-failure"),
    (190_000, "down", "external-failure"),
    (200_000, "down", "external-interference"),
    (210_000, "maintenance", "preventive-maintenance"),
    (220_000, "down", "technical-issue"),
    (230_000, "unknown", ""),
)
"""Classic's states, by the number from which on they are that."""


class Umh(Dialect):
    """Everything below `umh/v1`."""

    filters = ("umh/v1/#",)

    def __init__(self, setup: Setup) -> None:
        self._names = Names()
        self._machines = Machines(setup, self._names)
        self._added: dict[str, dict[tuple[Any, ...], tuple[float, float]]] = {}
        self._before: dict[str, tuple[float, float]] = {}

    def translate(self, message: Message) -> Translation:
        """Translate a message by its contract."""
        levels = message.topic.split("/")[2:]
        place = next((number for number, level in enumerate(levels) if level.startswith("_")), 0)
        if message.topic[:7] != "umh/v1/" or not place:
            return NOTHING
        *above, device = levels[:place]
        asset = self._machines.asset(device, *above)
        document = values.json_object(message.payload)
        rest = levels[place + 1 :]
        parts = Parts()
        if levels[place] == "_analytics":
            parts.add("/".join(rest), lambda: self._analytics(message, asset, rest, document))
            return parts.translation()
        if "timestamp_ms" not in document:
            raise ContractError("the message has no timestamp_ms", "send it by UMH's contract")
        stamp = Stamp.of(message, asset, values.instant(document["timestamp_ms"]))
        is_core = document.keys() == {"timestamp_ms", "value"}
        if is_core and not rest:
            raise ContractError("the topic ends in its contract", "end it in the name of the value")
        for name, value in [("", document["value"])] if is_core else _leaves(document):
            whole = " ".join([*rest, *([name] if name else [])])
            parts.add(whole, lambda: stamp.sample(self._names.name(whole, asset), value))  # noqa: B023
        return parts.translation()

    def _analytics(self, message: Message, asset: str, rest: list[str], document: dict[str, Any]) -> list[AnyEvent]:
        def stamp(field: str) -> Stamp:
            sent = document.get(field)
            return Stamp.of(message, asset, None if sent is None else values.instant(sent))

        match rest:
            case ["work-order", ("create" | "start" | "stop") as phase]:
                return _order(stamp("end_time_unix_ms" if phase == "stop" else "start_time_unix_ms"), phase, document)
            case ["state", ("add" | "overwrite")]:
                state, reason = _state(document.get("state"))
                return [StateChange(**stamp("start_time_unix_ms").shared(), state=state, reason=reason)]
            case ["product", "add"]:
                return self._product(stamp("end_time_unix_ms"), document)
        return []

    def _product(self, stamp: Stamp, document: dict[str, Any]) -> list[AnyEvent]:
        """Return counters that pieces were added to; pieces that come again are those."""
        quantity = values.number(document.get("quantity", 1)) or 0.0
        bad = values.number(document.get("bad_quantity")) or 0.0
        added = self._added.setdefault(stamp.asset, {})
        names = ("external_product_id", "product_batch_id", "start_time_unix_ms", "end_time_unix_ms")
        key = tuple(str(document.get(name)) for name in names)
        if key not in added:
            produced, scrap = self._before.get(stamp.asset, (0.0, 0.0))
            self._before[stamp.asset] = added[key] = (produced + quantity, scrap + bad)
            if len(added) > _MOST_PRODUCTS:
                del added[next(iter(added))]
        produced, scrap = added[key]
        return [Count(**stamp.shared(), produced=produced, good=max(0.0, produced - scrap), scrap=scrap)]


def _order(stamp: Stamp, phase: str, document: dict[str, Any]) -> list[AnyEvent]:
    """Return an order that starts or ends; one that is only created means nothing yet, unless it runs already."""
    order = values.plain(str(document.get("external_work_order_id", "")), 64)
    if not order:
        raise ContractError("the work order has no external_work_order_id", "send it")
    if phase == "stop":
        return [Job(**stamp.shared(), phase="end", order=order)]
    if phase == "create" and document.get("status") != 1:
        return []
    product = document.get("product")
    product = product if isinstance(product, dict) else {}
    cycle_ms = values.number(product.get("cycle_time_ms"))
    return [
        Job(
            **stamp.shared(),
            phase="start",
            order=order,
            product=values.plain(str(product.get("external_product_id", "")), 64),
            planned=values.number(document.get("quantity")),
            ideal_cycle=cycle_ms / 1_000 if cycle_ms else None,
        )
    ]


def _state(sent: Any) -> tuple[State, str]:
    number = values.number(sent)
    if number is None or number < _STATES[0][0]:
        raise ContractError(f"the state {shown(str(sent))} is not of UMH", "send a number from 10000 on")
    return next((state, reason) for first, state, reason in reversed(_STATES) if number >= first)


def _leaves(document: dict[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if name == "timestamp_ms" and not prefix:
            continue
        if isinstance(value, dict) and depth < _DEEPEST:
            yield from _leaves(value, f"{prefix}{name} ", depth + 1)
        else:
            yield prefix + name, value


DIALECT: Final = Entry(
    "umh",
    "UMH Core and Classic",
    Umh,
    loses=(
        "Of `_analytics`: shifts, product types, bad pieces booked later, and what is deleted or modified.",
        "Levels of a location above the last four: two machines that differ only there are rejected, with both names.",
    ),
    seen=("UMH Core 0.44", "UMH Classic 0.15"),
    device="""\
1. UMH Core: a bridge or stream with the output `uns`, or an `mqtt` output to `HOST:PORT` with the topic
   `umh/v1/…`.
2. Classic: bridge `umh/v1/#` of its broker, or let the gateway connect there with `--from`.
""",
)
