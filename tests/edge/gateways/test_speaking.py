"""Simulated machines that speak a dialect, and the gateway that reads it, both as users run them on a real broker."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from broker.contract.events import Meter, Sample, StateChange, Status
from broker.contract.message import Publication
from broker.contract.topics import PREFIX
from broker.mqtt.session import Session
from broker.plant import plant_file
from broker.server.embedded import EmbeddedBroker
from cli.invocation.errors import CommandError
from cli.running.services import run_simulator
from edge.gateways.native import publication
from edge.gateways.speaking import Speaking
from edge.simulation.clock import FastClock
from edge.simulation.simulator import Simulator
from tests.edge.gateways.running import ROOT, Received

Until = Callable[[Callable[[], object]], Awaitable[None]]

MILL, LATHE = "a/b/c/mill", "a/b/c/lathe"
DIALECT_OF = {"a/b/c/mill": "packml", "a/b/d/mill": "mtconnect", "a/b/e/mill": "shelly"}
PLANT = """
[asset."a/b/c"]
dialect = "packml"
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


class Collected:
    """Takes what is published."""

    def __init__(self) -> None:
        self.topics: list[str] = []

    async def publish(self, *publications: Publication) -> None:
        self.topics += [one.topic for one in publications]


async def test_machines_without_a_dialect_publish_their_own_messages() -> None:
    taken = Collected()
    speaking = Speaking(lambda asset: "packml" if asset == MILL else "", taken, lambda: 1)
    states = [StateChange(asset=asset, at=1, state="running") for asset in (MILL, LATHE)]
    await speaking.publish(*map(publication, states))
    assert taken.topics == [
        f"{MILL}/Status/StateCurrentStr",
        f"{MILL}/Status/UnitModeCurrentStr",
        f"{PREFIX}/{LATHE}/state",
    ]


async def test_a_dialect_that_nothing_speaks_is_rejected_with_those_there_are() -> None:
    plant = plant_file.parse(PLANT.replace("packml", "umati"), "test")
    with pytest.raises(CommandError, match=r"a/b/c/mill is to speak 'umati'; write .* or dialect = .packml"):
        await run_simulator("mqtt://127.0.0.1:1", Simulator(plant), FastClock(0, 1))


@contextlib.asynccontextmanager
async def program(*command: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "cli.main", *command), env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


def plant_of_all() -> str:
    """Return a plant of three lines, whose machines each publish in another dialect."""
    head, _, line = PLANT.partition("[simulate.line")
    lines = [f"[simulate.line{line}".replace("a/b/c", asset.rpartition("/")[0]) for asset in DIALECT_OF]
    dialects = [f'[asset."{asset}"]\ndialect = "{dialect}"' for asset, dialect in DIALECT_OF.items()]
    return "\n".join([*dialects, "[simulate]", head.partition("[simulate]")[2], *lines])


@pytest.mark.mosquitto
@pytest.mark.slow
async def test_simulated_machines_come_back_through_the_gateway_without_a_setting(tmp_path: Path, until: Until) -> None:
    plant = tmp_path / "plant.toml"
    plant.write_text(plant_of_all(), "utf-8")
    async with (
        asyncio.timeout(150),
        EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as broker,
        Session(broker.url, client_id="listener", filters=[f"{PREFIX}/#", f"{MILL}/#"]) as session,
    ):
        received = Received(session)
        listening = asyncio.create_task(received.listen())
        where = ("--broker", broker.url, "--data")
        async with (
            program("gateway", *DIALECT_OF.values(), *where, str(tmp_path / "gateway")),
            program("simulate", *where, str(tmp_path / "simulator"), "--plant", str(plant)),
        ):
            await until(
                lambda: (
                    {(type(event), event.asset.split("/")[2]) for event in received.events}
                    >= {
                        (StateChange, "c"),
                        (Sample, "c"),
                        (StateChange, "d"),
                        (Sample, "d"),
                        (Status, "e"),
                        (Meter, "e"),
                    }
                )
            )
        listening.cancel()
        assert {event.asset for event in received.events} == DIALECT_OF.keys()
        assert any(message.topic.endswith("/StateCurrentStr") for message in received.foreign)
