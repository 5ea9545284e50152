"""A device's program behind a relay that cuts its connection: does the wall know it again?"""

import asyncio
import time
from collections.abc import Callable

import aiomqtt

from broker.contract.message import Message
from broker.server.embedded import EmbeddedBroker
from services.wall.live.live_state import LiveState
from tests.broker.conftest import Relay


async def assert_known_again_after_a_cut(
    broker: EmbeddedBroker, machine: str, command: Callable[[int], list[str]], login: tuple[str, ...] = ()
) -> None:
    """Run a program as a device, cut its connection, and wait until its machine is known again and goes on.

    Args:
        broker: to which it publishes, through the relay.
        machine: the path of its machine.
        command: the program and its arguments, for the relay's port.
        login: user and password of the broker, if it asks.
    """
    live_state = LiveState()
    user, password = login or (None, None)
    async with (
        Relay(broker.port) as relay,
        aiomqtt.Client("127.0.0.1", broker.port, username=user, password=password) as listener,
    ):
        await listener.subscribe("corridor/v1/#", qos=1)

        async def receive() -> str:
            message = await anext(listener.messages)
            assert message.qos == 1, f"{message.topic} came at QoS {message.qos}"
            live_state.receive(Message(str(message.topic), bytes(message.payload), received_at=time.time_ns()))
            return str(message.topic).removeprefix(f"corridor/v1/{machine}/").partition("/")[0]

        async def until(is_known: bool) -> None:
            while True:
                kind = await receive()
                current_state = live_state.current_state(machine)
                known = current_state is not None and current_state.state != "unknown"
                # What flows is received, too: telemetry, or counts where there is none.
                if known == is_known and (not is_known or kind in {"telemetry", "count"}):
                    return

        process = await asyncio.create_subprocess_exec(*command(int(relay.url.rpartition(":")[2])))
        try:
            await until(is_known=True)
            relay.cut()
            await until(is_known=False)  # its last will
            await until(is_known=True)
            assert process.returncode is None
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
