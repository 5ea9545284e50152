"""`stack check`, on a real Mosquitto with the stack's users and rights and our services as processes of their own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from cli.stack import parts as stack_parts
from cli.stack.check import PARTS, Finding, examine
from cli.stack.env_file import EnvFile
from cli.stack.parts import Places
from cli.stack.stack import SECRETS, SETTINGS
from tests.broker.server.test_mosquitto_stack import Broker
from tests.stack.running import ROOT, free_port

pytestmark = pytest.mark.mosquitto

ASKED = tuple(part for part in PARTS if part.name not in {"containers", "grafana"})


def places(folder: Path, broker: int = 1, wall: int = 1, **settings: str) -> Places:
    """Return where the parts are; every user's password is its name."""
    file = EnvFile(folder / ".env")
    for name in (*SETTINGS, *SECRETS):
        file.set(name, name.rpartition("_")[2].lower())
    for name, value in settings.items():
        file.set(name, value)
    reported = {"broker": f"mqtt://127.0.0.1:{broker}", "store": f"sqlite:///{folder / 'corridor.db'}"}
    return Places.of(file, reported | {"wall": f"http://127.0.0.1:{wall}"})


async def findings(where: Places) -> dict[str, Finding]:
    reported: list[Finding] = []
    found = await examine(ASKED, where, reported.append)
    assert reported == found
    return {finding.part: finding for finding in found}


@asynccontextmanager
async def service(folder: Path, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "cli.main", *words, "--store", f"sqlite:///{folder / 'corridor.db'}"),
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def listening(port: int) -> None:
    async with asyncio.timeout(30), httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(f"http://127.0.0.1:{port}/healthz")).json()["broker_connected"]:
                    return
            except httpx.HTTPError:
                await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_each_part_is_found_to_work_or_to_be_at_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    broker = Broker(tmp_path)
    broker.let_in([])
    async with AsyncExitStack() as running, broker.running():
        at = {user: broker.url(user) for user in ("ingest", "kpi", "wall")}
        ingest = await running.enter_async_context(service(tmp_path, "ingest", "--broker", at["ingest"]))
        kpi = await running.enter_async_context(service(tmp_path, "kpi", "serve", "--broker", at["kpi"]))
        words = ("wall", "--broker", at["wall"], "--port", str(port), "--password", "password")
        wall = await running.enter_async_context(service(tmp_path, *words))
        await listening(port)
        where = places(tmp_path, broker.port, port)
        found = await findings(where)
        assert {part: finding.current_state for part, finding in found.items()} == dict.fromkeys(found, "ok"), found
        assert list(found) == ["settings", "broker", "store", "ingest", "ledger", "wall"]

        monkeypatch.setattr(stack_parts, "INGEST_S", 1.0)
        monkeypatch.setattr(stack_parts, "LEDGER_S", 1.0)
        for process in (ingest, kpi, wall):
            process.terminate()
            await process.wait()
        found = await findings(where)
        assert [part for part, finding in found.items() if finding.current_state == "fault"] == [
            "ingest",
            "ledger",
            "wall",
        ]
        assert found["ingest"].hint == "docker compose logs --tail 20 ingest"
        assert "cannot be reached" in found["wall"].reported

        found = await findings(places(tmp_path, broker.port, port, CORRIDOR_MQTT_PASSWORD_PROBE="another"))
        assert found["broker"].reported == "the broker rejects the user probe: Not authorized"
        assert found["ingest"].current_state == "left out"
        assert found["ingest"].reported == "not tested: broker does not work"


async def test_without_a_broker_or_secrets_it_says_so(tmp_path: Path) -> None:
    found = await findings(places(tmp_path))
    assert found["broker"].current_state == "fault"
    assert found["broker"].reported.startswith("the broker at mqtt://127.0.0.1:1 cannot be reached")
    found = await findings(Places.of(EnvFile(tmp_path / "none" / ".env"), {}))
    assert found["settings"].hint == "./corridor stack init"
    assert {finding.current_state for part, finding in found.items() if part != "settings"} == {"left out"}


async def test_what_is_missing_is_named(tmp_path: Path) -> None:
    found = await findings(places(tmp_path, CORRIDOR_WALL_PASSWORD=""))
    assert found["settings"].reported == f"{tmp_path / '.env'} lacks CORRIDOR_WALL_PASSWORD"
