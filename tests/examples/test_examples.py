"""The examples run against a real broker, and all that they say is of the contract."""

import asyncio
import json
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import pytest

from broker.contract.codec import decode
from broker.contract.events import AnyEvent, Count, Reply, Sample, StateChange, Status
from broker.contract.message import Message
from broker.server.embedded import EmbeddedBroker
from tests.examples.cutting import assert_known_again_after_a_cut

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
pytestmark = pytest.mark.mosquitto


@pytest.fixture(params=[(), ("corridor", "pass word")], ids=["open", "with-password"])
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[EmbeddedBroker, list[str]]]:
    """A broker, and what follows the name of an example's file to reach it."""
    user, password = request.param or (None, None)
    async with EmbeddedBroker(tmp_path, port=0, kind="mosquitto", user=user, password=password) as running:
        yield running, ["127.0.0.1", str(running.port), *request.param]


@asynccontextmanager
async def running(name: str, arguments: list[str]) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(sys.executable, str(EXAMPLES / name), *arguments, stderr=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        _, err = await process.communicate()
        assert err == b""


@asynccontextmanager
async def listening(arguments: list[str]) -> AsyncIterator[aiomqtt.Client]:
    host, port, user, password = [*arguments, None, None][:4]
    assert host
    assert port
    async with aiomqtt.Client(host, int(port), username=user, password=password) as client:
        await client.subscribe("corridor/v1/#", qos=1)
        yield client


async def received(client: aiomqtt.Client, *wanted: type[AnyEvent]) -> list[AnyEvent]:
    """Decode messages until each wanted kind of event has come; each must be of the contract."""
    events: list[AnyEvent] = []
    missing = set(wanted)
    while missing:
        message = await anext(client.messages)
        if "/cmd/" in str(message.topic):
            continue
        events += decode(Message(str(message.topic), bytes(message.payload), received_at=time.time_ns()))
        missing -= {type(event) for event in events}
    return events


@pytest.mark.parametrize("name", ["lathe_paho.py", "press_aiomqtt.py"])
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
async def test_an_example_is_a_machine_until_it_goes_offline(
    broker: tuple[EmbeddedBroker, list[str]], name: str, ending: signal.Signals
) -> None:
    async with listening(broker[1]) as client, running(name, broker[1]) as process:
        events = await received(client, Status, StateChange, Count, *([Sample] if "lathe" in name else []))
        assert [event.online for event in events if isinstance(event, Status)] == [True]
        assert all(event.simulated for event in events if not isinstance(event, Status))
        process.send_signal(ending)
        assert [event.online for event in await received(client, Status) if isinstance(event, Status)] == [False]
        await process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lathe_paho.py", "press_aiomqtt.py"])
async def test_an_example_is_known_again_after_a_lost_connection(
    broker: tuple[EmbeddedBroker, list[str]], name: str
) -> None:
    machine = f"my-site/shop/line-1/{name.partition('_')[0]}-1"
    host, _, *login = broker[1]

    def command(port: int) -> list[str]:
        return [sys.executable, str(EXAMPLES / name), host, str(port), *login]

    await assert_known_again_after_a_cut(broker[0], machine, command, tuple(login))


async def test_the_press_obeys_and_answers(broker: tuple[EmbeddedBroker, list[str]]) -> None:
    asset = "corridor/v1/my-site/shop/line-1/press-1"
    async with listening(broker[1]) as client, running("press_aiomqtt.py", broker[1]):
        await received(client, Count)
        await client.publish(f"{asset}/cmd/set-pace", "not JSON", qos=1)
        command = json.dumps({"id": "7", "args": {"seconds": 0.1}})
        while True:  # until the press listens, nobody answers
            await client.publish(f"{asset}/cmd/set-pace", command, qos=1)
            try:
                async with asyncio.timeout(0.5):
                    replies = await received(client, Reply)
                    break
            except TimeoutError:
                continue
    (reply,) = [event for event in replies if isinstance(event, Reply)]
    assert (reply.id, reply.ok) == ("7", True)
