"""The course of a soak: processes up, devices publishing, faults, then quiet, the verdict, and everything down."""

import asyncio
import math
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final

import httpx

from broker.contract.instants import FOR_EVER
from broker.mqtt.session import Publication, Session, SessionError
from cli.soak.devices import Device, Fleet
from cli.soak.faults import Faults
from cli.soak.outcome import Outcome, Settings
from cli.soak.processes import Part, corridor
from cli.soak.programs import broker_part, free_ports, influxd_part, started
from cli.soak.proxy import Proxy
from cli.soak.verdict import check, is_stored, newest_times
from cli.soak.watch import Lag, Usage
from services.store.influx import address as influx_address
from services.store.influx.setup import Setup
from services.store.interface import Store, StoreError
from services.store.opening import default_url, open_store

DRAIN_S: Final = 180.0
"""How long the store may stand still before it has all that was acknowledged, once nothing is wrong any more."""
LONGEST_DRAIN_S: Final = 1_800.0
"""How long it may take in all, besides the length of the soak; a slow computer drains slowly."""
WALL_S: Final = 120.0
"""How long the wall may take to show every device, in the end; it may have been killed just before."""
_LOOK_S: Final = 0.25
_REPORT_EVERY_S: Final = 5.0
_REDELIVERY_S: Final = 5.0
"""NATS sends what was not acknowledged again after three seconds."""
_PROBE: Final = "soak-probe/area/line/machine"


async def soak(settings: Settings, emit: Callable[[str], None]) -> Outcome:
    """Run a soak; Ctrl-C ends it early, with what there is by then.

    Args:
        settings: what it is to be.
        emit: gets the progress, now and then.

    Raises:
        CommandError: broker or InfluxDB are not installed, or do not start.
    """
    outcome = Outcome(settings)
    async with AsyncExitStack() as stack:
        floor = await stack.enter_async_context(_floor(settings))
        ended = stack.enter_context(_ended_by_signal())
        try:
            await floor.run(outcome, ended, emit)
        finally:
            outcome.faults = dict(floor.faults.done)
            outcome.own_ends = {part.name: part.own_ends for part in floor.parts if part.own_ends}
            outcome.longest_catch_up_s = floor.lag.longest_s
            outcome.usage = floor.usage
            outcome.growth = [floor.usage.growth(part.name) for part in floor.parts]
    return outcome


