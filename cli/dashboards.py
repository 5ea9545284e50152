"""`corridor dashboards`: generate Grafana's pages and alert rules, validate them, and write them into a Grafana."""

import importlib
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from broker.plant.plant_file import load
from cli.invocation import options
from cli.invocation.errors import CommandError
from cli.invocation.plain import plain
from dashboards import provisioned
from dashboards.names import HOUR, LEDGER, RAW, WALL_URL
from dashboards.pushing import Grafana, Placing
from edge.simulation import districts

PlantFile = Annotated[
    Path | None,
    typer.Option(
        "--plant",
        metavar="FILE",
        help="The plant: limits of signals, targets, reasons; left out, the shipped corridor with all its districts.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Write into this folder, rather than over the shipped files."),
]
From = Annotated[
    Path | None,
    typer.Option("--from", metavar="DIR", help="The folder that `build --out` made; left out, the shipped files."),
]
Url = Annotated[str, typer.Option("--url", metavar="URL", help="Grafana's address: http://localhost:3000.")]
Token = Annotated[
    str, typer.Option("--grafana-token", metavar="TOKEN", help="The token of a service account with the role Admin.")
]
RawUid = Annotated[str, typer.Option("--raw", metavar="UID", help="The uid of the data source for raw events.")]
LedgerUid = Annotated[
    str, typer.Option("--ledger", metavar="UID", help="The uid of the data source for the ledger by the minute.")
]
HourUid = Annotated[
    str, typer.Option("--hour", metavar="UID", help="The uid of the data source for the ledger by hour and day.")
]
Wall = Annotated[str, typer.Option("--wall", metavar="URL", help="The live wall's address, as browsers reach it.")]


def build(*, plant: PlantFile = None, out: Out = None) -> None:
    """Generate all files from code and a plant description."""
    building = _needs_extra("dashboards.building")
    root = out or building.ROOT
    for path, text in building.files(load(plant or districts.CORRIDOR)):
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    typer.echo(f"the pages and alert rules are in {root}", err=True)


def check(*, json_: options.Json = False) -> None:
    """Validate the shipped files: are they what the code generates, and does Grafana accept them."""
    building, checking = _needs_extra("dashboards.building"), _needs_extra("dashboards.checking")
    found = [*building.stale(load(districts.CORRIDOR)), *checking.all_faults(building.ROOT)]
    if json_:
        typer.echo(json.dumps({"ok": not found, "faults": [fault._asdict() for fault in found]}))
    else:
        for fault in found:
            typer.echo(plain(str(fault)))
        typer.echo(f"{len(found)} faults" if found else "all pages and alert rules are valid")
    if found:
        raise typer.Exit(1)


def push(
    *,
    url: Url,
    grafana_token: Token,
    from_: From = None,
    raw: RawUid = RAW,
    ledger: LedgerUid = LEDGER,
    hour: HourUid = HOUR,
    wall: Wall = WALL_URL,
) -> None:
    """Write all pages, alert rules and the playlist into a running Grafana; existing ones of ours are overwritten."""
    with Grafana(url, grafana_token) as grafana:
        for line in grafana.push(Placing({RAW: raw, LEDGER: ledger, HOUR: hour}, wall), _folder(from_)):
            typer.echo(line, err=True)


def pull(
    *,
    url: Url,
    grafana_token: Token,
    from_: From = None,
    raw: RawUid = RAW,
    ledger: LedgerUid = LEDGER,
    hour: HourUid = HOUR,
    wall: Wall = WALL_URL,
    json_: options.Json = False,
) -> None:
    """Show where the pages in a running Grafana differ from what `push` writes; exit status 1 if they do."""
    with Grafana(url, grafana_token) as grafana:
        found = list(grafana.drift(Placing({RAW: raw, LEDGER: ledger, HOUR: hour}, wall), _folder(from_)))
    if json_:
        typer.echo(json.dumps({"ok": not found, "drift": [drift._asdict() for drift in found]}))
    else:
        for drift in found:
            typer.echo(f"{drift.page}: {drift.differences} differences")
            typer.echo("".join(f"  {plain(place)}\n" for place in drift.places), nl=False)
        typer.echo(f"{len(found)} pages differ" if found else f"the pages in {url} are the same as here")
    if found:
        raise typer.Exit(1)


def _folder(given: Path | None) -> Path:
    """Return the folder of pages and rules.

    Raises:
        CommandError: there are none in it.
    """
    folder = given or provisioned.ROOT
    if not (folder / provisioned.RULES).is_file():
        raise CommandError(
            f"there is no {provisioned.RULES} in {folder}", f"corridor dashboards build --plant FILE --out {folder}"
        )
    return folder


def _needs_extra(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in {"grafana_foundation_sdk", "fastjsonschema"}:
            raise
        raise CommandError(
            f"{error.name} is not installed, which makes Grafana's dashboards",
            f"in a checkout: {sys.executable} -m pip install '.[dashboards]'",
        ) from error
