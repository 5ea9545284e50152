"""The three ways to connect a PLC are walked as printed, against servers of Modbus and OPC UA of other projects."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest

from broker.contract.codec import decode
from broker.contract.message import Message
from tests.docs.printed import Block, Shell, blocks
from tests.edge.gateways import opcua_server, test_modbus
from tests.stack.running import ROOT

PAGE = "docs/how-to/connect-a-plc.md"
TEXT = (ROOT / PAGE).read_text("utf-8")
LINE = "my-site/hall/line-1"
WANTED = {
    "opcua": {"mill-4": {"state", "count", "meter", "telemetry", "status"}},
    "modbus": {"press-5": {"state", "count", "telemetry", "status"}},
    "json": {"cell-6": {"state", "count", "telemetry"}},
}
SECTIONS = {"opcua": "## By OPC UA", "modbus": "## By Modbus TCP", "json": "## By MQTT and JSON"}


def section(way: str) -> str:
    return TEXT.split(SECTIONS[way])[1].split("\n## ")[0]


def files(way: str, replaced: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the file that a section has the reader save: its name and its text."""
    names = re.findall(r"[Ss]ave (?:it )?as `(\S+)`", section(way))
    texts = re.findall(r"^```toml\n(.*?)^```", section(way), re.DOTALL | re.MULTILINE)
    for name, text in zip(names, texts, strict=True):
        for old, new in replaced.items():
            assert old in text
            text = text.replace(old, new)  # noqa: PLW2901  (it is the same text)
        yield name, text


async def walk(folder: Path, way: str, replaced: dict[str, str]) -> None:
    """Run a section's blocks in order, and wait for what the page promises."""
    for name, text in files(way, replaced):
        (folder / name).write_text(text, "utf-8")
    async with Shell(folder, replaced) as shell:
        await shell.run("./corridor demo --no-simulator")
        ((machine, kinds),) = WANTED[way].items()
        async with aiomqtt.Client("127.0.0.1", shell.mqtt_port) as client:
            await client.subscribe(f"corridor/v1/{LINE}/{machine}/#", qos=1)  # first: what does not change is sent once
            for block in blocks(PAGE, section(way)):
                await shell.run(block.text)
                if "map try" in block.text:
                    assert len(shell.printed.strip().splitlines()) == 3
            missing = set(kinds)
            async for message in client.messages:
                for event in decode(Message(str(message.topic), bytes(message.payload), received_at=time.time_ns())):
                    missing.discard(event.kind)
                if not missing:
                    break
        if way == "opcua":
            assert "s=PartCount" in (folder / "found.toml").read_text("utf-8")


@pytest.fixture(autouse=True)
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORRIDOR_PEER_FOLDER", str(tmp_path / "peer"))


@pytest.mark.javascript
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_opc_ua_as_printed(tmp_path: Path) -> None:
    async with opcua_server.server() as device:
        port = await device.until("port")
        await walk(tmp_path, "opcua", {"192.168.0.20:4840": f"127.0.0.1:{port}"})


@pytest.mark.javascript
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_modbus_as_printed(tmp_path: Path) -> None:
    async with test_modbus.server() as device:
        port = await device.until("port")
        await device.ask(holding={"100": 415, "200": 1}, input={"0": 0, "1": 12})
        await walk(tmp_path, "modbus", {"192.168.0.17:502": f"127.0.0.1:{port}"})


@pytest.mark.mosquitto
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_mqtt_and_json_as_printed(tmp_path: Path) -> None:
    await walk(tmp_path, "json", {})


def test_every_block_of_the_page_is_in_one_of_the_ways() -> None:
    walked: list[Block] = [block for way in SECTIONS for block in blocks(PAGE, section(way))]
    assert [block for block in blocks(PAGE, TEXT) if block not in walked] == [Block(PAGE, "./corridor demo\n")]
