"""The units of systemd: valid by systemd's own check, and the services that they start work together."""

import asyncio
import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import aiomqtt
import httpx
import pytest

from tests.stack.running import ROOT, free_port

FOLDER = ROOT / "deploy" / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
PROGRAM = "/opt/corridor/bin/corridor"


def service(unit: Path) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names of systemd have capitals
    parser.read_string(unit.read_text("utf-8"))
    return parser["Service"]


def test_there_is_a_unit_for_each_service() -> None:
    assert [unit.stem for unit in UNITS] == ["corridor-ingest", "corridor-kpi", "corridor-wall"]


def test_the_units_differ_in_what_they_start_alone() -> None:
    texts = {
        re.sub(r"^(Description|ExecStart)=.*$", r"\1", unit.read_text("utf-8"), flags=re.MULTILINE) for unit in UNITS
    }
    assert len(texts) == 1


@pytest.mark.systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_accepts_a_unit(tmp_path: Path, unit: Path) -> None:
    program = shutil.which("true")
    assert program is not None
    copied = tmp_path / unit.name
    copied.write_text(unit.read_text("utf-8").replace(PROGRAM, program), "utf-8")
    checked = subprocess.run(["systemd-analyze", "verify", str(copied)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    copied.write_text(copied.read_text("utf-8").replace("Restart=always", "Restart=perhaps"), "utf-8")
    checked = subprocess.run(["systemd-analyze", "verify", str(copied)], capture_output=True, text=True, check=False)
    assert "perhaps" in checked.stderr


def settings(data: Path, mqtt_port: int) -> dict[str, str]:
    """Return what the units and their file set, for a broker and a data folder of this test."""
    found = dict(
        line.split("=", 1)
        for line in (FOLDER / "corridor.env").read_text("utf-8").splitlines()
        if re.match("[A-Z]", line)
    )
    found |= dict(pair.split("=", 1) for pair in service(UNITS[0])["Environment"].split())
    assert found["CORRIDOR_DATA"] == "/var/lib/corridor"
    assert found["CORRIDOR_BROKER"] == "mqtt://corridor:PASSWORD@127.0.0.1:1883"
    return found | {"CORRIDOR_DATA": str(data), "CORRIDOR_BROKER": f"mqtt://127.0.0.1:{mqtt_port}"}


@pytest.mark.mosquitto
@pytest.mark.slow
async def test_what_the_units_start_stores_a_message_and_shows_it(tmp_path: Path) -> None:
    ports = {each: free_port() for each in ("1883", "9101", "9102", "8080")}
    environment = os.environ | settings(tmp_path / "data", ports["1883"]) | {"PYTHONPATH": str(ROOT)}
    command = {unit.stem: service(unit)["ExecStart"] for unit in UNITS}
    assert all(line.startswith(f"{PROGRAM} ") for line in command.values())
    running: list[asyncio.subprocess.Process] = []

    async def start(line: list[str]) -> None:
        running.append(await asyncio.create_subprocess_exec(*line, env=environment, cwd=tmp_path))

    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None
    try:
        await start([program, "-p", str(ports["1883"])])
        for line in command.values():
            words = [str(ports.get(word, word)) for word in shlex.split(line)[1:]]
            await start([sys.executable, "-P", "-m", "cli.main", *words])
        async with asyncio.timeout(90), httpx.AsyncClient(auth=("any", "PASSWORD")) as client:
            for port in (ports["9101"], ports["9102"], ports["8080"]):
                await until(client, f"http://127.0.0.1:{port}/healthz", "pass")
            async with aiomqtt.Client("127.0.0.1", ports["1883"]) as device:
                await device.publish("corridor/v1/my/hall/line-1/press-1/state", "running", qos=1)
            await until(client, f"http://127.0.0.1:{ports['8080']}/api/v1/assets", "press-1")
            stored = f"http://127.0.0.1:{ports['8080']}/api/v1/states?asset=my/hall/line-1/press-1&from=now-1h"
            await until(client, stored, "running")
        async with httpx.AsyncClient() as stranger:
            assert (await stranger.get(f"http://127.0.0.1:{ports['8080']}/api/v1/assets")).status_code == 401
    finally:
        for process in reversed(running):
            if process.returncode is None:
                process.terminate()
        await asyncio.gather(*(process.wait() for process in running))


async def until(client: httpx.AsyncClient, address: str, text: str) -> None:
    """Ask until an answer has a text."""
    while True:
        try:
            if text in (await client.get(address)).text:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.2)
