"""The wall as a service: it reads the broker, holds the live state, and serves pages, stream and API.

It publishes and stores nothing: what it shows comes live from the broker and, for the past, from the store. When it
starts it reads from the store what each machine last reported; when it is cancelled it ends every stream at once, so
that no open page can delay it.
"""

import asyncio
import contextlib
import gc
import socket
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, cast

import structlog
import uvicorn

from broker.contract.events import NS_PER_S
from broker.contract.topics import Kind
from broker.plant.plant import Plant
from broker.source import Carrier, Source
from services.health.vitals import Vitals
from services.store import retiring
from services.store.interface import Store, StoreError
from services.store.retiring import retired
from services.wall.access.connections import BACKLOG, Connection, Room, quiet_accepting
from services.wall.addresses import Parts
from services.wall.answers.answering import Answers
from services.wall.answers.asset_range import AssetRanges
from services.wall.answers.numbers import Numbers
from services.wall.application import application
from services.wall.live.live_state import LiveState
from services.wall.live.plant_sheet import sheet
from services.wall.live.stream import Stream
from services.wall.onboarding import Onboarding

_LAST_REPORTED: Final[tuple[Kind, ...]] = (
    "state",
    "status",
    "job",
    "count",
    "telemetry",
    "meter",
    "quality",
    "labour",
    "material",
    "event",
)
_RETIRED_S: Final = 5.0
"""How often the store is asked whether machines were retired."""
_AT_ONCE_BYTES: Final = 64 * 1024
"""Payloads that are processed before pages and queries have their turn: some ten milliseconds' work."""

_log = structlog.get_logger("corridor.wall")


async def serve(
    *,
    session: Carrier,
    store: Store,
    plant: Plant,
    now: Callable[[], int],
    host: str,
    port: int,
    password: str | None,
    allow_hosts: Sequence[str] = (),
    ready: asyncio.Event | None = None,
    broker: tuple[str, int] | None = None,
    grafana: str = "",
    services: Sequence[Vitals] = (),
    onboarding: Onboarding | None = None,
) -> None:
    """Run the wall until cancelled.

    Args:
        session: brings everything under the topic prefix; over MQTT an entered session. The wall alone reads it.
        store: the past.
        plant: titles, calendars, targets.
        now: the time, nanoseconds since 1970-01-01 UTC.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        password: what a browser must send (HTTP Basic, any user name); None asks for none.
        allow_hosts: without a password: hosts by which a proxy may ask for it, besides those of this computer.
        ready: set once pages are answered.
        broker: host and port at which a device can join, shown on the devices view.
        grafana: address of a Grafana that has our dashboards: every view links to its page there.
        services: those of this process, the wall itself among them, for `/healthz` and `/metrics`.
        onboarding: how devices join by the wall; None shows no lines to copy.

    Raises:
        OSError: the port cannot be listened on.
    """
    live_state = LiveState(is_text=plant.is_text)
    answers = Answers(store, plant, now)
    numbers = Numbers(store, plant, AssetRanges(plant, live_state, now), answers.beside, now)
    live_state.follow = numbers.take
    stream = Stream(
        live_state,
        now,
        lambda scope: sheet(plant, live_state, scope, broker, login=password is not None, grafana=grafana),
        lambda: session.connected,
        numbers,
    )
    await _restore_events(live_state, store, plant, now())
    parts = Parts(live_state, stream, store, answers, plant, now, services)
    room = Room()
    stream.most = room.most // 2  # pages that stay open leave room for questions
    web = _Web(application(parts, password, allow_hosts, onboarding), host, port, room)
    with _left_alone():
        async with asyncio.TaskGroup() as group:
            group.create_task(_listen(session, live_state, stream))
            group.create_task(_drop_retired(live_state, store))
            group.create_task(stream.run())
            group.create_task(numbers.run(stream.wake))
            group.create_task(web.serve_until_cancelled(ready))


class _Web(uvicorn.Server):
    """The HTTP server inside this program's own event loop, which leaves signals to the program."""

    def __init__(self, app: Any, host: str, port: int, room: Room) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                log_config=None,
                log_level="error",  # not what strangers send
                http=cast("type[asyncio.Protocol]", partial(Connection, room=room)),
                backlog=BACKLOG,
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def serve_until_cancelled(self, ready: asyncio.Event | None) -> None:
        """Serve until cancelled, then end within a second."""
        self._ready = ready
        host, port = self.config.host, self.config.port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.create_server((host, port), family=family, backlog=self.config.backlog) as listener:
            _log.info("wall listens", host=host, port=listener.getsockname()[1])
            with quiet_accepting(asyncio.get_running_loop()):
                try:
                    await self.serve([listener])
                except asyncio.CancelledError:
                    await self.shutdown([listener])
                    raise

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._ready is not None:
            self._ready.set()


async def _restore_events(live_state: LiveState, store: Store, plant: Plant, now: int) -> None:
    """Begin the live state with what the plant declares and the newest events of the store."""
    known = await store.machines()
    gone = await retired(store, known)
    for path in plant.machines():
        if path not in gone:
            live_state.declare(path, connected=plant.asset(path).connected)
    for machine in known:
        if machine.asset not in gone:
            live_state.restore_machine(machine.asset, machine.first, machine.last, simulated=machine.simulated)
    live_state.restore_events(
        event for event in await store.latest_before(_LAST_REPORTED, "", now) if event.asset not in gone
    )
    live_state.rejected.count_at(
        (each.at, each.count) for each in await store.rejected(now - 3_600 * NS_PER_S, now, limit=10_000)
    )


@contextlib.contextmanager
def _left_alone() -> Iterator[None]:
    """Leave all that is in memory now out of the garbage collector's passes: it stays, and large questions cause many.

    With 10,000 machines a pass over all objects stops every thread for more than a tenth of a second.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


async def _drop_retired(live_state: LiveState, store: Store) -> None:
    """Remove machines that are retired meanwhile from the live state."""
    heeded = await store.metadata(retiring.NOTE)
    while True:
        await asyncio.sleep(_RETIRED_S)
        try:
            note = await store.metadata(retiring.NOTE)
            if note != heeded:
                for path, at in (await retired(store)).items():
                    live_state.retire(path, at)
                heeded = note
        except StoreError as error:
            _log.debug("whether machines were retired is not known", error=str(error))


async def _listen(source: Source, live_state: LiveState, stream: Stream) -> None:
    """Read messages from the broker. Nothing is stored, so a batch is acknowledged once it is in the live state."""
    async for batch in source.batches():
        size = 0
        for message in batch.messages:
            live_state.receive(message)
            size += len(message.payload)
            if size > _AT_ONCE_BYTES:
                size = 0
                await asyncio.sleep(0)  # pages and questions have their turn
        batch.acknowledge()
        stream.touch()
