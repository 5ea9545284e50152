"""A batch belongs to one flow, also where the name of one flow begins the name of another."""

from itertools import permutations
from typing import Final

import pytest

from broker.contract.events import NS_PER_S, AnyEvent, Notice, Part
from broker.plant import plant_file
from broker.plant.material_flow import ARRIVED, SHIPPED, owner
from edge.simulation.simulation import SamplingIntervals, Simulation
from services.query.flow_states import flow_states
from services.query.parts.batches import Batches
from services.store.interface import Batch, Store

HOUR: Final = 3_600 * NS_PER_S
START: Final = 20_454 * 24 * HOUR
NAMES: Final = ("bushes", "bushes-b", "bushes-260101", "bushes-b-2")
_FLOWS: Final = "".join(
    f"""
    [product.p{place}]
    ideal-cycle = 60
    [product.q{place}]
    ideal-cycle = 60
    [flow.{name}]
    from = "a/b/turning"
    to = "a/b/milling"
    product = "p{place}"
    becomes = "q{place}"
    batch = 4
    transit = "20min"
    """
    for place, name in enumerate(NAMES)
)


def _line(name: str, products: str) -> str:
    orders = ", ".join(f'{{ product = "{products}{place}", pieces = 8 }}' for place in range(len(NAMES)))
    return f"""
    [asset."a/b/{name}/m"]
    [simulate.line."a/b/{name}"]
    stages = [["m"]]
    buffers = []
    orders = [{orders}]
    [simulate.machine."a/b/{name}/m"]
    model = "washer"
    cell = "turn-mill"
    losses = {{ setup-min = 1 }}
    """


PLANT: Final = plant_file.parse(f"{_FLOWS}[simulate]\nseed = 5{_line('turning', 'p')}{_line('milling', 'q')}", "test")
FLOWS: Final = PLANT.material_flows


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("bushes-251124-01", "bushes"),
        ("bushes-b-251124-01", "bushes-b"),
        ("bushes-b-2-251124-117", "bushes-b-2"),
        ("bushes-260101-02", "bushes"),
        ("bushes-260101-260102-02", "bushes-260101"),
        ("bushes-7", "bushes"),
        ("bushes-b-7", "bushes-b"),
        ("bushes-b-2-7", "bushes-b-2"),
        ("bushes", None),
        ("bush-251124-01", None),
        ("", None),
    ],
)
def test_a_number_has_one_owner_in_whatever_order_the_flows_are(number: str, name: str | None) -> None:
    for flows in permutations(FLOWS.values()):
        found = owner(flows, number)
        assert (found.name if found else None) == name


@pytest.fixture(scope="module")
def events() -> list[AnyEvent]:
    simulation = Simulation(PLANT, START)
    simulation.sampling = SamplingIntervals(10**18, 10**18)
    return [one for one in simulation.run_until(START + 10 * HOUR) if isinstance(one, Notice | Part)]


async def test_the_map_counts_a_batch_to_the_flow_that_it_left_with(store: Store, events: list[AnyEvent]) -> None:
    await store.write(Batch(events=events))
    parts = [event for event in events if isinstance(event, Part) and event.batch]
    made_as = {event.batch: NAMES[int(event.product[1:])] for event in parts}
    assert set(made_as.values()) == set(NAMES)
    seen = set()
    for minute in range(65, 10 * 60, 60):
        now = START + minute * HOUR // 60
        states = await flow_states(store, PLANT, now)
        ways = {number: state.flow for state in states for number in (each.number for each in state.on_the_way)}
        notices = [event for event in events if isinstance(event, Notice) and event.at <= now]
        left = {event.text for event in notices if event.code == SHIPPED}
        came = {event.text for event in notices if event.code == ARRIVED}
        assert ways == {number: made_as[number] for number in left - came}
        seen |= set(ways.values())
    assert seen == set(NAMES)


async def test_the_page_of_a_batch_names_its_own_flow_at_both_ends(store: Store, events: list[AnyEvent]) -> None:
    await store.write(Batch(events=events))
    facts = Batches(store, PLANT)
    ends = {
        (NAMES[int(event.product[1:])], number == event.batch): (number, event)
        for event in events
        if isinstance(event, Part)
        for number in filter(None, (event.batch, event.material))
    }
    assert ends.keys() == {(name, is_left) for name in NAMES for is_left in (True, False)}
    for (name, _), (number, event) in ends.items():
        assert (await facts.facts(number, [event])).flow == name
