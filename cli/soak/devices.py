"""The devices of a soak: each message is known by its number, and so is whether the broker has acknowledged it.

What a device sends as its n-th message follows from device, number and time alone. So the record of what was sent is
small (eight bytes of time and one of acknowledgement for each message), and the verdict can make each message again.
"""

import asyncio
import time
from array import array
from collections.abc import Iterator, Sequence
from typing import Final

from broker.contract.codec import decode, encode
from broker.contract.events import (
    NS_PER_MS,
    NS_PER_S,
    STATES,
    Adjust,
    AnyEvent,
    Command,
    Count,
    Job,
    Labour,
    Material,
    Measurement,
    Meter,
    Notice,
    Part,
    Reply,
    Sample,
    StateChange,
    Status,
)
from broker.contract.instants import format_rfc3339
from broker.contract.message import Message
from broker.mqtt.session import Publication, Session, SessionError

TICK_S: Final = 0.05
_AGAIN_S: Final = 0.2
_OF_A_SESSION: Final = 25
_SIGNALS: Final = 4
_CYCLE: Final = (
    *("telemetry", "telemetry", "count", "telemetry", "telemetry", "values", "state", "telemetry", "meter", "series"),
    *("telemetry", "job", "count", "telemetry", "quality", "telemetry", "labour", "telemetry", "count", "material"),
    *("telemetry", "text", "event", "telemetry", "status", "telemetry", "state", "count", "telemetry", "meter"),
    *("telemetry", "cmd", "telemetry", "reply", "count", "telemetry", "truth", "adjust", "quality", "part"),
)
"""What a device sends, again and again: every kind of the contract, most often what machines send most often."""


