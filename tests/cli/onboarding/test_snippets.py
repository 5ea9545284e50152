"""The lines that are shown to who connects a device, run by what they are meant for.

Node-RED is a real one, with a real broker; the shell's and Python's lines are run in `test_device_add.py`. The program
of MicroPython is run by its real interpreter, where network and MQTT library of a board are stand-ins. No library of
Arduino can be had where the tests run: the sketch is only compiled, against declarations of what it uses.
"""

import asyncio
import json
import shutil
import socket
import subprocess
import time
from pathlib import Path

import aiomqtt
import httpx
import pytest

from broker.contract.codec import decode
from broker.contract.events import AnyEvent, Count
from broker.contract.message import Message
from broker.plant.plant_file import parse
from broker.server.credentials import registrar as credentials
from broker.server.credentials.password_files import PasswordFiles
from broker.server.embedded import EmbeddedBroker
from cli.onboarding.instructions import Login, of_the_contract
from services.kpi.ledger_writer import LedgerWriter
from services.query.answers import answer
from services.store.opening import open_store
from tests.edge import peers

HERE = Path(__file__).parents[1]
ROBOT = "york/barn/line-1/robot-9"
PATIENCE_S = 120
SETTINGS = "module.exports = { uiHost: '127.0.0.1', uiPort: %d, flowFile: 'flows.json', credentialSecret: 'test' };"


def snippet(name: str, login: Login) -> str:
    return next(text for title, text in of_the_contract(ROBOT, login).items() if title.startswith(name))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def deploy(port: int, flow: str) -> None:
    """Import a flow and deploy it, as the editor does."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as editor, asyncio.timeout(PATIENCE_S):
        while True:
            try:
                answered = await editor.post("/flows", json=json.loads(flow), timeout=30)
            except httpx.TransportError:
                await asyncio.sleep(0.2)  # it is starting
            else:
                if answered.status_code != 404:
                    break
                await asyncio.sleep(0.2)
    assert answered.status_code == 204, answered.text


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_a_real_node_red_takes_the_flow_and_its_machine_has_an_oee(tmp_path: Path) -> None:
    folder = HERE / "node_red_peer"
    peers.require(folder, "node-red")
    async with EmbeddedBroker(
        tmp_path / "broker", port=0, user="corridor", password="word", kind="mosquitto"
    ) as broker:
        password = await credentials.add(PasswordFiles(tmp_path / "broker"), ROBOT)
        port = free_port()
        (tmp_path / "settings.js").write_text(SETTINGS % port)
        program = [
            str(folder / "node_modules/node-red/red.js"),
            "-u",
            str(tmp_path),
            "-s",
            str(tmp_path / "settings.js"),
        ]
        node_red = await asyncio.create_subprocess_exec("node", *program, stdout=subprocess.DEVNULL)
        try:
            await deploy(port, snippet("Node-RED", Login("127.0.0.1", broker.port, ROBOT, password)))
            events = await received(broker, pieces=4)
        finally:
            node_red.kill()
            await node_red.wait()
    assert {event.asset for event in events} == {ROBOT}
    assert {event.kind for event in events} == {"status", "job", "state", "count", "telemetry"}
    plant = parse("", "test.toml")
    store = await open_store(f"sqlite:///{tmp_path}/store.db")
    await LedgerWriter(store, plant, time.time_ns).store_events(events)
    start, end = min(event.at for event in events), events[-1].at
    found = await answer(store, plant, ROBOT, start, end, now=end)
    await store.close()
    assert found.indicators["oee"] is not None
    assert 0 < found.indicators["oee"] < 2


async def received(broker: EmbeddedBroker, pieces: int) -> list[AnyEvent]:
    """Return what a device publishes until it has made some pieces."""
    events: list[AnyEvent] = []
    async with (
        aiomqtt.Client("127.0.0.1", broker.port, username="corridor", password="word") as listener,
        asyncio.timeout(PATIENCE_S),
    ):
        await listener.subscribe(f"corridor/v1/{ROBOT}/#", qos=1)
        while not (events and isinstance(events[-1], Count) and (events[-1].produced or 0) >= pieces):
            message = await anext(listener.messages)
            events += decode(Message(str(message.topic), bytes(message.payload), received_at=time.time_ns()))
    return events


def test_the_interpreter_of_micropython_runs_the_program_with_stand_ins_for_network_and_mqtt() -> None:
    folder = HERE / "micropython_peer"
    peers.require(folder, "@micropython/micropython-webassembly-pyscript")
    text = snippet("MicroPython", Login("localhost", 1884, ROBOT, "secret", "192.168.1.20"))
    ran = subprocess.run(
        ["node", str(folder / "run.mjs")], input=text, capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )
    lines = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    assert lines[0] == {
        "client": "york-barn-line-1-robot-9", "server": "192.168.1.20", "port": 1884,
        "user": ROBOT, "password": "secret", "keepalive": 10,
    }  # fmt: skip
    assert lines[1] == {"will": f"corridor/v1/{ROBOT}/status", "payload": "offline", "retain": True}
    sent = [line for line in lines if "topic" in line]
    for connection in (2, 3):
        mine = [line for line in sent if line["connection"] == connection]
        kinds = [
            event.kind
            for line in mine
            for event in decode(Message(line["topic"], line["payload"].encode(), received_at=time.time_ns()))
        ]
        assert kinds[:5] == ["status", "job", "state", "telemetry", "count"], "again after a lost connection"
        assert {line["qos"] for line in mine} == {1}
    produced = [json.loads(line["payload"])["produced"] for line in sent if line["topic"].endswith("/count")]
    assert produced == sorted(produced)
    assert produced[-1] > 0
    assert "the broker rejects the connection: 5" in ran.stdout


DECLARED = """
#include <cstdio>
typedef unsigned char byte;
enum { WL_CONNECTED = 3 };
void delay(unsigned long);
int analogRead(unsigned char);
struct Out { void begin(unsigned long); void print(const char*); void println(int); };
extern Out Serial;
"""
WIFI = """
#pragma once
struct Radio { int begin(const char*, const char*); int status(); };
extern Radio WiFi;
struct Client {};
struct WiFiClient : Client {};
"""
PUBSUB = """
#pragma once
#include <cstdint>
struct PubSubClient {
  PubSubClient(Client&);
  PubSubClient& setServer(const char*, uint16_t);
  PubSubClient& setKeepAlive(uint16_t);
  bool setBufferSize(uint16_t);
  bool connected();
  bool loop();
  int state();
  bool connect(const char* id, const char* user, const char* pass, const char* willTopic, uint8_t willQos,
               bool willRetain, const char* willMessage);
  bool publish(const char*, const char*);
  bool publish(const char*, const char*, bool);
};
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
@pytest.mark.parametrize("login", [Login("192.168.1.20", 1883), Login("192.168.1.20", 1883, ROBOT, "secret")])
def test_the_sketch_for_arduino_compiles_against_declarations_of_what_it_uses(tmp_path: Path, login: Login) -> None:
    for name, text in (("WiFi.h", WIFI), ("PubSubClient.h", PUBSUB), ("Arduino.h", DECLARED)):
        (tmp_path / name).write_text(text)
    (tmp_path / "sketch.cpp").write_text('#include "Arduino.h"\n' + snippet("Arduino", login))
    command = ["g++", "-std=c++17", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", f"-I{tmp_path}", "sketch.cpp"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
