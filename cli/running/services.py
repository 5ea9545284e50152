"""Each service on a session of its own, on a broker and a store: alone as a command, or with others in the demo."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

from broker.contract.topics import PREFIX
from broker.mqtt import address
from broker.mqtt.session import Session, SessionTakenOver
from broker.plant.plant import Plant
from broker.server.credentials.registrar import Registrar
from cli.invocation.errors import CommandError
from cli.running.alone import alone
from cli.running.client_ids import client_id
from cli.running.stores import plant_of
from cli.running.watching import Watch, watching
from edge.dialects.sparkplug.translator import HOST
from edge.dialects.speakers import SPEAKERS
from edge.gateways.sparkplug_edges import SparkplugEdges
from edge.gateways.speaking import Speaking
from edge.simulation.clock import Clock, FastClock, RealClock
from edge.simulation.planning import plan
from edge.simulation.simulator import Simulator
from services.ingest import service as ingesting
from services.intake.routing import kpi_filters
from services.kpi.service import GATHER_S, serve_productivity
from services.store import client_ids
from services.store.interface import Store
from services.store.sqlite.store import SqliteStore


async def run_ingest(
    broker: str,
    store: Store,
    now: Callable[[], int] = time.time_ns,
    *,
    watch: Watch | None = None,
    replica: int | None = None,
    replicas: Sequence[int] = (),
) -> None:
    """Run the ingest service on a session of its own; with a number, as one of several that share the work.

    With several numbers it is several of them.
    """
    numbers = [*replicas, *([replica] if replica is not None else [])]
    if len(numbers) <= 1:
        await _run_ingest(broker, store, now, watch or Watch(), *numbers)
        return
    async with asyncio.TaskGroup() as group:
        for number in numbers:
            # The first one answers for all: they share broker and store.
            one = (watch or Watch()) if number == numbers[0] else Watch()
            group.create_task(_run_ingest(broker, store, now, one, number))


async def _run_ingest(
    broker: str, store: Store, now: Callable[[], int], watch: Watch, replica: int | None = None
) -> None:
    if replica is None:
        name, group = await client_ids.client_id(store, "ingest"), ""
        command = label = "ingest"
    else:
        name, group = await client_ids.replica_id(store, "ingest", replica)
        command, label = f"ingest --replica {replica}", f"ingest-{replica}"
    with _only_one(command, store, label):
        async with (
            Session(
                broker,
                client_id=name,
                filters=ingesting.filters(group),
                persistent=True,
                now=now,
                gather_s=ingesting.GATHER_S,
                receive_maximum=ingesting.RECEIVE_MAXIMUM,
            ) as session,
            watching(watch, "ingest", session, store) as vitals,
        ):
            await ingesting.ingest(session, session, vitals.store, now=now, plant=lambda: plant_of(vitals.store, None))


async def run_kpi(
    broker: str, store: Store, plant: Plant, now: Callable[[], int] = time.time_ns, *, watch: Watch | None = None
) -> None:
    """Run the KPI service on a session of its own."""
    name = await client_ids.client_id(store, "kpi")
    with _only_one("kpi serve", store, "kpi"):
        async with (
            Session(
                broker,
                client_id=name,
                filters=kpi_filters(),
                persistent=True,
                now=now,
                gather_s=GATHER_S,
            ) as session,
            watching(watch or Watch(), "kpi", session, store) as vitals,
        ):
            await serve_productivity(
                session, session, vitals.store, plant, now, ticked=vitals.ticked, away_since=lambda: session.away_since
            )


async def run_simulator(broker: str, simulator: Simulator, clock: Clock, *, watch: Watch | None = None) -> None:
    """Run the simulated machines on a session of their own, each in its dialect; those of Sparkplug on their line's.

    Raises:
        CommandError: the plant file names a dialect in which no simulated machine can speak.
    """
    dialect_of = {
        machine: simulator.plant.asset(machine).dialect for machine in plan.read(simulator.plant.simulate).machine
    }
    known = ("sparkplug", *SPEAKERS)
    for machine, dialect in dialect_of.items():
        if dialect and dialect not in known:
            allowed = " or ".join(f'dialect = "{each}"' for each in known)
            raise CommandError(f"{machine} is to speak {dialect!r}", f"write {allowed}, or leave it out")
    name = client_id("simulator")
    async with (
        Session(broker, client_id=name, filters=simulator.filters, now=clock.now) as session,
        watching(watch or Watch(), "simulate", session),
        SparkplugEdges(
            broker,
            is_sparkplug=lambda asset: dialect_of.get(asset) == "sparkplug",
            otherwise=Speaking(lambda asset: dialect_of.get(asset, ""), session, clock.now),
            primary=HOST,
            now=clock.now,
        ) as publisher,
    ):
        await simulator.simulate(publisher, clock, session)


async def run_wall(
    broker: str,
    store: Store,
    plant: Plant,
    now: Callable[[], int] = time.time_ns,
    *,
    host: str,
    port: int,
    password: str | None,
    allow_hosts: Sequence[str] = (),
    ready: asyncio.Event | None = None,
    grafana: str = "",
    join: str = "",
    watch: Watch | None = None,
    registrar: Registrar | None = None,
) -> None:
    """Run the wall on a session of its own; its health covers all services that `watch` knows."""
    from cli.onboarding.wall import JoiningLines, own_address  # noqa: PLC0415  (it takes its time to load)
    from services.wall.onboarding import Onboarding  # noqa: PLC0415
    from services.wall.server import serve  # noqa: PLC0415

    watch = watch or Watch()
    at = address.parse(join or broker)
    name = client_id("wall")  # there may be several
    async with (
        Session(broker, client_id=name, filters=[f"{PREFIX}/#"], now=now) as session,
        watching(watch, "wall", session, store),
    ):
        await serve(
            session=session,
            store=store,
            plant=plant,
            now=now,
            host=host,
            port=port,
            password=password,
            allow_hosts=allow_hosts,
            ready=ready,
            broker=(at.host, at.port),
            grafana=grafana.rstrip("/"),
            services=watch.known,
            onboarding=Onboarding(
                JoiningLines(
                    at.host,
                    at.port,
                    "" if join else own_address(),
                    is_stack=bool(join and registrar),
                    is_closed=registrar is not None,
                ),
                registrar,
                is_guarded=password is not None,
                asks=at.user is not None or registrar is not None,
            ),
        )


def clock_at(start: int, speed: float) -> Clock:
    """Return a clock that shows `start` now and runs `speed` times as fast as real time."""
    return RealClock() if speed == 1 and start <= time.time_ns() else FastClock(start, speed)


@contextlib.contextmanager
def _only_one(command: str, store: Store, label: str) -> Iterator[None]:
    """Let a service run once on a store: on this computer by a lock, elsewhere by the broker's client ids.

    Raises:
        CommandError: another is there.
    """
    share = ", or let them share the work (--replica N)" if label.startswith("ingest") else ""
    with contextlib.ExitStack() as stack:
        if isinstance(store, SqliteStore):
            lock = store.path.with_name(f"{store.path.name}.{label}.lock")
            problem = f"another `corridor {command}` runs on the store {store.path}; a running demo has its own"
            stack.enter_context(alone(lock, problem, f"stop one of the two{share}"))
        try:
            yield
        except* SessionTakenOver as taken:
            raise CommandError(
                f"{taken.exceptions[0]}: another `corridor {command}` on this store or on a copy of it, or a device"
                " that was given this client id, as it can be where the broker does not bind client ids to accounts",
                f"stop the other{share}; give a copy client ids of its own: corridor store init --new-client-ids",
            ) from taken
