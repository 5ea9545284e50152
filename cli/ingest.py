"""`corridor ingest`: the ingest service by itself, or as several processes of this computer that share its work."""

import logging
import os
from typing import Annotated, Final

import typer

from cli.invocation import options
from cli.running import loop
from cli.running.services import run_ingest
from cli.running.stores import opened
from cli.running.watching import HealthHost, HealthPort, Watch
from cli.running.workers import end_with_parent, supervise
from services.store import client_ids
from services.store.opening import default_url

SHARES: Final = "INGEST_SHARES"
"""The setting by which a worker knows the replicas that it serves; it is no option, for nobody gives it by hand."""


def ingest(
    *,
    broker: options.Broker = options.BROKER,
    store: options.Store = "",
    data: options.Data,
    health_port: HealthPort = None,
    health_host: HealthHost = "127.0.0.1",
    replica: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="The number of this replica; replicas on one store share the work (MQTT 5)."
        ),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, help="Share the work among so many processes of this computer (MQTT 5); 0 for none."
        ),
    ] = 0,
) -> None:
    """Store telemetry, events and commands, until stopped."""
    loop.log_to_stderr(logging.INFO)
    if workers and replica:
        raise typer.BadParameter("--workers gives the replicas of this computer their numbers: leave --replica out")
    url = store or default_url(data)

    async def serve() -> None:
        async with opened(url) as stored:
            if not workers:
                await run_ingest(broker, stored, watch=Watch(health_host, health_port), replicas=numbers)
                return
            replicas = await client_ids.note_replicas(stored, workers)
        shared = {"BROKER": broker, "STORE": url, "DATA": str(data), "HEALTH_HOST": health_host}
        own = worker_settings(workers, replicas, health_port)
        # In their environment, because a command line can be seen by everybody, and URLs hold credentials.
        await supervise(
            ["ingest"], [{f"CORRIDOR_{name}": text for name, text in (shared | one).items()} for one in own]
        )

    async def serve_as_worker() -> None:
        end_with_parent()
        await serve()

    numbers = [replica] if replica is not None else []
    if worker := os.environ.get(f"CORRIDOR_{SHARES}"):
        workers, numbers = 0, [int(number) for number in worker.split(",")]
    loop.run(serve_as_worker() if worker else serve())


def worker_settings(workers: int, replicas: int, health_port: int | None) -> list[dict[str, str]]:
    """Return the settings of workers that serve so many replicas, with health ports from one on."""
    settings: list[dict[str, str]] = []
    for place in range(workers):
        numbers = ",".join(map(str, range(place + 1, replicas + 1, workers)))
        settings.append({"WORKERS": "0", SHARES: numbers})
        if health_port:
            settings[-1]["HEALTH_PORT"] = str(health_port + place)
    return settings
