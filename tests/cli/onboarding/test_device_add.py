"""`corridor device add`: what it prints is run against a real broker, and what it waits for is published there."""

import asyncio
import json
import re
import shlex
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiomqtt
import pytest

from broker.contract.codec import decode
from broker.contract.events import NS_PER_MS
from broker.contract.message import Message
from broker.server.accounts import DEMO_USER
from broker.server.embedded import EmbeddedBroker, Kind
from broker.server.running import PID_FILE, write_address
from cli.onboarding.instructions import FORMS, TITLES, Login, of_the_contract
from cli.onboarding.sighting import Sighting
from cli.stack import devices
from cli.stack.env_file import EnvFile
from tests.cli.conftest import Corridor

ROOT = Path(__file__).resolve().parents[3]
ROBOT = "sheffield/assembly/cell-2/robot-9"
TOPIC = f"corridor/v1/{ROBOT}"
NOW = 1_795_507_200_000 * NS_PER_MS
Start = Callable[..., Awaitable[Process]]


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[EmbeddedBroker]:
    async with EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as running:
        yield running


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Start a program; what still runs is ended after the test."""
    async with AsyncExitStack() as stack:

        async def run(*command: str) -> Process:
            environment = {"PYTHONPATH": str(ROOT), "CORRIDOR_DATA": str(tmp_path), "PYTHONUNBUFFERED": "1"}
            process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, env=environment)
            stack.push_async_callback(end, process)
            return process

        yield run


async def end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.communicate()


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "cli.main", *arguments]


async def reported(process: Process, words: str) -> str:
    """Return the line of standard error that has some words, as soon as it is there."""
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while line := (await process.stderr.readline()).decode():
            if words in line:
                return line
    raise AssertionError(f"it ended without {words}")


def sections(out: str) -> dict[str, str]:
    titled = (part.partition("\n") for part in out.split("\n# ")[1:])
    return {title.split()[0].strip(","): text for title, _, text in titled}


def sent(payload: str, topic: str = f"{TOPIC}/telemetry/load", *, retained: bool = False) -> Message:
    return Message(topic=topic, payload=payload.encode(), retained=retained, received_at=NOW)


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_the_lines_to_copy_are_run_and_publish_what_the_contract_has(
    broker: EmbeddedBroker, start: Start
) -> None:
    lines = of_the_contract(ROBOT, Login("127.0.0.1", broker.port))
    async with aiomqtt.Client("127.0.0.1", broker.port) as client, asyncio.timeout(60):
        await client.subscribe("corridor/v1/#", qos=1)
        shell = await start("/bin/sh", "-ec", lines["mosquitto_pub"])
        assert await shell.wait() == 0
        await start(sys.executable, "-c", lines["Python (pip install paho-mqtt)"])
        kinds: list[str] = []
        while kinds[-1:] != ["count"] or kinds.count("job") < 2:
            message = await anext(client.messages)
            came = Message(str(message.topic), bytes(message.payload), received_at=time.time_ns())
            kinds += [event.kind for event in decode(came) if event.asset == ROBOT]
    assert set(kinds) == {"job", "state", "telemetry", "count", "status"}


def test_every_snippet_has_a_login_where_there_is_one_and_none_where_there_is_none() -> None:
    for title, text in of_the_contract(ROBOT, Login("192.168.1.20", 1884, ROBOT, "secret")).items():
        assert "secret" in text, title
        assert text.count("192.168.1.20") == 1, title
        assert "@" not in text, title
    for title, text in of_the_contract(ROBOT, Login("192.168.1.20", 1884)).items():
        assert "USER@" not in text, title
        assert not re.search(r'username|"user"|-u |"credentials"', text), title


def test_what_runs_on_a_board_never_has_the_address_of_this_computer_alone() -> None:
    lines = of_the_contract(ROBOT, Login("localhost", 1883, outside="192.168.1.20"))
    for title, text in lines.items():
        is_board = title.startswith(("MicroPython", "Arduino"))
        assert ("192.168.1.20" in text, "localhost" in text) == (is_board, not is_board)
    for title, text in of_the_contract(ROBOT, Login("127.0.0.1", 1883)).items():
        assert ("127.0.0.1" in text) != title.startswith(("MicroPython", "Arduino"))


def test_without_the_stack_no_credential_is_made_and_it_says_so(corridor: Corridor, tmp_path: Path) -> None:
    status, out, _ = corridor("device", "add", ROBOT, "--folder", str(tmp_path))
    assert status == 0
    assert "No credential is made" in out
    assert " -P " not in out
    assert not (tmp_path / ".env").exists()


def test_in_the_stack_a_device_gets_a_password_once(corridor: Corridor, tmp_path: Path) -> None:
    stack = ("--folder", str(tmp_path))
    corridor("stack", "init", *stack)
    status, out, _ = corridor("device", "add", ROBOT, *stack)
    assert status == 0
    assert "docker compose up -d" in out, "the broker does not run"
    pieces = shlex.split(sections(out)["mosquitto_pub"].splitlines()[0].removeprefix("send() {"))
    password = pieces[pieces.index("-P") + 1]
    assert pieces[pieces.index("-u") + 1] == ROBOT
    assert corridor("device", "list", *stack)[1] == f"{ROBOT}\n"
    stored = devices.read(EnvFile(tmp_path / ".env").values()[devices.DEVICES])[ROBOT]
    assert stored.startswith("$7$")
    assert password not in (tmp_path / ".env").read_text()

    status, again, _ = corridor("device", "add", ROBOT, *stack)
    assert status == 0
    assert password not in again
    assert f"device rotate {ROBOT}" in again
    assert devices.read(EnvFile(tmp_path / ".env").values()[devices.DEVICES])[ROBOT] == stored

    status, rotated, _ = corridor("device", "rotate", ROBOT, *stack)
    assert status == 0
    assert "new password" in rotated
    assert devices.read(EnvFile(tmp_path / ".env").values()[devices.DEVICES])[ROBOT] != stored

    status, _, _ = corridor("device", "remove", ROBOT, *stack)
    assert status == 0
    assert corridor("device", "list", *stack)[1] == ""
    status, _, err = corridor("device", "remove", ROBOT, *stack)
    assert status == 1
    assert "no device has one yet" in err


def test_without_a_broker_that_has_credentials_they_are_not_listed(corridor: Corridor, tmp_path: Path) -> None:
    for words in (["list"], ["remove", ROBOT], ["rotate", ROBOT]):
        status, out, err = corridor("device", *words, "--folder", str(tmp_path), "--data", str(tmp_path))
        assert (status, out) == (1, "")
        assert "demo --host" in err


def test_a_device_of_a_dialect_gets_no_credential_of_the_stack(corridor: Corridor, tmp_path: Path) -> None:
    corridor("stack", "init", "--folder", str(tmp_path))
    before = (tmp_path / ".env").read_text()
    status, out, _ = corridor("device", "add", ROBOT, "--dialect", "shelly", "--folder", str(tmp_path))
    assert (status, (tmp_path / ".env").read_text()) == (0, before)
    assert "No credential is made" in out
    assert "CORRIDOR_GATEWAY_DIALECT=shelly\nCORRIDOR_GATEWAY_PLACE=sheffield/assembly/cell-2" in out


@pytest.mark.parametrize("form", FORMS)
def test_each_form_names_the_broker_and_the_device(corridor: Corridor, tmp_path: Path, form: str) -> None:
    status, out, _ = corridor(
        "device", "add", ROBOT, "--dialect", form, "--broker", "mqtt://ann:word@192.168.1.20:1884",
        "--folder", str(tmp_path),
    )  # fmt: skip
    assert status == 0
    steps = sections(out)["On"]
    assert "`robot-9`" in steps
    assert "192.168.1.20" in steps
    assert "1884" in steps
    assert "User `ann`, password `word`." in steps
    assert f"./corridor gateway {FORMS[form]} --from mqtt://ann:word@192.168.1.20:1884 --to" in sections(out)["The"]


@pytest.mark.parametrize("path", ["sheffield/assembly", "Sheffield/a/b/c", "sheffield/a/b/kpi"])
def test_what_is_no_machine_is_rejected_with_a_hint(corridor: Corridor, path: str) -> None:
    status, out, err = corridor("device", "add", path)
    assert (status, out) == (1, "")
    assert path in err


def test_a_dialect_without_a_form_is_wrong_use(corridor: Corridor) -> None:
    status, out, err = corridor("device", "add", ROBOT, "--dialect", "sparkplug")
    assert (status, out) == (2, "")
    assert "tasmota" in err


@pytest.mark.slow
@pytest.mark.mosquitto
@pytest.mark.parametrize("password", [None, "word"], ids=["open", "password"])
@pytest.mark.parametrize("kind", ["mosquitto", "nats"])
async def test_every_line_has_the_port_of_the_demos_broker(
    corridor: Corridor, tmp_path: Path, kind: Kind, password: str | None
) -> None:
    user = None if password is None else DEMO_USER
    own = EmbeddedBroker(tmp_path / "broker", port=0, user=user, password=password, kind=kind)
    where = ("--folder", str(tmp_path), "--data", str(tmp_path))
    async with own as running:
        _, native, _ = await asyncio.to_thread(corridor, "device", "add", ROBOT, *where)
        _, of_plug, _ = await asyncio.to_thread(corridor, "device", "add", ROBOT, "--dialect", "tasmota", *where)
    assert native.count(str(running.port)) >= len(TITLES)
    assert "1883" not in native
    (line,) = [line for line in of_plug.splitlines() if line.startswith("./corridor gateway")]
    words = shlex.split(line)
    source, target = (words[words.index(option) + 1] for option in ("--from", "--to"))
    assert target.endswith(f"127.0.0.1:{running.port}")
    if kind == "mosquitto" and password:  # it accepts the contract's topics alone
        assert source == "mqtt://HOST:1883"
        assert target == f"mqtt://{DEMO_USER}:$(cat {tmp_path}/password)@127.0.0.1:{running.port}"
    else:
        assert source == target
        assert f"port `{running.port}`" in of_plug


def test_a_broker_that_has_ended_is_not_the_one_to_connect_to(corridor: Corridor, tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    write_address(folder, "127.0.0.1", 1899)
    (folder / PID_FILE).write_text(str(2**22 + 1), "ascii")
    status, out, _ = corridor("device", "add", ROBOT, "--folder", str(tmp_path), "--data", str(tmp_path))
    assert (status, "1899" in out, "1883" in out) == (0, False, True)


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_the_wait_reports_what_is_wrong_and_then_the_signals_and_the_clock(
    broker: EmbeddedBroker, start: Start
) -> None:
    process = await start(*command("device", "add", ROBOT, "--broker", broker.url, "--wait", "--for", "60s"))
    await reported(process, "waits")
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.publish(f"{TOPIC}/state", "Running", qos=1)
        assert "unknown state" in await reported(process, "rejected:")
        assert "running" in await reported(process, "hint:")
        behind = {"ts": time.time_ns() // NS_PER_MS - 40_000, "values": {"load": 1, "speed": 2}}
        await client.publish(f"{TOPIC}/telemetry", json.dumps(behind), qos=1)
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert "first message received: telemetry/load, telemetry/speed\n2 signals, clock 4" in out.decode()
    assert out.decode().endswith(" s behind\n")


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_a_wait_for_nothing_ends_with_1_and_a_hint(broker: EmbeddedBroker, start: Start) -> None:
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.publish(f"{TOPIC}/state", "running", qos=1, retain=True)
    process = await start(*command("device", "add", ROBOT, "--broker", broker.url, "--wait", "--for", "1s"))
    _, err = await process.communicate()
    assert process.returncode == 1
    assert "1 were retained from before" in err.decode()
    assert "hint:" in err.decode()


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_a_device_that_is_set_up_as_printed_comes_through_the_gateway_that_is_printed(
    broker: EmbeddedBroker, start: Start
) -> None:
    process = await start(
        *command("device", "add", ROBOT, "--dialect", "tasmota", "--broker", broker.url, "--wait", "--for", "120s")
    )
    await reported(process, "waits")
    assert process.stdout is not None
    line = ""
    while not line.startswith("./corridor gateway"):
        line = (await process.stdout.readline()).decode()
        assert line
    gateway = await start(*command(*shlex.split(line)[1:]))
    await reported(gateway, "Tasmota:")
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.publish("tele/robot-9/SENSOR", '{"ENERGY":{"Total":6.294,"Power":2635}}', qos=1)
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert "first message received:" in out.decode()
    assert "meter/electricity" in out.decode()


@pytest.mark.parametrize(
    ("payloads", "words"),
    [
        (['{"value":1}'], "1 signal, no clock of its own: the time of receipt counts"),
        (['{"ts":1795507199960,"value":1}'], "1 signal, clock 40 ms behind"),
        (['{"ts":1795507201500,"value":1}'], "1 signal, clock 1.5 s ahead"),
        (['{"ts":1795507190000,"value":1}', '{"ts":1795507199990,"value":1}'], "1 signal, clock 10 ms behind"),
    ],
)
def test_the_clock_is_that_of_the_newest_reading(payloads: list[str], words: str) -> None:
    sighting = Sighting(ROBOT)
    for payload in payloads:
        assert sighting.add(sent(payload)) == []
    assert list(sighting.lines())[1] == words


def test_a_topic_that_is_spelt_otherwise_is_reported_where_it_is_meant() -> None:
    sighting = Sighting(ROBOT)
    for topic, shown in (("Sheffield/Assembly/cell_2/Robot-9/state", True), ("york/a/b/c/State", False)):
        report = json.dumps({"at": 0, "topic": f"corridor/v1/{topic}", "reason": "no name", "base64": "", "bytes": 0})
        assert bool(sighting.add(sent(report, "corridor/v1/$rejected"))) == shown
    assert sighting.first_at is None


def test_the_same_problem_is_reported_once_and_what_was_retained_is_not_the_first_message() -> None:
    sighting = Sighting(ROBOT)
    assert len(sighting.add(sent("Running!", f"{TOPIC}/state"))) == 2
    assert sighting.add(sent("Running!", f"{TOPIC}/state")) == []
    assert sighting.add(sent("21.5", retained=True)) == []
    assert (sighting.first_at, sighting.retained) == (None, 1)
