"""Material that flows between simulated lines: batches leave, are on their way, arrive, starve their customer."""

from collections.abc import Iterator

import msgspec
import pytest

from broker.contract.events import NS_PER_S, AnyEvent, Notice, Part, StateChange
from broker.plant import plant_file
from edge.simulation.event_buffer import TrueSupply
from edge.simulation.floor.pieces import Piece
from edge.simulation.machines import MODELS
from edge.simulation.machines.model import Condition, Finding, Model
from edge.simulation.simulation import Checkpoint, Simulation
from tests.edge.simulation.made_up import DAY, KINDS, SILENT, SURE, floor, line, machine, of

HOUR = 3_600 * NS_PER_S
SUPPLIER, CUSTOMER = "a/b/s", "c/d/k"
FLOW = f"""
[product.x]
[product.y]
[flow.rods]
from = "{SUPPLIER}"
to = "{CUSTOMER}"
product = "x"
becomes = "x"
batch = 5
transit = "30min"
"""
SLOW = SURE.replace("ideal-s = 60", "ideal-s = 90")


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, kind in KINDS.items():
        monkeypatch.setitem(MODELS, name, kind)


def supplier(losses: str = SURE) -> str:
    return line(SUPPLIER, [["s-1"], ["s-2"]], [4], 20) + machine(f"{SUPPLIER}/s-1", "plain", losses) + machine(
        f"{SUPPLIER}/s-2", "plain", losses
    )  # fmt: skip


def customer(first: str = "plain", more: str = "") -> str:
    stages = [["k-1", "k-2"], ["k-3"]]
    machines = [machine(f"{CUSTOMER}/k-{place}", first, SLOW) for place in (1, 2)]
    return line(CUSTOMER, stages, [6], 20, more) + "".join(machines) + machine(f"{CUSTOMER}/k-3", "plain")


def plan(late: float = 0.0, bad: float = 0.0, more: str = "") -> str:
    return f"[simulate.flow.rods]\nlate = {late}\nbad = {bad}\n{more}\n"


def parts(events: list[AnyEvent], under: str) -> list[Part]:
    return [event for event in events if isinstance(event, Part) and event.asset.startswith(under)]


def noticed(events: list[AnyEvent], code: str) -> dict[str, int]:
    return {event.text: event.at for event in events if isinstance(event, Notice) and event.code == code}


@pytest.mark.slow
@pytest.mark.parametrize("first", ["plain", "oven"])
def test_each_piece_of_a_batch_becomes_one_piece_of_the_customer(first: str) -> None:
    events = floor(FLOW, supplier(), customer(first), plan()).run_until(3 * DAY)
    packed = {event.part: event.batch for event in parts(events, SUPPLIER) if event.batch}
    used = [event for event in parts(events, CUSTOMER) if event.source]
    assert len(used) > 100
    assert len({event.source for event in used}) == len(used)
    assert all(packed[event.source] == event.material for event in used)
    assert {event.product for event in parts(events, SUPPLIER) if event.batch} == {"x"}
    assert {event.product for event in used} == {"x"}
    made = [event for event in parts(events, CUSTOMER) if event.asset[-3:] in {"k-1", "k-2"} and event.product == "y"]
    assert made
    assert not any(event.material or event.source for event in made)


@pytest.mark.slow
def test_a_batch_is_used_after_it_has_arrived_and_arrives_after_it_was_sent_in_about_its_transit() -> None:
    events = floor(FLOW, supplier(), customer(), plan()).run_until(2 * DAY)
    shipped, arrived = noticed(events, "batch-shipped"), noticed(events, "batch-arrived")
    assert len(arrived) > 20
    assert all(0.8 * HOUR / 2 <= at - shipped[number] <= HOUR / 2 for number, at in arrived.items())
    for event in parts(events, CUSTOMER):
        if event.source:
            assert event.seconds is not None
            assert event.at - event.seconds * NS_PER_S >= arrived[event.material]


def test_a_supplier_that_stands_starves_its_customer_for_a_reason_that_names_the_material() -> None:
    standing = SURE.replace("mtbf-h = 1e6", "mtbf-h = 0.01, mttr-h = 9000")
    simulation = floor(FLOW, supplier(standing), customer(), plan())
    events = simulation.run_until(DAY)
    assert not noticed(events, "batch-arrived")
    for name in ("k-1", "k-2"):
        last = of(StateChange, events, name)[-1]
        assert (last.state, last.reason) == ("starved", "no-rods")
    # Three batches were there at the start, and all of them were used.
    assert len([event for event in parts(events, CUSTOMER) if event.material]) == 15


