"""How flows of material stand, from the notices of a small works and of a simulated chain."""

import pytest

from broker.contract.events import NS_PER_S, Notice
from broker.contract.instants import format_rfc3339
from broker.plant.material_flow import ARRIVED, SHIPPED
from services.query.flow_states import FlowState, flow_states
from services.store.interface import Batch, Store
from tests.query.shipped_chain import HOURS, START, chain
from tests.wall.part_works import CHAINED, chained_hour
from tests.wall.works import EIGHT, MINUTE


async def standing(store: Store, minute: int) -> dict[str, FlowState]:
    return {each.flow: each for each in await flow_states(store, CHAINED, EIGHT + minute * MINUTE)}


async def test_a_batch_is_on_its_way_until_it_arrives_and_late_once_it_is_due(store: Store) -> None:
    await store.write(Batch(events=chained_hour()))
    coming = {minute: await standing(store, minute) for minute in (8, 9, 27, 28, 29, 55, 57, 60, 70, 71)}
    way = {
        minute: [(each.number, each.is_late) for flow in ("lug-castings", "rods") for each in found[flow].on_the_way]
        for minute, found in coming.items()
    }
    assert way == {
        8: [],
        9: [("lug-castings-2", False)],
        27: [("lug-castings-2", False)],
        28: [],
        29: [],
        55: [("lug-castings-3", False), ("rods-9", False)],
        57: [("lug-castings-3", False), ("rods-9", True)],
        60: [("lug-castings-3", False), ("rods-9", True)],
        70: [("lug-castings-3", False), ("rods-9", True)],
        71: [("lug-castings-3", True), ("rods-9", True)],
    }
    (rods,) = coming[57]["rods"].late
    assert (rods.shipped, rods.due) == tuple(format_rfc3339(EIGHT + minute * MINUTE) for minute in (41, 56))


async def test_of_a_supplier_outside_the_arrivals_are_known(store: Store) -> None:
    await store.write(Batch(events=chained_hour()))
    bars = (await standing(store, 60))["bars"]
    assert (bars.is_from_outside, bars.on_the_way, bars.arrived) == (True, [], "bars-7")
    assert bars.arrived_at == format_rfc3339(EIGHT + MINUTE)


@pytest.mark.slow
async def test_the_batches_of_a_simulated_chain_are_those_between_its_notices(store: Store) -> None:
    made = chain()
    notices = [event for event in made.events if isinstance(event, Notice)]
    await store.write(Batch(events=notices))
    seen = 0
    for hour in range(6, HOURS, 6):
        now = START + hour * 3_600 * NS_PER_S
        (castings,) = (each for each in await flow_states(store, made.plant, now) if each.flow == "lug-castings")
        of = [event for event in notices if event.at <= now and event.text.startswith("lug-castings-")]
        left = {event.text for event in of if event.code == SHIPPED}
        came = {event.text for event in of if event.code == ARRIVED}
        assert {each.number for each in castings.on_the_way} == left - came
        seen += len(castings.on_the_way)
    assert seen
