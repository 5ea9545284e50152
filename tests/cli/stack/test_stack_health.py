"""The stack's health check, as docker-compose.yml has it, against a real service beside a real broker."""

import asyncio
import os
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from broker.server.embedded import EmbeddedBroker
from tests.stack.running import free_port

ROOT = Path(__file__).resolve().parents[3]
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
OURS = ["ingest", "kpi", "wall", "simulator", "gateway"]


async def check(name: str, port: int) -> tuple[int, str]:
    """Run a service's health check; return its exit status, and what it says."""
    kind, python, *arguments = SERVICES[name]["healthcheck"]["test"]
    assert (kind, python) == ("CMD", "python")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        env={"CORRIDOR_HEALTH_PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


@pytest.mark.slow
async def test_a_service_is_healthy_until_its_broker_is_away(tmp_path: Path) -> None:
    port = free_port()
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(EmbeddedBroker(tmp_path / "broker", port=0))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "cli.main", *SERVICES["ingest"]["command"].split()),
            cwd=ROOT,
            env=os.environ
            | {"PYTHONPATH": str(ROOT), "CORRIDOR_BROKER": broker.url, "CORRIDOR_DATA": str(tmp_path)}
            | {"CORRIDOR_HEALTH_PORT": str(port)},
            stderr=subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(40):
                while (await check("ingest", port))[0] != 0:  # noqa: ASYNC110  (it has no event)
                    await asyncio.sleep(0.1)
                await stack.aclose()
                problem = ""
                while "the broker is not connected" not in problem:
                    status, problem = await check("ingest", port)
                assert status == 1
        finally:
            process.kill()
            await process.wait()


def test_every_service_is_asked_at_the_port_on_which_it_answers() -> None:
    for name in OURS:
        service = SERVICES[name]
        assert service["healthcheck"]["test"] == SERVICES["ingest"]["healthcheck"]["test"], name
        has_own_port = "CORRIDOR_HEALTH_PORT" in service["environment"]
        assert has_own_port == (name != "wall"), name
    assert "8080" in " ".join(SERVICES["wall"]["healthcheck"]["test"])
    assert SERVICES["wall"]["ports"][0].endswith(":8080")
