"""Gateways run as programs: an MTConnect agent is asked, and machines are announced to Home Assistant and removed."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker.contract.message import Message, Publication
from broker.mqtt.session import Session
from broker.server.embedded import EmbeddedBroker
from tests.cli.conftest import Corridor
from tests.edge.gateways.mtconnect_agent import FakeAgent

ROOT = Path(__file__).resolve().parents[3]
PLANT = '[asset."works/hall/line-1/mill-4"]\ntitle = "铣床 4"\n'


@contextlib.asynccontextmanager
async def program(data: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    command = [sys.executable, "-P", "-m", "cli.main", "gateway", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "CORRIDOR_DATA": str(data)}
    process = await asyncio.create_subprocess_exec(*command, env=environment, stderr=asyncio.subprocess.PIPE)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()


async def first(session: Session, suffix: str, *, empty: bool = False) -> Message:
    """Return the first message on a topic that ends so."""
    async for batch in session.batches():
        found = [one for one in batch.messages if one.topic.endswith(suffix) and bool(one.payload) != empty]
        batch.acknowledge()
        if found:
            return found[0]
    raise AssertionError("the session ended")


@pytest.mark.slow
async def test_an_agent_that_corridor_toml_names_is_asked(tmp_path: Path) -> None:
    agent = FakeAgent()
    agent.observe("pc", "17")
    async with (
        asyncio.timeout(120),
        EmbeddedBroker(tmp_path / "broker", port=0) as broker,
        agent,
        Session(broker.url, client_id="reader", filters=["corridor/v1/#"]) as session,
    ):
        text = f'[gateway]\ndialect = ["mtconnect"]\nagent = ["{agent.url}"]\nplace = "works/hall/line-1"\n'
        (tmp_path / "corridor.toml").write_text(text)
        async with program(tmp_path, "--to", broker.url):
            found = await first(session, "works/hall/line-1/mill-2/count")
    assert json.loads(found.payload)["produced"] == 17


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_machines_are_announced_by_their_titles_and_removed(tmp_path: Path) -> None:
    plant = tmp_path / "plant.toml"
    plant.write_text(PLANT, encoding="utf-8")
    config = "homeassistant/device/corridor_works_hall_line-1_mill-4/config"
    async with (
        asyncio.timeout(120),
        EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as broker,
        Session(broker.url, client_id="reader", filters=["homeassistant/#"]) as session,
    ):
        await session.publish(Publication("corridor/v1/works/hall/line-1/mill-4/state", b"running", 1, retain=True))
        async with program(tmp_path, "homeassistant", "--announce", "--to", broker.url, "--plant", str(plant)):
            found = await first(session, config)
            async with program(tmp_path, "homeassistant", "--remove", "--to", broker.url) as second:
                assert await second.wait() == 1
        assert json.loads(found.payload)["device"]["name"] == "铣床 4"
        async with program(tmp_path, "homeassistant", "--remove", "--to", broker.url) as removing:
            assert (await first(session, config, empty=True)).topic == config
            assert await removing.wait() == 0


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("tasmota", "--announce"), "--announce is of homeassistant"),
        (("tasmota", "--remove"), "--remove is of homeassistant"),
        (("tasmota", "--agent", "http://h"), "--agent is of mtconnect"),
        (("mtconnect", "--agent", "h:5000", "--to", "mqtt://127.0.0.1:1"), "the agent's address is none"),
    ],
)
def test_an_option_of_another_dialect_is_an_error(corridor: Corridor, arguments: tuple[str, ...], problem: str) -> None:
    status, _, messages = corridor("gateway", *arguments)
    assert status != 0
    assert problem in " ".join(messages.replace("│", " ").split())
