"""The reference of Sparkplug, Eclipse Tahu, on a real broker: its edge node with our host, its host with our nodes."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from broker.contract.events import Sample, State, StateChange
from broker.server.embedded import EmbeddedBroker
from tests.edge import tahu_peers
from tests.edge.gateways.running import ROOT, gateway, listening
from tests.edge.peers import Program

pytestmark = [pytest.mark.mosquitto, pytest.mark.java, pytest.mark.slow]

Until = Callable[[Callable[[], object]], Awaitable[None]]

METRICS: list[dict[str, Any]] = [
    {"name": "Spindle/Load", "type": "Double", "value": 1.5, "unit": "kW"},
    {"name": "Offset", "type": "Int32", "value": -12},
    {"name": "State", "type": "String", "value": "Execute"},
]
NODE = "a:b/c"
MILL = f"{NODE}/mill"
PLANT = """
[asset."a/b/c"]
dialect = "sparkplug"
[simulate]
seed = 7
profile = "plain"
[simulate.line."a/b/c"]
stages = [["mill"]]
buffers = []
orders = [{ product = "x", pieces = 5 }, { product = "y", pieces = 5 }]
[simulate.machine."a/b/c/mill"]
model = "five-axis-mill"
cell = "robot-assembly"
"""


async def test_tahus_edge_node_is_a_machine_and_its_losses_are_found(tmp_path: Path, until: Until) -> None:
    tahu_peers.require()
    async with (
        asyncio.timeout(150),
        EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as broker,
        listening(broker.url) as received,
        tahu_peers.edge(broker.url, "works", "cell-1", "mill", METRICS, primary="corridor") as edge,
    ):
        await edge.until("connected")
        async with gateway(broker.url, tmp_path / "data") as process:
            assert await edge.until("born") >= 0
            await until(lambda: len(received.events) >= 5)
            kinds = [
                message.topic.split("/")[2 if "/STATE/" not in message.topic else 1] for message in received.foreign
            ]
            assert kinds[:3] == ["STATE", "NBIRTH", "DBIRTH"]  # it has waited for its primary host
            assert {event.asset for event in received.events} == {"plant/works/cell-1/mill"}
            assert (received.values("spindle-load"), received.values("offset"), received.online()) == (
                [1.5],
                [-12],
                [True],
            )
            assert [
                one.unit for one in received.events if isinstance(one, Sample) and one.signal == "spindle-load"
            ] == ["kW"]
            assert [one.state for one in received.events if isinstance(one, StateChange)] == ["running"]

            await edge.ask(data=[{"name": "Spindle/Load", "type": "Double", "value": None}])
            await edge.ask(data=[{"name": "Offset", "type": "Int32", "value": -13}])
            await until(lambda: received.values("offset") == [-12, -13])
            assert received.values("spindle-load") == [1.5]  # null is no value

            await edge.ask(lose=True)
            await edge.ask(data=[{"name": "Spindle/Load", "type": "Double", "value": 2.5}])
            assert await edge.until("ncmd") == ["Node Control/Rebirth", True]
            await until(lambda: received.values("offset") == [-12, -13, -12])
            assert (received.online(), received.asked()) == ([True], 1)

            await edge.ask(dead=True)
            await until(lambda: received.online() == [True, False])

            process.terminate()
            assert await process.wait() == 0
        await until(lambda: "NDEATH" in received.foreign[-1].topic)  # it leaves with its primary host
        assert received.states() == [True, False]


async def test_tahus_host_follows_a_simulated_edge_node_from_birth_to_death(tmp_path: Path) -> None:
    tahu_peers.require()
    plant = tmp_path / "plant.toml"
    plant.write_text(PLANT, "utf-8")
    async with (
        asyncio.timeout(150),
        EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as broker,
        tahu_peers.host(broker.url, "corridor") as host,
    ):
        await host.until("connected")
        command = ("simulate", "--broker", broker.url, "--data", str(tmp_path / "data"), "--plant", str(plant))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "cli.main", *command), env=os.environ | {"PYTHONPATH": str(ROOT)}
        )
        try:
            assert await host.until("nodeBirth") == NODE
            born = await _metrics(host, "birth", until="deviceBirth")
            assert born["Properties/Contract"] == "corridor/v1"
            assert born["state/state"] in get_args(State)
            assert any(name.startswith("telemetry/") for name in born)

            of, name, _, at_ms = await host.until("data")
            assert (of, name.partition("/")[0] in {"telemetry", "meter", "count"}, at_ms > 0) == (MILL, True, True)

            await host.ask(rebirth=NODE)
            assert await host.until("nodeBirth") == NODE
            again = await _metrics(host, "birth", until="deviceBirth")
            assert again.keys() >= born.keys()

            process.terminate()
            assert await host.until("deviceDeath") == MILL
            assert await host.until("nodeDeath") == NODE
            assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _metrics(host: Program, kind: str, *, until: str) -> dict[str, Any]:
    """Return the values of the machine's metrics that are reported, until something else is."""
    found: dict[str, Any] = {}
    while (reported := await host.report()).keys() != {until}:
        of, name, value, _ = reported[kind]
        if of == MILL:
            found[name] = value
    return found
