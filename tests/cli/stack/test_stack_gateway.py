"""The stack's gateway with what `.env` may set: its environment is that of docker-compose.yml, its brokers are real."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from broker.server.embedded import EmbeddedBroker
from tests.edge.gateways.mtconnect_agent import FakeAgent

ROOT = Path(__file__).resolve().parents[3]
SERVICE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]["gateway"]


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return the gateway's environment, as compose fills it in from `.env`; a variable that is not there is empty."""

    def filled(found: re.Match[str]) -> str:
        name, otherwise, default = found.groups()
        if name in env and (env[name] or otherwise == "-"):
            return env[name]
        return default if otherwise in {"-", ":-"} else "given"

    return {
        name: re.sub(r"\$\{(\w+)(:?[-?])?([^}]*)\}", filled, str(text)) for name, text in SERVICE["environment"].items()
    }


@asynccontextmanager
async def gateway(folder: Path, target: str, env: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    own = environment(env) | {"CORRIDOR_BROKER": target, "CORRIDOR_DATA": str(folder), "CORRIDOR_HEALTH_PORT": ""}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "cli.main", *SERVICE["command"].split()),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **own},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def printed(process: asyncio.subprocess.Process, words: str) -> None:
    assert process.stderr is not None
    seen = b""
    async with asyncio.timeout(100):
        while line := await process.stderr.readline():
            seen += line
            if words in line.decode():
                return
    raise AssertionError(seen.decode())


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_it_asks_the_agents_that_are_set(tmp_path: Path) -> None:
    agents = FakeAgent(), FakeAgent()
    async with agents[0], agents[1], EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as broker:
        urls = " ".join(f"http://127.0.0.1:{agent.port}" for agent in agents)
        env = {
            "CORRIDOR_GATEWAY_DIALECT": "mtconnect",
            "CORRIDOR_GATEWAY_AGENT": urls,
            "CORRIDOR_GATEWAY_SET": "every=2s",
            "CORRIDOR_PLANT": "",
        }
        async with gateway(tmp_path / "data", broker.url, env) as process:
            await printed(process, "the devices to")
            async with asyncio.timeout(60):
                while not all(agent.asked for agent in agents):  # noqa: ASYNC110  (an agent has no event)
                    await asyncio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_it_announces_to_home_assistant_if_that_is_set(tmp_path: Path) -> None:
    async with (
        EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as broker,
        EmbeddedBroker(tmp_path / "home", port=0, kind="mosquitto") as home,
    ):
        env = {
            "CORRIDOR_GATEWAY_DIALECT": "homeassistant",
            "CORRIDOR_GATEWAY_SOURCE": home.url,
            "CORRIDOR_GATEWAY_ANNOUNCE": "true",
            "CORRIDOR_PLANT": str(ROOT / "edge" / "simulation" / "plants" / "corridor.toml"),
        }
        async with gateway(tmp_path / "data", broker.url, env) as process:
            await printed(process, f"announced to Home Assistant: 127.0.0.1:{broker.port} to 127.0.0.1:{home.port}")


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_without_them_it_reads_a_broker_of_the_devices(tmp_path: Path) -> None:
    async with (
        EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as broker,
        EmbeddedBroker(tmp_path / "devices", port=0, kind="mosquitto") as devices,
    ):
        env = {
            "CORRIDOR_GATEWAY_DIALECT": "mtconnect shelly",
            "CORRIDOR_GATEWAY_SOURCE": devices.url,
            "CORRIDOR_GATEWAY_MACHINE": "plug-7=a/b/c/press plug-8=a/b/c/mill",
            "CORRIDOR_PLANT": "",
        }
        async with gateway(tmp_path / "data", broker.url, env) as process:
            await printed(process, f"127.0.0.1:{devices.port} to 127.0.0.1:{broker.port}")
