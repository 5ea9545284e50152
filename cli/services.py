"""`corridor kpi serve`, `wall`, `simulate`: each service by itself; and how `ingest` runs."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import structlog
import typer

from broker.contract.events import NS_PER_S
from broker.contract.topics import PREFIX
from broker.mqtt import address
from broker.mqtt.loopback import is_loopback
from broker.mqtt.session import Session, SessionTakenOver
from broker.plant.plant import Plant
from broker.server.credentials.dynamic_security import DynamicSecurity
from broker.server.credentials.registrar import Registrar
from cli import past_processes
from cli.invocation import floors, options, progress, times
from cli.invocation.errors import CommandError
from cli.running import loop
from cli.running.alone import alone
from cli.running.client_ids import client_id
from cli.running.stores import PLANT_METADATA, PlantFile, opened, plant_of, plant_to_store
from cli.running.watching import HealthHost, HealthPort, Watch, watching
from edge.dialects.sparkplug.translator import HOST
from edge.dialects.speakers import SPEAKERS
from edge.gateways.sparkplug_edges import SparkplugEdges
from edge.gateways.speaking import Speaking
from edge.simulation.clock import Clock, FastClock, RealClock
from edge.simulation.planning import plan
from edge.simulation.simulator import Simulator
from services.ingest import service as ingesting
from services.intake.routing import kpi_filters
from services.kpi.service import serve_productivity
from services.store import client_ids
from services.store.interface import Store
from services.store.opening import default_url
from services.store.sqlite.store import SqliteStore

_log = structlog.get_logger("corridor.simulator")

Port = Annotated[int, typer.Option(metavar="PORT", min=1, max=65_535, help="The port of the wall.")]
Host = Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen on.")]
AllowHost = Annotated[
    str,
    typer.Option(
        metavar="NAMES",
        help="Without a password: host names that a reverse proxy may use, separated by commas.",
    ),
]


def serve_kpi(
    *,
    broker: options.Broker = options.BROKER,
    store: options.Store = "",
    data: options.Data,
    plant: PlantFile = None,
    health_port: HealthPort = None,
    health_host: HealthHost = "127.0.0.1",
) -> None:
    """Store states, counts and orders, build the productivity ledger and publish the indicators, until stopped."""
    loop.log_to_stderr(logging.INFO)

    async def serve() -> None:
        async with opened(store or default_url(data)) as stored:
            await run_kpi(broker, stored, await plant_to_store(stored, plant), watch=Watch(health_host, health_port))

    loop.run(serve())


def wall(
    *,
    broker: options.Broker = options.BROKER,
    store: options.Store = "",
    data: options.Data,
    plant: PlantFile = None,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    allow_host: AllowHost = "",
    password: Annotated[str, typer.Option(help="The wall's password; none if left out.")] = "",
    grafana: Annotated[
        str,
        typer.Option(metavar="URL", help="A Grafana with Corridor's dashboards: each view links to its page there."),
    ] = "",
    join: Annotated[
        str,
        typer.Option(metavar="URL", help="The broker's address for devices, if it differs; shown on the devices page."),
    ] = "",
    registrar: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="The broker's listener for devices, as the user registrar: the devices page makes credentials by it.",
        ),
    ] = "",
) -> None:
    """Serve the live wall and its HTTP API, until stopped."""
    if not password and not is_loopback(host):
        raise typer.BadParameter(
            f"a wall on {host or 'every address'} can be reached from other computers: give it a --password"
            " (better in CORRIDOR_PASSWORD or CORRIDOR_PASSWORD_FILE), or leave --host out"
        )
    loop.log_to_stderr(logging.INFO)

    async def serve() -> None:
        async with opened(store or default_url(data)) as stored:
            described = await plant_of(stored, plant)
            await run_wall(
                broker,
                stored,
                described,
                host=host,
                port=port,
                password=password or None,
                allow_hosts=host_names(allow_host),
                grafana=grafana,
                join=join,
                registrar=DynamicSecurity(registrar) if registrar else None,
            )

    loop.run(serve())


def simulate(
    *,
    broker: options.Broker = options.BROKER,
    data: options.Data,
    plant: floors.PlantFile = None,
    district: floors.Districts = None,
    all_: floors.All = False,
    speed: Annotated[
        float, typer.Option(metavar="N", min=0.01, callback=times.finite, help="Shop-floor seconds per second.")
    ] = 1.0,
    past_s: Annotated[
        float | None,
        typer.Option(
            "--past",
            "--backfill",
            metavar="D",
            parser=times.duration_s,
            help="First simulate this much of the past, if there is none, and write it to --store.",
        ),
    ] = None,
    store: options.Store = "",
    health_port: HealthPort = None,
    health_host: HealthHost = "127.0.0.1",
) -> None:
    """Run the simulated machines of a plant description, publishing to a broker, until stopped."""
    loop.log_to_stderr(logging.INFO)
    floor = floors.chosen(plant, district, all_=all_)
    described = floor.plant
    simulator = Simulator(described, data, source=floor.source)

    async def run() -> None:
        if past_s and (simulator.is_new or simulator.is_past_unfinished):
            url = store or default_url(data)
            async with opened(url) as stored:
                await _make_past(simulator, (stored, url), data, round(past_s * NS_PER_S))
        await run_simulator(broker, simulator, clock_at(time.time_ns(), speed), watch=Watch(health_host, health_port))

    loop.run(run())


async def _make_past(simulator: Simulator, to: tuple[Store, str], data: Path, length_ns: int) -> None:
    """Make up a past, unless the store knows one of the machines: then theirs is another, if it is whole."""
    store, plant = to[0], simulator.plant
    known = {machine.asset for machine in await store.machines()}
    if not simulator.is_past_unfinished and known.intersection(plan.read(plant.simulate).machine):
        _log.info("the store knows these machines, so no past is made up for them")
        return
    if not await store.metadata(PLANT_METADATA):
        await store.set_metadata(PLANT_METADATA, plant.text)  # questions are answered with what the rows were made with
    now = time.time_ns()
    with progress.shown("making a past") as report:
        await past_processes.make(simulator, to, data, (now - length_ns, now), report)
    _log.info(
        "made a past", hours=round(length_ns / NS_PER_S / 3_600, 1), took_s=round((time.time_ns() - now) / NS_PER_S)
    )


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
            Session(broker, client_id=name, filters=kpi_filters(), persistent=True, now=now) as session,
            watching(watch or Watch(), "kpi", session, store) as vitals,
        ):
            await serve_productivity(
                session, session, vitals.store, plant, now, ticked=vitals.ticked, away_since=lambda: session.away_since
            )


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


async def run_simulator(broker: str, simulator: Simulator, clock: Clock, *, watch: Watch | None = None) -> None:
    """Run the simulated machines on a session of their own, each in its dialect; those of Sparkplug on their line's.

    Raises:
        CommandError: the plant file names a dialect in which no simulated machine can speak.
    """
    speaks = {
        machine: simulator.plant.asset(machine).dialect for machine in plan.read(simulator.plant.simulate).machine
    }
    spoken = ("sparkplug", *SPEAKERS)
    for machine, dialect in speaks.items():
        if dialect and dialect not in spoken:
            known = " or ".join(f'dialect = "{each}"' for each in spoken)
            raise CommandError(f"{machine} is to speak {dialect!r}", f"write {known}, or leave it out")
    name = client_id("simulator")
    async with (
        Session(broker, client_id=name, filters=simulator.filters, now=clock.now) as session,
        watching(watch or Watch(), "simulate", session),
        SparkplugEdges(
            broker,
            is_sparkplug=lambda asset: speaks.get(asset) == "sparkplug",
            otherwise=Speaking(lambda asset: speaks.get(asset, ""), session, clock.now),
            primary=HOST,
            now=clock.now,
        ) as publisher,
    ):
        await simulator.simulate(publisher, clock, session)


def host_names(text: str) -> tuple[str, ...]:
    """Return the names that an option holds with commas between."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def clock_at(start: int, speed: float) -> Clock:
    """Return a clock that shows `start` now and runs `speed` times as fast as real time."""
    return RealClock() if speed == 1 and start <= time.time_ns() else FastClock(start, speed)


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
                JoiningLines(at.host, at.port, "" if join else own_address(), is_stack=bool(join and registrar)),
                registrar,
                is_guarded=password is not None,
                asks=at.user is not None or registrar is not None,
            ),
        )