class Device:
    """A device and the record of what it has sent.

    Args:
        number: which of the devices it is.

    Attributes:
        asset: its asset path.
        clock_off_ns: how far its clock is ahead.
        sent_at: the time in each message, by the message's number.
        acknowledged: 1 for each message that the broker has acknowledged.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.asset = f"soak/area-{number // 50}/line-{number // 10 % 5}/machine-{number}"
        self.clock_off_ns = 0
        self.sent_at = array("q")
        self.acknowledged = bytearray()

    def next(self) -> Message:
        """Make the next message, and note that it is sent."""
        n = len(self.sent_at)
        # No two messages of a device have one time, wherever its clock steps: their numbers stand in the last digits.
        at = (time.time_ns() + self.clock_off_ns) // NS_PER_MS * NS_PER_MS + n % NS_PER_MS
        self.sent_at.append(at)
        self.acknowledged.append(0)
        return self.message(n)

    def message(self, n: int) -> Message:
        """Make the n-th message (again)."""
        at, what = self.sent_at[n], _CYCLE[(n + self.number) % len(_CYCLE)]
        if what == "values":
            values = ",".join(f'"signal-{k}":{n + k}' for k in range(_SIGNALS))
            payload = f'{{"ts":{_wire(at)},"values":{{{values}}}}}'
            return Message(f"{_root(self.asset)}/telemetry", payload.encode(), received_at=at)
        if what == "series":
            payload = f'{{"ts":{_wire(at)},"dt":0.1,"values":[{n},{n + 0.5},{n + 0.25}]}}'
            return Message(f"{_root(self.asset)}/telemetry/vibration", payload.encode(), received_at=at)
        return encode(self._event(n, at, what))

    def events(self, n: int) -> list[AnyEvent]:
        """Return what the n-th message means."""
        return decode(self.message(n))

    def _event(self, n: int, at: int, what: str) -> AnyEvent:  # noqa: PLR0911, PLR0912  (a case for each kind)
        asset = self.asset
        match what:
            case "text":
                return Sample(asset=asset, at=at, signal="program", value=f"o{n}")
            case "truth":
                return Sample(asset=asset, at=at, signal="door", value=n % 2 == 0)
            case "count":
                return Count(asset=asset, at=at, produced=n, good=n - n // 50, scrap=n // 50)
            case "state":
                reason = f"reason-{n % 7}" if n % 3 else ""
                return StateChange(asset=asset, at=at, state=STATES[n // 3 % len(STATES)], reason=reason)
            case "job":
                return Job(asset=asset, at=at, phase="start", order=f"wo-{n}", product=f"part-{n % 5}", ideal_cycle=1.5)
            case "meter":
                return Meter(asset=asset, at=at, name="electricity", total=n / 8, unit="kW.h")
            case "quality":
                return Measurement(
                    asset=asset, at=at, characteristic="bore", value=n / 4, lower=1, upper=9, part=f"b-{n}"
                )
            case "labour":
                return Labour(asset=asset, at=at, present=n % 9, working=n % 3)
            case "material":
                return Material(asset=asset, at=at, name="aluminium", consumed=n / 2, stock=n, unit="kg")
            case "event":
                return Notice(asset=asset, at=at, code="e-204", severity="alarm", text=f"number {n}", active=n % 2 == 0)
            case "status":
                # An offline counts from when the services have it, which a device does not know: none is sent.
                return Status(asset=asset, at=at, online=True)
            case "part":
                return Part(asset=asset, at=at, part=f"b-{n}", result="good", seconds=n / 2, material=f"m-{n // 50}")
            case "adjust":
                return Adjust(asset=asset, at=at, id=f"b-{n}", good=-1, scrap=1, booked=format_rfc3339(at))
            case "cmd":
                return Command(asset=asset, at=at, name="reset", id=f"c-{n}", args=f'{{"n":{n}}}')
            case "reply":
                return Reply(asset=asset, at=at, name="reset", id=f"c-{n - 2}", ok=n % 2 == 0, result=str(n))
            case _:
                return Sample(asset=asset, at=at, signal=f"signal-{n % _SIGNALS}", value=n)


class Fleet:
    """Devices, publishing at a rate that all of them share.

    Args:
        devices: all.
        url: of the broker, as they reach it.
        rate: messages a second.

    Attributes:
        sent: messages that were published.
        acknowledged: those that the broker has acknowledged.
    """

    def __init__(self, devices: Sequence[Device], url: str, rate: float) -> None:
        self.devices = devices
        self.sent = self.acknowledged = 0
        self._url, self._rate = url, rate
        self._open = asyncio.Event()
        self._open.set()
        self._stopped = False
        self._busy: set[str] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    async def publish(self) -> None:
        """Publish until `stop`, and until the broker has acknowledged all of it."""
        async with asyncio.TaskGroup() as group:
            for first in range(0, len(self.devices), _OF_A_SESSION):
                group.create_task(self._speak(f"soak-{first}", self.devices[first : first + _OF_A_SESSION]))

    def stop(self) -> None:
        """Publish no more."""
        self._stopped = True
        self._open.set()

    async def pause(self) -> None:
        """Publish no more for a while; return when the broker has acknowledged what was published."""
        self._open.clear()
        await self._idle.wait()

    def resume(self) -> None:
        """Go on."""
        self._open.set()

    async def _speak(self, name: str, devices: Sequence[Device]) -> None:
        turns = _turns(devices)
        rate = self._rate * len(devices) / len(self.devices)
        loop = asyncio.get_running_loop()
        async with await _entered(self._url, name) as session:
            due, before = 0.0, loop.time()
            while not self._stopped:
                await asyncio.sleep(TICK_S)
                await self._open.wait()
                # What the broker did not take in time is not made up for: that would be another load.
                due, before = due + rate * min(loop.time() - before, 2 * TICK_S), loop.time()
                burst = [next(turns) for _ in range(int(due))]
                due -= len(burst)
                self._busy.add(name)
                self._idle.clear()
                await self._send(session, burst)
                self._busy.discard(name)
                if not self._busy:
                    self._idle.set()

    async def _send(self, session: Session, devices: Sequence[Device]) -> None:
        numbers = [(device, len(device.sent_at), device.next()) for device in devices]
        self.sent += len(numbers)
        await session.publish(*(Publication(one.topic, one.payload, retain=one.retained) for _, _, one in numbers))
        for device, n, _ in numbers:
            device.acknowledged[n] = 1
        self.acknowledged += len(numbers)


def _turns(devices: Sequence[Device]) -> Iterator[Device]:
    while True:
        yield from devices


async def _entered(url: str, name: str) -> "_Entered":
    """Connect, as often as it takes: a broker may be away just then."""
    while True:
        session = Session(url, client_id=name)
        try:
            await session.__aenter__()
        except SessionError:
            await asyncio.sleep(_AGAIN_S)
        else:
            return _Entered(session)


class _Entered:
    """A session that has been entered already."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def __aenter__(self) -> Session:
        return self._session

    async def __aexit__(self, *what: object) -> None:
        await self._session.__aexit__(*what)  # type: ignore[arg-type]  # they are what `async with` hands over


def _root(asset: str) -> str:
    return f"corridor/v1/{asset}"


def _wire(at: int) -> str:
    """Return a time as JSON, to the nanosecond."""
    seconds, rest = divmod(at, NS_PER_S)
    return f'"{time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))}.{rest:09d}Z"'
