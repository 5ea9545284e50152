"""`corridor kpi serve`, `wall`, `simulate`: each service by itself."""

import asyncio
import logging
import time
from pathlib import Path
from typing import Annotated

import structlog
import typer

from broker.contract.events import NS_PER_S
from broker.mqtt.loopback import is_loopback
from broker.server.credentials.dynamic_security import DynamicSecurity
from cli import past_processes
from cli.invocation import floors, options, progress, times
from cli.running import loop
from cli.running.services import clock_at, run_kpi, run_simulator, run_wall
from cli.running.stores import PLANT_METADATA, PlantFile, opened, plant_of, plant_to_store
from cli.running.watching import HealthHost, HealthPort, Watch
from edge.simulation.planning import plan
from edge.simulation.simulator import Simulator
from services.store.interface import Store
from services.store.opening import default_url

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
    if not simulator.is_past_unfinished and known.intersection(plan.published(plant, plan.read(plant.simulate))):
        _log.info("the store knows these machines, so no past is made up for them")
        return
    if not await store.metadata(PLANT_METADATA):
        await store.set_metadata(PLANT_METADATA, plant.text)  # questions are answered with what the rows were made with
    now = time.time_ns()
    if simulator.is_past_unfinished:
        _log.info("goes on with the past that was interrupted")
    try:
        with progress.shown("making a past", ("days", 86_400 * NS_PER_S)) as report:
            await past_processes.make(simulator, to, data, (now - length_ns, now), report)
    except asyncio.CancelledError:
        _log.info("stopped while making a past; the next start goes on with it, where it was")
        raise
    _log.info(
        "made a past", hours=round(length_ns / NS_PER_S / 3_600, 1), took_s=round((time.time_ns() - now) / NS_PER_S)
    )


def host_names(text: str) -> tuple[str, ...]:
    """Return the names that an option holds with commas between."""
    return tuple(name.strip() for name in text.split(",") if name.strip())
