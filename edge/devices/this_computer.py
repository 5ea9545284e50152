"""This computer as a machine of the shop floor: the one real device that every user has.

Each second it publishes what it can measure; it is `running` while its processor is busy, else `idle`, and reports its
electricity where that can be measured. It is `online` while this runs; if the connection breaks, the broker publishes
`offline` for it (the MQTT will). All values are measured.
"""

import asyncio
import contextlib
import platform
import re
import time
from collections.abc import Callable, Iterable
from typing import Final

import aiomqtt

from broker.backoff import Backoff
from broker.contract.codec import encode
from broker.contract.events import AnyEvent, Meter, Sample, State, StateChange, Status
from broker.mqtt import address
from broker.mqtt.address import Address, SessionError
from edge.devices.sensors import Reading, Sensors

PERIOD_S: Final = 1.0
METER_EVERY: Final = 10
"""Readings from one meter message to the next."""

RUNNING_FROM: Final = 30.0
"""From this load on, percent, the processor counts as busy …"""
IDLE_BELOW: Final = 15.0
"""… and below this one as idle; between the two the state does not change."""
STEADY: Final = 3
"""How many readings in a row change the state."""

FIRST_PAUSE_S: Final = 0.5
LEAVE_S: Final = 0.5

Announce = Callable[[str], None]


class Work:
    """Derives the computer's state from its load, with hysteresis, so that it does not flicker."""

    def __init__(self) -> None:
        self.state: State | None = None
        self._others = 0

    def update(self, load: float) -> bool:
        """Add a reading of the load, percent; return whether the state changed."""
        if self.state is None:
            self.state = "running" if load >= RUNNING_FROM else "idle"
            return True
        contrary = load < IDLE_BELOW if self.state == "running" else load >= RUNNING_FROM
        self._others = self._others + 1 if contrary else 0
        if self._others < STEADY:
            return False
        self.state, self._others = ("idle" if self.state == "running" else "running"), 0
        return True


class Computer:
    """Makes events of the contract from readings.

    Args:
        asset: its asset path.
    """

    def __init__(self, asset: str) -> None:
        self.asset = asset
        self._work = Work()
        self._current_state: StateChange | None = None
        self._readings = 0

    def online(self, at: int) -> list[AnyEvent]:
        """Return what is published after connecting: online, and the state if it is known."""
        status = Status(asset=self.asset, at=at, online=True)
        return [status] if self._current_state is None else [status, self._current_state]

    def will(self) -> Status:
        """Return the MQTT will: offline, at the time of receipt, since the time is not known in advance."""
        return Status(asset=self.asset, at=0, time_source="receipt", online=False)

    def offline(self, at: int) -> Status:
        """Return what is published last."""
        return Status(asset=self.asset, at=at, online=False)

    def events(self, reading: Reading, at: int) -> list[AnyEvent]:
        """Return the events of a reading: samples, a change of state, and now and then the meter."""
        found: list[AnyEvent] = [
            Sample(asset=self.asset, at=at, signal=signal, value=value, unit=unit)
            for signal, (value, unit) in reading.signals.items()
        ]
        if self._work.update(reading.load):
            assert self._work.state is not None
            self._current_state = StateChange(asset=self.asset, at=at, state=self._work.state)
            found.append(self._current_state)
        if reading.energy_kwh is not None and self._readings % METER_EVERY == 0:
            total = round(reading.energy_kwh, 9)
            found.append(Meter(asset=self.asset, at=at, name="electricity", total=total, unit="kW.h"))
        self._readings += 1
        return found


def slug(name: str) -> str:
    """Return a name in the contract's alphabet: `Anna's MacBook.local` becomes `anna-s-macbook`."""
    return re.sub(r"[^a-z0-9]+", "-", name.partition(".")[0].lower()).strip("-")[:32].rstrip("-") or "computer"


def own_name() -> str:
    """Return this computer's name in the contract's alphabet."""
    return slug(platform.node())


async def publish_this_computer(url: str, asset: str, announce: Announce) -> None:
    """Publish what this computer measures, until cancelled; it then reports the computer offline.

    A lost connection is made again; readings of the time between are not published late.

    Args:
        url: the broker, as in `mqtt://user:password@host:1883`.
        asset: the computer's asset path.
        announce: called with a line for the user when the connection changes.

    Raises:
        SessionError: the first connection fails: no broker listens, or it rejects this client.
    """
    at, computer, sensors = address.parse(url), Computer(asset), Sensors()
    backoff, was_online = Backoff(FIRST_PAUSE_S), False
    while True:
        try:
            async with _client(at, computer) as client:
                announce(f"{asset} is online at {at}")
                backoff.reset()
                was_online = True
                await _publish(client, computer, sensors)
        except aiomqtt.MqttError as error:
            if not was_online:
                raise SessionError(
                    f"cannot connect to a broker at {at} ({error}); start it, or give its right address"
                ) from error
            pause_s = backoff.next_s()
            announce(f"the broker at {at} is lost ({error}), trying again in {pause_s:.1f} s")
            await asyncio.sleep(pause_s)


def _client(at: Address, computer: Computer) -> aiomqtt.Client:
    will = encode(computer.will())
    return aiomqtt.Client(
        at.host,
        at.port,
        username=at.user,
        password=at.password,
        identifier=f"corridor-{computer.asset.replace('/', '-')}",
        keepalive=5,
        tls_context=at.tls,
        will=aiomqtt.Will(will.topic, will.payload, qos=1, retain=True),
    )


async def _publish(client: aiomqtt.Client, computer: Computer, sensors: Sensors) -> None:
    clock = asyncio.get_running_loop()
    try:
        await _emit(client, computer.online(time.time_ns()))
        due_s = clock.time()
        while True:
            _stop_if_cancelled()
            due_s = max(due_s + PERIOD_S, clock.time())
            await asyncio.sleep(due_s - clock.time())
            reading = await asyncio.to_thread(sensors.read)  # a disk or a sensor may be slow to answer
            await _emit(client, computer.events(reading, time.time_ns()))
    except asyncio.CancelledError:
        with contextlib.suppress(TimeoutError, aiomqtt.MqttError):
            async with asyncio.timeout(LEAVE_S):
                await _emit(client, [computer.offline(time.time_ns())])
        raise


async def _emit(client: aiomqtt.Client, events: Iterable[AnyEvent]) -> None:
    for event in events:
        message = encode(event)
        await client.publish(message.topic, message.payload, qos=1, retain=message.retained)


def _stop_if_cancelled() -> None:
    """Raise a cancellation that was lost.

    aiomqtt waits with `asyncio.wait_for`, which before Python 3.12 loses one that comes with what it waits for.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
