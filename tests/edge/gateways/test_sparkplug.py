"""The gateway as a host application on a real broker, with an independent edge node: npm's `sparkplug-client`."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from broker.contract.events import StateChange
from broker.contract.message import Publication
from broker.mqtt.session import Session
from broker.server.embedded import EmbeddedBroker
from tests.edge import sparkplug_peers
from tests.edge.gateways.running import gateway, listening

pytestmark = [pytest.mark.mosquitto, pytest.mark.javascript]

Until = Callable[[Callable[[], object]], Awaitable[None]]

ROOT = Path(__file__).resolve().parents[3]
MILL = "plant/works/cell-1/mill"
METRICS = [
    {"name": "Spindle/Load", "alias": 1, "type": "Double", "value": 1.5},
    {"name": "Offset", "alias": 2, "type": "Int32", "value": -12},
    {"name": "State", "alias": 3, "type": "String", "value": "Execute"},
]


@pytest.mark.slow
async def test_an_independent_edge_node_is_a_machine_and_its_losses_are_found(tmp_path: Path, until: Until) -> None:
    sparkplug_peers.require_node_peers()
    async with (
        asyncio.timeout(120),
        EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as broker,
        listening(broker.url) as received,
        gateway(broker.url, tmp_path / "data") as process,
    ):
        await until(lambda: received.states() == [True])
        async with sparkplug_peers.edge(broker.url, "works", "cell-1", "mill", METRICS) as edge:
            await until(
                lambda: received.values("offset") and any(isinstance(one, StateChange) for one in received.events)
            )
            assert received.online() == [True]
            assert {event.asset for event in received.events} == {MILL}
            assert (received.values("spindle-load"), received.values("offset")) == ([1.5], [-12])
            assert [one.state for one in received.events if isinstance(one, StateChange)] == ["running"]

            await edge.ask(data=[{"name": "Offset", "alias": 2, "type": "Int32", "value": -13}])
            await until(lambda: received.values("offset") == [-12, -13])

            await edge.ask(lose=1)
            await edge.ask(data=[{"name": "Spindle/Load", "alias": 1, "type": "Double", "value": 2.5}])
            assert await edge.until("ncmd") == [["Node Control/Rebirth", True]]
            await until(lambda: len(received.values("offset")) == 3)
            assert received.online() == [True]
            assert received.asked() == 1

            compressed = {"compress": True, "algorithm": "GZIP"}
            await edge.ask(data=[{"name": "Offset", "alias": 2, "type": "Int32", "value": 7}], options=compressed)
            await until(lambda: received.values("offset")[-1] == 7)

            await edge.ask(vanish=True)
            await until(lambda: received.online()[:2] == [True, False])
            await until(lambda: received.online() == [True, False, True])  # the package connects again by itself
        process.terminate()
        assert await process.wait() == 0
        await until(lambda: received.states() == [True, False])


async def test_h2_to_h5_the_hosts_state_follows_its_connection(tmp_path: Path, until: Until) -> None:
    async with (
        asyncio.timeout(120),
        EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as broker,
        listening(broker.url) as received,
    ):
        async with gateway(broker.url, tmp_path / "data") as process:
            await until(lambda: received.states() == [True])
            birth = received.foreign[0]
            offline = birth.payload.replace(b"true", b"false")
            async with Session(broker.url, client_id="other") as other:
                await other.publish(Publication(birth.topic, offline, qos=1, retain=True))
            await until(lambda: received.states() == [True, False, True])
            assert received.foreign[2].payload == birth.payload
            process.kill()
            await process.wait()
            await until(lambda: received.states() == [True, False, True, False])
            assert received.foreign[3].payload == offline
        async with Session(broker.url, client_id="late", filters=[birth.topic]) as late:
            batch = await anext(late.batches())
            assert [(one.payload, one.retained) for one in batch.messages] == [(offline, True)]


@pytest.mark.slow
async def test_h1_the_hosts_session_is_clean(tmp_path: Path, until: Until) -> None:
    packets: list[bytes] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        packets.append(await reader.read(1_000))
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.timeout(120), server, gateway(f"mqtt://127.0.0.1:{port}", tmp_path):
        await until(lambda: packets)
    begin = packets[0].index(b"MQTT") + len(b"MQTT")
    level, flags = packets[0][begin], packets[0][begin + 1]
    properties = packets[0][begin + 5 : begin + 5 + packets[0][begin + 4]]
    assert (level, flags & 0b10) == (5, 0b10)  # clean start
    assert flags & 0b111100 == 0b101100  # a will of QoS 1 that is retained
    assert b"\x11" not in properties or properties[properties.index(b"\x11") + 1 :][:4] == bytes(4)  # expiry
