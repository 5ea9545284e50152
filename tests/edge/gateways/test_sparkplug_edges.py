"""Simulated machines as edge nodes of Sparkplug: what comes back through the gateway is what the native twin sends."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from broker.contract.events import NS_PER_S, AnyEvent, Sample, StateChange, Status
from broker.contract.message import Message, Publication
from broker.mqtt.session import Session
from broker.plant import plant_file
from broker.server.embedded import EmbeddedBroker
from edge.dialects import DIALECTS, guard
from edge.dialects.dialect import Dialect, Setup
from edge.dialects.sparkplug import topics
from edge.dialects.sparkplug.codec import decode
from edge.dialects.sparkplug.edge import EdgeNode
from edge.dialects.sparkplug.topics import Key
from edge.gateways.gateway import Gateway
from edge.gateways.native import publication
from edge.gateways.sparkplug_edges import SparkplugEdges, node_of
from edge.simulation.simulation import SamplingIntervals, Simulation

Until = Callable[[Callable[[], object]], Awaitable[None]]

SHIPPED = Path(__file__).parents[3] / "edge" / "simulation" / "plants" / "corridor.toml"
START = 1_795_507_200 * NS_PER_S
MILL = "sheffield/machining/line-1/mill-1"


def same(events: list[AnyEvent]) -> dict[tuple[str, str, str, int], AnyEvent]:
    """Return events by what makes each the same as another; the later counts."""
    return {(one.asset, one.kind, one.series, one.at): one for one in events}


def host() -> Dialect:
    return DIALECTS["sparkplug"].make(Setup())


def received(dialect: Dialect, sent: list[Publication], at: int) -> list[AnyEvent]:
    found: list[AnyEvent] = []
    for each in sent:
        answer = guard.translate(dialect, Message(each.topic, each.payload, each.qos, received_at=at))
        assert not answer.rejections
        assert not answer.requests
        found += answer.events
    return found


@pytest.mark.slow
def test_an_hour_of_a_simulated_line_comes_back_as_the_same_events() -> None:
    simulation = Simulation(plant_file.load(SHIPPED), START)
    simulation.sampling = SamplingIntervals(120 * NS_PER_S, 300 * NS_PER_S)
    simulation.announce(order_since=START)
    dialect = host()
    nodes: dict[Key, EdgeNode] = {}
    native: list[AnyEvent] = []
    back: list[AnyEvent] = []
    for step in range(1, 61):
        at = START + 60 * step * NS_PER_S
        events = [event for event in simulation.run_until(at) if event.asset.startswith("sheffield/machining/")]
        events += [event for event in simulation.offline() if event.asset == MILL] if step == 60 else []
        native += events
        for line, of_line in itertools.groupby(sorted(events, key=line_of), key=line_of):
            if line not in nodes:
                nodes[line] = EdgeNode(line)
                nodes[line].will()
                back += received(dialect, nodes[line].connected(at), at)
            back += received(dialect, nodes[line].publish(of_line, at), at)
    assert {event.kind for event in native} >= {"telemetry", "state", "count", "job", "meter", "quality", "status"}
    assert same(back) == same(native)


def line_of(event: AnyEvent) -> Key:
    return node_of(event.asset)


class Collected:
    """Takes the gateway's publications."""

    def __init__(self) -> None:
        self.taken: list[Publication] = []

    async def publish(self, *publications: Publication) -> None:
        self.taken += publications

    def values(self, what: str) -> list[object]:
        """Return the payloads of a machine's topic, without their times."""
        sent = [msgspec.json.decode(one.payload) for one in self.taken if one.topic.endswith(what)]
        return [next(value for key, value in one.items() if key not in {"ts", "simulated", "unit"}) for one in sent]


@contextlib.asynccontextmanager
async def gateway(url: str, target: Collected) -> AsyncIterator[None]:
    dialect = host()
    async with Session(
        url,
        client_id="gateway",
        filters=dialect.filters,
        will=lambda: dialect.will(START),
        greeting=lambda: dialect.connected(START).requests,
        farewell=lambda: dialect.leaving(START).requests,
    ) as session:
        task = asyncio.create_task(Gateway(session, dialect, target, answering=session).run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def load(value: float, second: int) -> Publication:
    return publication(Sample(asset=MILL, at=START + second * NS_PER_S, signal="load", value=value, simulated=True))


@pytest.mark.mosquitto
async def test_what_happens_while_the_gateway_is_away_comes_afterwards(tmp_path: Path, until: Until) -> None:
    target, rest = Collected(), Collected()
    now = itertools.count(START + 100 * NS_PER_S)
    async with (
        asyncio.timeout(120),
        EmbeddedBroker(tmp_path, port=0, kind="mosquitto") as broker,
        SparkplugEdges(
            broker.url,
            is_sparkplug=lambda asset: asset == MILL,
            otherwise=rest,
            primary="corridor",
            now=lambda: next(now),
        ) as edges,
    ):
        async with gateway(broker.url, target):
            online = publication(Status(asset=MILL, at=START, online=True, simulated=True))
            state = publication(StateChange(asset=f"{MILL}-2", at=START, state="idle"))
            await edges.publish(online, load(1, 1), state)
            await until(lambda: target.values("telemetry/load") == [1.0])
            assert target.values("status") == ["online"]
            assert rest.taken == [state]
            assert edges.is_live
        await until(lambda: not edges.is_live)
        await edges.publish(load(2, 2), load(3, 3))
        async with gateway(broker.url, target):
            await until(lambda: len(target.values("telemetry/load")) >= 3)
            assert sorted(map(str, target.values("telemetry/load")[1:])) == ["2.0", "3.0"]


@pytest.mark.mosquitto
async def test_e10_an_edge_node_that_is_ended_publishes_its_death_before_it_disconnects(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(60),
        EmbeddedBroker(tmp_path, port=0, kind="mosquitto") as broker,
        Session(broker.url, client_id="listener", filters=["spBv1.0/#"]) as listener,
    ):
        edges = SparkplugEdges(broker.url, is_sparkplug=lambda asset: True, otherwise=Collected())
        async with edges:
            await edges.publish(load(1, 1))
            kinds: list[str] = []
            async for batch in listener.batches():
                kinds += [topics.parse(message.topic).kind for message in batch.messages]
                if "DBIRTH" in kinds:
                    break
        last = await anext(listener.batches())
        assert kinds == ["NBIRTH", "DBIRTH"]
        assert [topics.parse(message.topic).kind for message in last.messages] == ["NDEATH"]
        assert decode(last.messages[0].payload).seq is None
