"""How the flows of material stand: which batches are on their way, which of them are late, and what arrived last.

A batch is on its way from the notice with which it left its supplier until the one with which it arrived, and late once
it has been for longer than its flow takes. Of a supplier whose machines report nothing only arrivals are known.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from broker.contract.events import NS_PER_S, Notice
from broker.contract.instants import format_rfc3339
from broker.plant.material_flow import ARRIVED, SHIPPED, MaterialFlow, from_line, into_line, owner
from broker.plant.plant import Plant
from services.store.interface import Store

_LEAST_LOOK_BACK_NS: Final = 3 * 86_400 * NS_PER_S
_MOST_LOOK_BACK_NS: Final = 14 * 86_400 * NS_PER_S
_TRANSITS: Final = 4
"""So many times as long as a flow takes, a batch that has not arrived is looked for."""
_MOST_NOTICES: Final = 20_000
"""Of one line."""


class OnTheWay(msgspec.Struct, frozen=True):
    """A batch on its way: its number, when it left and when it is due (RFC 3339), and whether that is over."""

    number: str
    shipped: str
    due: str
    is_late: bool


class FlowState(msgspec.Struct, frozen=True):
    """A flow of material, as it stands.

    Attributes:
        flow: its name.
        title: its name for people.
        supplier: the line that it comes from.
        customer: the line that it goes to.
        products: what it carries; none for all that the supplier makes.
        becomes: what is made from it; none for all that the customer makes.
        batch: pieces that leave together.
        transit_s: how long they are on their way.
        is_from_outside: the plant does not describe the supplier.
        on_the_way: the batches that left and have not arrived, the oldest first.
        arrived: the number of the batch that arrived last; '' where none is known.
        arrived_at: when that was.
    """

    flow: str
    title: str
    supplier: str
    customer: str
    products: tuple[str, ...]
    becomes: tuple[str, ...]
    batch: int
    transit_s: float
    is_from_outside: bool
    on_the_way: list[OnTheWay]
    arrived: str
    arrived_at: str | None

    @property
    def late(self) -> list[OnTheWay]:
        """The batches that are due, and have not arrived."""
        return [each for each in self.on_the_way if each.is_late]


async def flow_states(store: Store, plant: Plant, now: int) -> list[FlowState]:
    """Return how each flow of a plant stands.

    Args:
        store: where the notices are.
        plant: its flows.
        now: the time, nanoseconds.
    """
    flows = plant.material_flows.values()
    since: dict[str, int] = {}
    for flow in flows:
        for line in (flow.supplier, flow.customer):
            since[line] = min(since.get(line, now), now - _look_back_ns(flow))
    noticed = {line: await _notices(store, line, start, now) for line, start in since.items()}
    own = {
        flow.name: (
            _own(flow, SHIPPED, noticed[flow.supplier], from_line(plant.material_flows, flow.supplier)),
            _own(flow, ARRIVED, noticed[flow.customer], into_line(plant.material_flows, flow.customer)),
        )
        for flow in flows
    }
    return [_state(flow, *own[flow.name], now) for flow in flows]


def _look_back_ns(flow: MaterialFlow) -> int:
    return min(max(_TRANSITS * flow.transit_ns, _LEAST_LOOK_BACK_NS), _MOST_LOOK_BACK_NS)


async def _notices(store: Store, line: str, start: int, now: int) -> list[Notice]:
    """Return a line's notices of batches, the oldest first."""
    events = await store.events(("event",), line, start, now + 1, limit=_MOST_NOTICES, newest_first=True)
    return [event for event in reversed(events) if isinstance(event, Notice) and event.code in {SHIPPED, ARRIVED}]


def _own(flow: MaterialFlow, code: str, notices: Sequence[Notice], flows: Sequence[MaterialFlow]) -> dict[str, int]:
    """Return when each batch of a flow was noticed at one of its ends, where such flows begin or end."""
    return {one.text: one.at for one in notices if one.code == code and owner(flows, one.text) is flow}


def _state(flow: MaterialFlow, shipped: dict[str, int], arrived: dict[str, int], now: int) -> FlowState:
    last = max(arrived, key=lambda number: arrived[number], default="")
    return FlowState(
        flow=flow.name,
        title=flow.label,
        supplier=flow.supplier,
        customer=flow.customer,
        products=flow.products,
        becomes=flow.becomes,
        batch=flow.batch,
        transit_s=flow.transit_ns / NS_PER_S,
        is_from_outside=flow.is_from_outside,
        on_the_way=[
            OnTheWay(
                number,
                format_rfc3339(at),
                format_rfc3339(at + flow.transit_ns),
                is_late=now > at + flow.transit_ns,
            )
            for number, at in shipped.items()
            if number not in arrived
        ],
        arrived=last,
        arrived_at=format_rfc3339(arrived[last]) if last else None,
    )
