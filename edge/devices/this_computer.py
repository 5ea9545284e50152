"""This computer as a machine of the shop floor: the first real device that everybody has.

Each second it publishes what it can measure; it is `running` while its processor works and `idle` while it does not,
and tells its electricity where that is known. It is `online` while this runs, and the broker says `offline` for it if
it vanishes. Nothing is made up.
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
"""Percent of the processor's load from which it counts as working …"""
IDLE_BELOW: Final = 15.0
"""… and below which it no longer does; between the two it stays what it was."""
STEADY: Final = 3
"""Readings in a row that it takes to change."""

FIRST_PAUSE_S: Final = 0.5
FAREWELL_S: Final = 0.5

Announce = Callable[[str], None]


class Work:
    """Whether the computer works, from its load: with a gap between on and off, so that it does not flicker."""

    def __init__(self) -> None:
        self.state: State | None = None
        self._others = 0

    def judge(self, load: float) -> bool:
        """Take in a load, percent; return whether the state is another than before."""
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
    """Makes the events of the contract from readings.

    Args:
        asset: its asset path.
    """

    def __init__(self, asset: str) -> None:
        self.asset = asset
        self._work = Work()
        self._current_state: StateChange | None = None
        self._readings = 0

    def online(self, at: int) -> list[AnyEvent]:
        """Return what is said after connecting: that it is there, and its state if that is known."""
        status = Status(asset=self.asset, at=at, online=True)
        return [status] if self._current_state is None else [status, self._current_state]

    def will(self) -> Status:
        """Return what the broker says for it when it vanishes: the time is not known in advance."""
        return Status(asset=self.asset, at=0, time_source="receipt", online=False)

    def offline(self, at: int) -> Status:
        """Return what it says last."""
        return Status(asset=self.asset, at=at, online=False)

    def events(self, reading: Reading, at: int) -> list[AnyEvent]:
        """Return what is said of a reading."""
        reported_state: list[AnyEvent] = [
            Sample(asset=self.asset, at=at, signal=signal, value=value, unit=unit)
            for signal, (value, unit) in reading.signals.items()
        ]
        if self._work.judge(reading.load):
            assert self._work.state is not None
            self._current_state = StateChange(asset=self.asset, at=at, state=self._work.state)
            reported_state.append(self._current_state)
        if reading.energy_kwh is not None and self._readings % METER_EVERY == 0:
            total = round(reading.energy_kwh, 9)
            reported_state.append(Meter(asset=self.asset, at=at, name="electricity", total=total, unit="kW.h"))
        self._readings += 1
        return reported_state


def slug(name: str) -> str:
    """Return a name in the contract's alphabet: `Anna's MacBook.local` becomes `anna-s-macbook`."""
    return re.sub(r"[^a-z0-9]+", "-", name.partition(".")[0].lower()).strip("-")[:32].rstrip("-") or "computer"


def own_name() -> str:
    """Return this computer's name in the contract's alphabet."""
    return slug(platform.node())


async def publish_this_computer(url: str, asset: str, announce: Announce) -> None:
    """Publish what this computer measures, until cancelled; it then says that it is offline.

    A connection that is lost is made anew; what could not be said meanwhile is not said late.

    Args:
        url: the broker, as in `mqtt://user:password@host:1883`.
        asset: the computer's asset path.
        announce: is told, in a line, of what goes on.

    Raises:
        SessionError: there is no broker at first, or it refuses us.
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
                    f"no broker takes us at {at} ({error}); start it, or give its right address"
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
        await _say(client, computer.online(time.time_ns()))
        due_s = clock.time()
        while True:
            _stop_if_cancelled()
            due_s = max(due_s + PERIOD_S, clock.time())
            await asyncio.sleep(due_s - clock.time())
            reading = await asyncio.to_thread(sensors.read)  # a disk or a sensor may be slow to answer
            await _say(client, computer.events(reading, time.time_ns()))
    except asyncio.CancelledError:
        with contextlib.suppress(TimeoutError, aiomqtt.MqttError):
            async with asyncio.timeout(FAREWELL_S):
                await _say(client, [computer.offline(time.time_ns())])
        raise


async def _say(client: aiomqtt.Client, events: Iterable[AnyEvent]) -> None:
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
