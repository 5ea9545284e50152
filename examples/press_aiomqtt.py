"""A press that speaks Corridor's contract and obeys a command, with aiomqtt.

    pip install aiomqtt
    python press_aiomqtt.py [HOST [PORT [USER PASSWORD]]]

`cmd/set-pace` with `{"id": "1", "args": {"seconds": 2}}` sets its pace; it answers on `reply/set-pace`.
"""

import asyncio
import contextlib
import json
import sys
import time

import aiomqtt

ASSET = "corridor/v1/my-site/shop/line-1/press-1"  # site, area, line, machine


class Press:
    """The press: makes a piece each `pace_s` seconds. What it counted outlives a connection."""

    def __init__(self) -> None:
        self.client: aiomqtt.Client
        self.pace_s = 1.0
        self.pieces = 0

    async def serve(self, client: aiomqtt.Client) -> None:
        """Work and obey over one connection, until it is lost or Ctrl-C."""
        self.client = client
        # After each connection, also a second one: the last will has published "offline".
        await client.publish(f"{ASSET}/status", "online", qos=1, retain=True)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.work())
                group.create_task(self.obey())
        except asyncio.CancelledError:
            await client.publish(f"{ASSET}/status", "offline", qos=1, retain=True)
            raise

    async def emit(self, kind: str, retain: bool = False, **payload: object) -> None:
        """Publish one message of the contract, with the time at which it was so."""
        message = {"ts": time.time_ns() // 1_000_000, **payload, "simulated": True}
        await self.client.publish(f"{ASSET}/{kind}", json.dumps(message), qos=1, retain=retain)

    async def work(self) -> None:
        """Make pieces."""
        await self.emit("state", retain=True, state="running")
        while not was_cancelled():
            await self.emit("count", retain=True, produced=self.pieces, good=self.pieces)  # cumulative
            await asyncio.sleep(self.pace_s)
            self.pieces += 1

    async def obey(self) -> None:
        """Do as commands ask, and answer each with its id."""
        await self.client.subscribe(f"{ASSET}/cmd/set-pace", qos=1)
        if was_cancelled():
            return
        async for message in self.client.messages:
            try:
                command = json.loads(message.payload)
                call, self.pace_s = command["id"], max(0.1, float(command["args"]["seconds"]))
            except (ValueError, TypeError, KeyError):
                continue  # not a command; `corridor check` says why
            await self.emit("reply/set-pace", id=call, ok=True)
            if was_cancelled():
                return


def was_cancelled() -> bool:
    """Whether this task is to end: before Python 3.12 a cancellation that comes just as a publish is done gets lost."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def main() -> None:
    """Connect, again after each loss, and work until Ctrl-C."""
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 1883
    user, password = sys.argv[3:5] if len(sys.argv) > 4 else (None, None)
    will = aiomqtt.Will(
        f"{ASSET}/status", "offline", qos=1, retain=True
    )  # the broker publishes it if the connection is lost
    press = Press()
    while True:
        try:
            async with aiomqtt.Client(
                host, port, identifier="press-1", username=user, password=password, will=will, keepalive=10
            ) as client:
                await press.serve(client)
        except* aiomqtt.MqttError as lost:
            print(f"no connection to {host}:{port}, trying again: {lost.exceptions[0]}")
        await asyncio.sleep(1)


with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
    asyncio.run(main())
