"""Faults: which comes when, for how long, and against what. The seed decides, so that a soak can be repeated.

Two of them may be going on at a time: one against a process, and one against network, store, or clocks.
"""

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Final

from broker.contract.events import NS_PER_S
from cli.soak.devices import Device
from cli.soak.processes import Part
from cli.soak.proxy import Proxy
from cli.soak.watch import Lag

SHORTEST_S: Final = 0.2
_SMALL_FILE: Final = 4_096
_PAUSE_BEFORE_STOP_S: Final = 0.5

Step = Callable[[random.Random, float], Awaitable[None]]


class Faults:
    """What goes wrong.

    Args:
        services: that are killed and paused: ingest, kpi, wall.
        broker: restarted, paused, and killed while nothing is under way.
        database: InfluxDB, or None where the store is a file.
        file: of the SQLite store, or None.
        to_broker: the network between the broker and its clients.
        to_store: the network between services and InfluxDB; none where the store is a file.
        devices: whose clocks step, but for the first one's.
        lag: called when a fault begins and ends.
        quiet: has nothing more published and returns when all is stored; then called with what to do meanwhile.
        seed: of chance.
        length_s: of the soak: in a short one faults are shorter and come faster.

    Attributes:
        done: what went wrong, and how often.
        now: what is wrong at this moment.
    """

    def __init__(
        self,
        *,
        services: Sequence[Part],
        broker: Part,
        database: Part | None,
        file: Path | None,
        to_broker: Sequence[Proxy],
        to_store: Sequence[Proxy],
        devices: Sequence[Device],
        lag: Lag,
        quiet: Callable[[Callable[[], Awaitable[None]]], Awaitable[bool]],
        seed: int,
        length_s: float,
    ) -> None:
        self.done: Counter[str] = Counter()
        self.now: list[str] = []
        self._services, self._broker, self._database, self._file = services, broker, database, file
        self._to_broker, self._proxies = to_broker, [*to_broker, *to_store]
        self._devices, self._lag, self._quiet = devices, lag, quiet
        self._seed = seed
        self._ended = asyncio.Event()
        self._longest_s = min(20.0, max(1.5, length_s / 30))
        self._gap_s = min(8.0, max(2.0, length_s / 60))
        self._short = length_s < 60

    def end(self) -> None:
        """Begin no other fault."""
        self._ended.set()

    async def happen(self) -> None:
        """Let things go wrong until `end`, and then until nothing is wrong any more."""
        processes: list[Step] = [self._kill, self._kill, self._kill, self._pause, self._pause, self._restart_broker]
        around: list[Step] = [self._cut, self._cut, self._freeze, self._slow, self._step_clocks, self._store_away]
        if self._file is not None:
            around.append(self._disk_full)
        if not self._short:
            processes.append(self._kill_broker)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._one_after_another(processes, random.Random(f"{self._seed} processes")))  # noqa: S311
            group.create_task(self._one_after_another(around, random.Random(f"{self._seed} around")))  # noqa: S311

    async def _one_after_another(self, steps: Sequence[Step], draw: random.Random) -> None:
        bag: list[Step] = []
        while not self._ended.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(draw.uniform(self._gap_s / 4, self._gap_s)):
                    await self._ended.wait()
                    return
            if not bag:  # each in turn, in a new order each time: none is left out by chance
                bag = draw.sample(list(steps), len(steps))
            length_s = min(self._longest_s, SHORTEST_S + draw.expovariate(3 / self._longest_s))
            await bag.pop()(draw, length_s)

    @asynccontextmanager
    async def _going_on(self, what: str) -> AsyncIterator[None]:
        self.done[what] += 1
        self.now.append(what)
        self._lag.trouble(1)
        try:
            yield
        finally:
            self._lag.trouble(-1)
            self.now.remove(what)

    # ---- Processes ----

    async def _kill(self, draw: random.Random, length_s: float) -> None:
        part = draw.choice(self._services)
        async with part.lock, self._going_on(f"{part.name} killed (SIGKILL)"):
            await part.kill()
            await asyncio.sleep(length_s * draw.random())
            await part.restart()

    async def _pause(self, draw: random.Random, length_s: float) -> None:
        database = [self._database] if self._database is not None else []
        part = draw.choice([*self._services, self._broker, *database])
        async with part.lock, self._going_on(f"{part.name} paused (SIGSTOP)"):
            part.pause()
            try:
                await asyncio.sleep(length_s)
            finally:
                part.resume()

    async def _restart_broker(self, draw: random.Random, length_s: float) -> None:
        """Stop the broker as Corridor does: its clients have gone half a second before, and it starts again."""
        async with AsyncExitStack() as held:
            for proxy in self._to_broker:
                await held.enter_async_context(proxy.lock)
                held.callback(proxy.restore)
            await held.enter_async_context(self._broker.lock)
            await held.enter_async_context(self._going_on(f"{self._broker.name} restarted (SIGTERM)"))
            for proxy in self._to_broker:
                proxy.cut()
            await asyncio.sleep(_PAUSE_BEFORE_STOP_S)
            await self._broker.stop()
            await asyncio.sleep(length_s * draw.random())
            await self._broker.restart()

    async def _kill_broker(self, _draw: random.Random, _length_s: float) -> None:
        """Kill the broker while nothing is under way: what it has not written down yet, it may lose."""
        what = f"{self._broker.name} killed (SIGKILL) while nothing was under way"

        async def kill() -> None:
            async with self._broker.lock, self._going_on(what):
                await self._broker.kill()
                await self._broker.restart()

        await self._quiet(kill)

    # ---- What is around them ----

    async def _cut(self, draw: random.Random, length_s: float) -> None:
        await self._on_network(draw, length_s, "cut", Proxy.cut)

    async def _freeze(self, draw: random.Random, length_s: float) -> None:
        await self._on_network(draw, length_s, "stands still", Proxy.freeze)

    async def _slow(self, draw: random.Random, length_s: float) -> None:
        delay_s = draw.uniform(0.02, 0.2)
        await self._on_network(draw, length_s, "slow", lambda proxy: proxy.slow(delay_s))

    async def _on_network(self, draw: random.Random, length_s: float, what: str, do: Callable[[Proxy], None]) -> None:
        proxy = draw.choice(self._proxies)
        async with proxy.lock, self._going_on(f"network {proxy.name} {what}"):
            do(proxy)
            try:
                await asyncio.sleep(length_s)
            finally:
                proxy.restore()

    async def _store_away(self, draw: random.Random, length_s: float) -> None:
        if self._database is not None:
            how = draw.choice(["stopped (SIGTERM)", "killed (SIGKILL)"])
            async with self._database.lock, self._going_on(f"{self._database.name} {how}"):
                await (self._database.stop() if how.startswith("stopped") else self._database.kill())
                await asyncio.sleep(length_s)
                await self._database.restart()
        elif self._file is not None:
            async with self._going_on("store locked by another writer"):
                with closing(await asyncio.to_thread(_lock, self._file)):
                    await asyncio.sleep(length_s)

    async def _disk_full(self, _draw: random.Random, length_s: float) -> None:
        """Let the writers' files grow no more (RLIMIT_FSIZE), which is what a full disk is to them."""
        writers = [part for part in self._services if part.name != "wall"]
        async with self._going_on("disk full (RLIMIT_FSIZE on ingest and kpi)"):
            for part in writers:
                part.limit_files(_SMALL_FILE)
            try:
                await asyncio.sleep(length_s)
            finally:
                for part in writers:
                    part.limit_files(-1)

    async def _step_clocks(self, draw: random.Random, _length_s: float) -> None:
        self.done["clocks of devices stepped"] += 1
        for device in draw.sample(self._devices[1:], max(1, len(self._devices) // 20)):
            device.clock_off_ns = round(draw.choice([draw.uniform(-1_800, 0), draw.uniform(0, 120), 0]) * NS_PER_S)


def _lock(file: Path) -> sqlite3.Connection:
    """Begin to write to a SQLite file, and leave it at that until the connection is closed."""
    connection = sqlite3.connect(file, timeout=60, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    return connection
