import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aiomqtt
import pytest

from broker.contract.codec import decode
from broker.contract.events import NS_PER_S, AnyEvent, Meter, Sample, StateChange, Status
from broker.contract.message import Message
from broker.contract.names import is_name
from broker.server.embedded import EmbeddedBroker
from edge.devices.sensors import Reading
from edge.devices.this_computer import Computer, Work, own_name, slug

ROOT = Path(__file__).resolve().parents[3]
DESK = "office/it/desk/tester"
NOW = 1_795_507_200 * NS_PER_S


def reading(load: float, energy_kwh: float | None = None) -> Reading:
    return Reading(load, {"cpu-load": (load, "%")}, energy_kwh)


def test_a_state_needs_a_steady_load_beyond_the_gap() -> None:
    work = Work()
    states = []
    for load in [20, 100, 100, 20, 40, 40, 40, 20, 20, 20, 20, 10, 10, 10, 10]:
        work.update(load)
        states.append(work.state)
    assert states == ["idle"] * 6 + ["running"] * 7 + ["idle"] * 2


def test_only_a_change_of_state_is_published() -> None:
    computer = Computer(DESK)
    published = [event for load in [90] * 5 + [5] * 5 for event in computer.events(reading(load), NOW)]
    assert [event.state for event in published if isinstance(event, StateChange)] == ["running", "idle"]


def test_electricity_is_published_now_and_then_where_it_is_measured() -> None:
    computer = Computer(DESK)
    known = [event for n in range(20) for event in computer.events(reading(5, n / 10), NOW)]
    assert [event.total for event in known if isinstance(event, Meter)] == [0.0, 1.0]
    assert not [event for event in computer.events(reading(5), NOW) if isinstance(event, Meter)]


def test_after_a_lost_connection_it_publishes_its_state_again() -> None:
    computer = Computer(DESK)
    assert computer.online(NOW) == [Status(asset=DESK, at=NOW, online=True)]
    computer.events(reading(90), NOW)
    assert computer.online(NOW + 5) == [
        Status(asset=DESK, at=NOW + 5, online=True),
        StateChange(asset=DESK, at=NOW, state="running"),
    ]


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("desk-7", "desk-7"),
        ("Annas-MacBook.local", "annas-macbook"),
        ("WIN_PC 3", "win-pc-3"),
        ("x" * 60, "x" * 32),
        ("a" * 31 + "_b", "a" * 31),
        ("", "computer"),
        ("ä", "computer"),
    ],
)
def test_a_hosts_name_becomes_a_name_of_the_contract(host: str, name: str) -> None:
    assert slug(host) == name
    assert is_name(slug(host))
    assert is_name(own_name())


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[EmbeddedBroker]:
    async with EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as running:
        yield running


async def start(url: str, *arguments: str) -> Process:
    command = [sys.executable, "-P", "-m", "cli.main", "device", "this-computer", "--broker", url, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=PIPE, env=environment)


async def received(client: aiomqtt.Client, seen: list[AnyEvent], *wanted: type[AnyEvent]) -> None:
    """Decode messages until an event of each wanted type has come."""
    missing = set(wanted)
    async for message in client.messages:
        assert isinstance(message.payload, bytes)
        events = decode(Message(str(message.topic), message.payload, received_at=time.time_ns()))
        seen += events
        missing -= {type(event) for event in events}
        if not missing:
            return


@pytest.mark.slow
@pytest.mark.mosquitto
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_this_computer_is_a_machine_until_it_goes_offline(broker: EmbeddedBroker, ending: signal.Signals) -> None:
    at = urlsplit(broker.url)
    assert at.hostname
    seen: list[AnyEvent] = []
    async with aiomqtt.Client(at.hostname, broker.port) as client:
        await client.subscribe("corridor/v1/#", qos=1)
        process = await start(broker.url, "--name", "tester")
        try:
            await received(client, seen, Status, Sample, StateChange)
            assert all(event.asset == DESK and not event.simulated for event in seen)
            assert [event.online for event in seen if isinstance(event, Status)] == [True]
            assert {"cpu-load", "memory-used"} <= {event.signal for event in seen if isinstance(event, Sample)}
            process.send_signal(ending)
            seen.clear()
            await received(client, seen, Status)
            assert [event.online for event in seen if isinstance(event, Status)] == [False]
            _, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()
    if ending is not signal.SIGKILL:
        assert process.returncode == 0
        assert err.decode().splitlines() == [f"{DESK} is online at 127.0.0.1:{broker.port}", f"{DESK} is offline"]
    async with aiomqtt.Client(at.hostname, broker.port) as late:
        await late.subscribe(f"corridor/v1/{DESK}/status", qos=1)
        assert b"offline" in bytes((await anext(late.messages)).payload)


@pytest.mark.parametrize(
    ("arguments", "says", "status"),
    [
        (["--broker", "mqtt://127.0.0.1:9"], "cannot connect to a broker at 127.0.0.1:9", 1),
        (["--broker", "http://127.0.0.1"], "the broker's URL begins with 'http'", 1),
        (["--name", "My Desk"], "machine 'My Desk' is not a name", 1),
        (["--asset", "office/it"], "office/it is not a machine's path", 2),
    ],
)
async def test_what_cannot_work_is_one_clear_line(arguments: list[str], says: str, status: int) -> None:
    process = await start("mqtt://127.0.0.1:9", *arguments)
    _, err = await process.communicate()
    assert says in err.decode()
    assert "Traceback" not in err.decode()
    assert process.returncode == status