@pytest.mark.slow
def test_a_late_batch_is_in_the_ground_truth_from_when_it_was_due_until_it_arrives() -> None:
    simulation = floor(FLOW, supplier(), customer(), plan(late=0.5, more="late-h = 5\nstock = 5"))
    events = simulation.run_until(3 * DAY)
    shipped, arrived = noticed(events, "batch-shipped"), noticed(events, "batch-arrived")
    late = [one for one in simulation.take_ground_truth() if isinstance(one, TrueSupply)]
    onsets = {one.batch: one.at for one in late if one.phase == "onset"}
    ends = {one.batch: one.at for one in late if one.phase == "end"}
    assert len(ends) > 3
    assert {one.fault for one in late} == {"late"}
    assert {one.asset for one in late} == {f"{CUSTOMER}/k-1"}
    assert all(at == shipped[number] + HOUR // 2 for number, at in onsets.items())
    assert all(at == arrived[number] for number, at in ends.items())
    on_time = arrived.keys() - ends.keys()
    assert all(arrived[number] <= shipped[number] + HOUR // 2 for number in on_time)
    starved = [event for event in of(StateChange, events, "k-1") if event.reason == "no-rods"]
    assert starved


@pytest.mark.slow
def test_a_bad_batch_is_found_by_the_customers_measuring_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.simulation.floor.work.FLAW", 1.7)
    simulation = floor(FLOW, supplier(), customer(), plan(bad=0.2))
    errors: dict[tuple[str, str], float] = {}

    def note(_: Model, piece: Piece, __: Condition) -> list[Finding]:
        errors[piece.serial, piece.source] = piece.error
        return []

    monkeypatch.setattr(KINDS["plain"], "finish", note)
    events = simulation.run_until(3 * DAY)
    truth = [one for one in simulation.take_ground_truth() if isinstance(one, TrueSupply)]
    bad = {one.batch for one in truth if one.phase == "onset"}
    ended = {one.batch: one.at for one in truth if one.phase == "end"}
    material = {event.part: event.material for event in parts(events, CUSTOMER) if event.material}
    assert len(ended) > 3
    for (serial, source), error in errors.items():
        if source and serial in material:
            assert error == (1.7 if material[serial] in bad else 0.0)
    for number, at in ended.items():
        begun = [
            event.at - round((event.seconds or 0) * NS_PER_S)
            for event in parts(events, CUSTOMER)
            if event.material == number
        ]
        assert max(begun) == at


def test_a_supplier_outside_is_a_source_of_batches_at_its_pace() -> None:
    simulation = floor(FLOW, customer(), plan(more="every-h = 2"))
    events = simulation.run_until(6 * DAY)
    arrived = sorted(noticed(events, "batch-arrived").values())
    assert not noticed(events, "batch-shipped")
    assert len(arrived) == pytest.approx(6 * 24 / 2, rel=0.1)
    used = [event.source for event in parts(events, CUSTOMER) if event.source]
    assert len(used) == len(set(used)) > 200
    assert all(source.startswith("rods-7") for source in used)


@pytest.mark.slow
def test_what_the_customer_has_no_room_for_is_not_sent() -> None:
    slow = SURE.replace("ideal-s = 60", "ideal-s = 4000")
    idle = line(CUSTOMER, [["k-1"]], [], 20) + machine(f"{CUSTOMER}/k-1", "plain", slow)
    simulation = floor(FLOW, supplier(), idle, plan())
    events = simulation.run_until(3 * DAY)
    flow = simulation.checkpoint().flows["rods"]
    assert len(flow.stock) + sum(len(batch.serials) for batch in flow.coming) <= 15
    assert len(flow.waiting) == 2
    packed = {event.batch for event in parts(events, SUPPLIER) if event.batch}
    assert len(packed) > len(noticed(events, "batch-shipped")) + 3


def test_the_same_seed_gives_the_same_events() -> None:
    tables = (FLOW, supplier(), customer("oven"), plan(late=0.2, bad=0.2))
    assert floor(*tables).run_until(2 * DAY) == floor(*tables).run_until(2 * DAY)


def resumed(simulation: Simulation, *tables: str) -> Simulation:
    saved = msgspec.json.decode(msgspec.json.encode(simulation.checkpoint()), type=Checkpoint)
    text = '[simulate]\nseed = 7\nprofile = "plain"\n' + "\n".join(tables)
    again = Simulation(plant_file.parse(text, "test"), simulation.now + HOUR, saved)
    again.sampling = SILENT
    return again


def runs(simulation: Simulation, *tables: str) -> Iterator[list[AnyEvent]]:
    for _ in range(12):
        yield simulation.run_until(simulation.now + 5 * HOUR)
        simulation = resumed(simulation, *tables)


@pytest.mark.slow
def test_over_restarts_no_piece_of_material_is_lost_and_none_is_used_twice() -> None:
    tables = (FLOW, supplier(), customer("oven"), plan(late=0.3))
    events = [event for some in runs(floor(*tables), *tables) for event in some]
    packed = [event for event in parts(events, SUPPLIER) if event.batch]
    used = [event.source for event in parts(events, CUSTOMER) if event.source]
    assert len(used) == len(set(used)) > 60
    assert set(used) <= {event.part for event in packed}
    # What was sent first was used first, and all of it: of a batch that was sent and not the newest, no piece is left.
    shipped = list(noticed(events, "batch-shipped"))
    assert {event.part for event in packed if event.batch in shipped[:8]} <= set(used)


@pytest.mark.slow
def test_rework_at_the_customer_takes_no_second_piece_of_material() -> None:
    loop = customer("gauge", 'rework = { k-1 = "k-1", k-2 = "k-2" }')
    events = floor(FLOW, supplier(), loop, plan()).run_until(3 * DAY)
    again = [event for event in parts(events, CUSTOMER) if event.result == "rework" and event.source]
    assert again
    serials = {event.part: event.source for event in parts(events, CUSTOMER) if event.source}
    assert len(set(serials.values())) == len(serials)
