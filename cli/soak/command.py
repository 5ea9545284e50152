"""`corridor soak`: the command line."""

import asyncio
import logging
import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from cli.invocation import times
from cli.invocation.errors import CommandError
from cli.running import loop
from cli.soak import report
from cli.soak.outcome import BrokerKind, Settings, StoreKind
from cli.soak.run import soak as run_soak


def soak(
    *,
    for_: Annotated[
        float, typer.Option("--for", metavar="D", parser=times.duration_s, help="How long faults are injected.")
    ] = 3_600.0,
    rate: Annotated[float, typer.Option(metavar="N", min=1, help="Messages a second, of all devices.")] = 2_000.0,
    devices: Annotated[int, typer.Option(metavar="N", min=2, max=1_000, help="How many devices.")] = 200,
    broker: Annotated[BrokerKind, typer.Option(help="The broker.")] = "mosquitto",
    store: Annotated[StoreKind, typer.Option(help="The store; influxdb is InfluxDB 1, as influxd.")] = "sqlite",
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="The random seed: the same seed has the same faults.")
    ] = None,
    report_: Annotated[
        Path | None, typer.Option("--report", metavar="FILE.md", help="What to write; left out, standard output.")
    ] = None,
) -> None:
    """Publish a counted stream while broker, services, network and store fail; then count what is stored.

    Everything runs as processes of its own in a folder of its own; nothing of yours is touched. Ctrl-C ends it with a
    verdict on what there is by then. It ends with 1 if an acknowledged message was lost, doubled or changed, the ledger
    is not what its events make, or memory grows.
    """
    if sys.platform == "win32":
        raise CommandError("`soak` pauses and limits processes as Windows does not", "run it on Linux or macOS")
    folder = Path(tempfile.mkdtemp(prefix="corridor-soak-"))
    chosen = secrets.randbelow(1_000_000) if seed is None else seed
    typer.echo(f"soak: {broker} and {store}, seed {chosen}, in {folder}", err=True)
    settings = Settings(for_, rate, devices, broker, store, chosen, folder)
    loop.log_to_stderr(logging.CRITICAL)  # that connections are lost is what it is about
    outcome = asyncio.run(run_soak(settings, lambda line: typer.echo(f"soak: {line}", err=True)))
    text = report.markdown(outcome)
    if report_ is None:
        typer.echo(text, nl=False)
    else:
        report_.write_text(text, encoding="utf-8")
    typer.echo(f"soak: {report.summary(outcome)}", err=True)
    if not outcome.is_good:
        typer.echo(f"soak: its stores and logs are in {folder}", err=True)
        raise typer.Exit(1)
    shutil.rmtree(folder)