class _Floor:
    """All that takes part in a soak."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        services: list[Part],
        broker: Part,
        database: Part | None,
        broker_url: str,
        to_broker: list[Proxy],
        to_store: list[Proxy],
        wall_port: int,
    ) -> None:
        self.settings, self.store = settings, store
        self.services, self.broker = services, broker
        self.parts = [*services, broker, *([database] if database is not None else [])]
        self.broker_url, self.wall_port = broker_url, wall_port
        self.devices = [Device(number) for number in range(settings.devices)]
        self.fleet = Fleet(self.devices, f"mqtt://127.0.0.1:{to_broker[1].port}", settings.rate)
        self.lag = Lag(store, self.devices[0])
        self.usage = Usage(self.parts, settings.length_s)
        self.faults = Faults(
            services=services,
            broker=broker,
            database=database,
            file=settings.folder / "corridor.db" if settings.store == "sqlite" else None,
            to_broker=to_broker,
            to_store=to_store,
            devices=self.devices,
            lag=self.lag,
            quiet=self._quiet,
            seed=settings.seed,
            length_s=settings.length_s,
        )

    async def run(self, outcome: Outcome, ended: asyncio.Event, emit: Callable[[str], None]) -> None:
        """Run it for its time, and check the outcome."""
        async with asyncio.TaskGroup() as watching:
            tasks = [watching.create_task(part.supervise()) for part in self.parts]
            tasks += [watching.create_task(each.watch()) for each in (self.lag, self.usage)]
            await self._until_stored()  # nothing is stored of what was published before the services first subscribed
            began_s = time.monotonic()
            tasks.append(watching.create_task(self._report(began_s, emit)))
            async with asyncio.TaskGroup() as acting:
                acting.create_task(self.fleet.publish())
                acting.create_task(self.faults.happen())
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.settings.length_s):
                        await ended.wait()
                outcome.interrupted = ended.is_set()
                emit("no more faults; waiting until everything is acknowledged and stored")
                self.faults.end()
                self.fleet.stop()
            outcome.took_s = time.monotonic() - began_s
            outcome.drained_s = await self._drained(DRAIN_S, LONGEST_DRAIN_S + self.settings.length_s)
            outcome.wall_knows = await self._known_by_wall()
            for task in tasks:
                task.cancel()
        for part in self.services:
            await part.stop()
        emit("checking what is stored")
        drained = outcome.drained_s is not None
        outcome.verdict = await check(self.store, self.devices, self.settings.folder, drained=drained)

    async def _drained(self, patience_s: float, longest_s: float = math.inf) -> float | None:
        """Wait until what was acknowledged last is stored, and a redelivery would be over; return how long it took.

        It gives up when nothing more was stored for `patience_s`, or after `longest_s`.
        """
        began_s = moved_s = time.monotonic()
        newest = -1
        while time.monotonic() - moved_s < patience_s and time.monotonic() - began_s < longest_s:
            with suppress(StoreError):
                before, newest = newest, await newest_times(self.store, self.devices)
                if newest != before:
                    moved_s = time.monotonic()
                if await is_stored(self.store, self.devices):
                    took_s = time.monotonic() - began_s
                    await asyncio.sleep(_REDELIVERY_S if self.settings.broker == "nats" else 1.0)
                    return took_s
            await asyncio.sleep(_LOOK_S)
        return None

    async def _quiet(self, do: Callable[[], Awaitable[None]]) -> bool:
        """Do something while nothing is under way; return False if that could not be had."""
        await self.fleet.pause()
        try:
            if await self._drained(30.0, 120.0) is None:
                return False
            await asyncio.sleep(_REDELIVERY_S)
            await do()
            await self._until_stored()
        finally:
            self.fleet.resume()
        return True

    async def _until_stored(self) -> None:
        """Wait until both services store what is published."""
        while True:
            since = time.time_ns()
            with suppress(SessionError, StoreError):
                async with Session(self.broker_url, client_id="soak-probe") as session:
                    await session.publish(
                        Publication(f"corridor/v1/{_PROBE}/telemetry/probe", b"1"),
                        Publication(f"corridor/v1/{_PROBE}/meter/probe", b"1"),
                    )
                await asyncio.sleep(_LOOK_S)
                found = [await self.store.latest_before([kind], _PROBE, FOR_EVER) for kind in ("telemetry", "meter")]
                if all(any(event.at >= since for event in events) for events in found):
                    return
            await asyncio.sleep(_LOOK_S)

    async def _known_by_wall(self) -> int | None:
        """Return how many devices the wall shows, once it shows all, or after a while."""
        known: int | None = None
        with suppress(TimeoutError):
            async with asyncio.timeout(WALL_S), httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.wall_port}") as web:
                while known != len(self.devices):
                    with suppress(httpx.HTTPError):
                        assets = (await web.get("/api/v1/assets")).json()
                        wanted = {device.asset for device in self.devices}
                        known = len(wanted & {asset["path"] for asset in assets})
                    await asyncio.sleep(_LOOK_S)
        return known

    async def _report(self, began_s: float, emit: Callable[[str], None]) -> None:
        while True:
            done_s = min(time.monotonic() - began_s, self.settings.length_s)
            wrong = ", ".join(self.faults.now) or "nothing is wrong"
            emit(
                f"{done_s:.0f} of {self.settings.length_s:.0f} s: {self.fleet.acknowledged:,} of {self.fleet.sent:,}"
                f" messages acknowledged, store {self.lag.now_s:.1f} s behind, {self.faults.done.total()} faults;"
                f" now: {wrong}"
            )
            await asyncio.sleep(_REPORT_EVERY_S)


@asynccontextmanager
async def _floor(settings: Settings) -> AsyncIterator[_Floor]:
    """Start everything; stop it in the end."""
    folder = settings.folder
    async with AsyncExitStack() as stack:
        port, store_port, rpc_port, wall_port = free_ports(4)
        broker = broker_part(settings, port)
        broker_url = f"mqtt://127.0.0.1:{port}"
        stack.push_async_callback(broker.stop)
        await started(broker)
        to_broker = [
            await stack.enter_async_context(Proxy(name, port)) for name in ("services–broker", "devices–broker")
        ]
        database, to_store = None, []
        url = seen_by_services = default_url(folder)
        if settings.store == "influxdb":
            database = influxd_part(folder, store_port, rpc_port)
            stack.push_async_callback(database.stop)
            await started(database)
            to_store = [await stack.enter_async_context(Proxy("services–store", store_port))]
            url, seen_by_services = (f"influxdb1://127.0.0.1:{at}/soak" for at in (store_port, to_store[0].port))
            async with Setup(influx_address.parse(url)) as setup:
                await setup.make_buckets()
        store = await open_store(url)
        stack.push_async_callback(store.close)
        at_broker = f"mqtt://127.0.0.1:{to_broker[0].port}"
        common = ("--broker", at_broker, "--store", seen_by_services, "--data", str(folder))
        services = [
            Part("ingest", corridor("ingest", *common), folder),
            Part("kpi", corridor("kpi", "serve", *common), folder),
            Part("wall", corridor("wall", *common, "--port", str(wall_port)), folder),
        ]
        for part in services:
            stack.push_async_callback(part.stop)
            await part.start()
        yield _Floor(
            settings,
            store,
            services=services,
            broker=broker,
            database=database,
            broker_url=broker_url,
            to_broker=to_broker,
            to_store=to_store,
            wall_port=wall_port,
        )


class _ended_by_signal:  # noqa: N801  (it reads as what it is: a context)
    """A context whose event is set by Ctrl-C or SIGTERM; the next Ctrl-C ends the program on the spot."""

    def __init__(self) -> None:
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> asyncio.Event:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.add_signal_handler(number, self._reported)
        return self._ended

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.remove_signal_handler(number)

    def _reported(self) -> None:
        if self._ended.is_set():
            raise KeyboardInterrupt
        self._ended.set()
