"""The lines that people copy from the page are run, and mean what the page says."""

import asyncio
import json
import re
import shlex
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import pytest

from broker.contract.codec import decode
from broker.contract.events import AnyEvent, Sample
from broker.contract.message import Message
from broker.server.embedded import EmbeddedBroker
from cli.onboarding.instructions import Login, of_the_contract
from tests.examples.cutting import assert_known_again_after_a_cut

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "docs/how-to/plug-in-a-device.md"
PAGE = FILE.read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
SHELL = [text for language, text in BLOCKS if language == "sh"]
PUBLISH = [text for text in SHELL if "mosquitto_pub" in text]


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[EmbeddedBroker]:
    async with EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as running:
        yield running


async def received(client: aiomqtt.Client, count: int) -> list[AnyEvent]:
    """Decode the next messages; each must be of the contract."""
    events: list[AnyEvent] = []
    for _ in range(count):
        message = await anext(client.messages)
        events += decode(Message(str(message.topic), bytes(message.payload), received_at=time.time_ns()))
    return events


@pytest.mark.mosquitto
async def test_every_line_that_publishes_means_an_event_and_what_stands_is_retained(broker: EmbeddedBroker) -> None:
    lines = [line for text in PUBLISH for line in text.splitlines() if not line.startswith("./corridor")]
    script = "\n".join(lines).replace("1883", str(broker.port))
    assert "-p 1883" in "".join(lines)
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.subscribe("corridor/v1/#", qos=1)
        process = await asyncio.create_subprocess_exec("/bin/sh", "-ec", script)
        assert await process.wait() == 0
        messages = sum(line.startswith(("mosquitto_pub ", "lathe ")) for line in lines)
        kinds = {event.kind for event in await received(client, messages)}
    assert kinds >= {"state", "status", "job", "count", "telemetry", "meter", "event", "quality"}
    async with aiomqtt.Client("127.0.0.1", broker.port) as late:
        await late.subscribe("corridor/v1/#", qos=1)
        assert {event.kind for event in await received(late, 5)} == {"state", "status", "job", "count"}  # of two lathes


async def test_check_says_what_the_page_shows() -> None:
    (line,) = [line for text in SHELL for line in text.splitlines() if line.startswith("./corridor check ")]
    command = shlex.split(line)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "cli.main", *command[1:], stderr=PIPE, env={"PYTHONPATH": str(ROOT)}
    )
    _, err = await process.communicate()
    assert process.returncode == 1
    shown = "".join(f"    {line}\n" for line in err.decode().splitlines())
    assert shown in PAGE


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_the_python_device_runs_and_is_known_again_after_a_lost_connection(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    text = next(text for language, text in BLOCKS if language == "python" and "paho" in text)
    script = tmp_path / "device.py"

    def command(port: int) -> list[str]:
        script.write_text(text.replace("1883", str(port)))
        return [sys.executable, str(script)]

    await assert_known_again_after_a_cut(broker, "my-site/shop/line-1/lathe-3", command)


@pytest.mark.mosquitto
async def test_the_mapping_translates_what_another_system_publishes(broker: EmbeddedBroker, tmp_path: Path) -> None:
    text = next(text for language, text in BLOCKS if language == "python" and "iotgateway" in text)
    script = tmp_path / "mapping.py"
    script.write_text(text.replace("1883", str(broker.port)))
    tags = [
        {"id": "Channel1.Lathe.SpindleTemp", "v": 41.5, "q": True, "t": time.time_ns() // 1_000_000},
        {"id": "Channel1.Lathe.Load", "v": 0, "q": False, "t": time.time_ns() // 1_000_000},
        {"id": "Channel1.Lathe.Other", "v": 7, "q": True, "t": 0},
    ]
    foreign = json.dumps({"timestamp": 0, "values": tags})
    async with aiomqtt.Client("127.0.0.1", broker.port) as client, asyncio.timeout(20):
        await client.publish("iotgateway", foreign, retain=True)  # it waits for who subscribes
        await client.subscribe("corridor/v1/#", qos=1)
        process = await asyncio.create_subprocess_exec(sys.executable, str(script))
        try:
            sample, notice = await received(client, 2)
        finally:
            process.kill()
            await process.wait()
    assert isinstance(sample, Sample)
    assert (sample.asset, sample.signal, sample.value) == ("my-site/shop/line-1/lathe-4", "spindle-temperature", 41.5)
    assert (notice.kind, notice.series) == ("event", "bad-spindle-load")


def test_the_micropython_device_is_python() -> None:
    text = next(text for language, text in BLOCKS if language == "python" and "umqtt" in text)
    imports = re.findall(r"^(?:import|from) ([a-z]+)", text, re.MULTILINE)
    assert compile(text, str(FILE), "exec").co_names
    assert set(imports) <= {
        "json",
        "machine",
        "network",
        "time",
        "umqtt",
    }  # what a board has, and what the page installs


def test_the_node_red_flow_can_be_imported() -> None:
    nodes = {node["id"]: node for node in json.loads(next(text for language, text in BLOCKS if language == "json"))}
    assert len(nodes) == 8
    for node in nodes.values():
        assert all(target in nodes for wire in node.get("wires", []) for target in wire)
        assert nodes[node["z"]]["type"] == "tab" if "z" in node else True


TOPICS = re.findall(r"corridor/v1/my-site/[a-z0-9/-]*", PAGE)
ASSETS = re.findall(r'ASSET(?: =)? b?"(corridor/v1/[^"]+)"', PAGE)
ENDS = re.findall(r'ASSET \+ b"(/[^"]+)"|ASSET "(/[^"]+)"|\{ASSET\}(/[^"]+)"', PAGE)


def test_every_topic_on_the_page_is_one_of_the_contract() -> None:
    whole = [topic for topic in TOPICS if topic.count("/") > 5]
    assert len(whole) > 10
    assert {asset.count("/") for asset in ASSETS} == {5}
    for topic in whole + [ASSETS[0] + "".join(end) for end in ENDS]:
        kind = topic.split("/")[6]
        payload = {"state": "running", "status": "online", "telemetry": '{"value":1}'}.get(kind)
        if payload and (kind != "telemetry" or topic.count("/") == 7):
            assert decode(Message(topic, payload.encode(), received_at=time.time_ns()))


def test_programs_and_flow_are_those_that_the_command_line_and_the_wall_show() -> None:
    shown = [text.rstrip() for _, text in BLOCKS]
    board = Login("192.168.1.20", 1883, "corridor", "PASSWORD")
    here = Login("127.0.0.1", 1883)
    wanted = [("Python", "lathe-3", here), ("MicroPython", "oven-1", board), ("Arduino", "pump-1", board)]
    for name, machine, login in [*wanted, ("Node-RED", "chiller-1", board)]:
        texts = of_the_contract(f"my-site/shop/line-1/{machine}", login).items()
        assert next(text for title, text in texts if title.startswith(name)) in shown, name
