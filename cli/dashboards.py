"""`corridor dashboards build` and `check`: Grafana's pages and alert rules, as code makes them."""

import importlib
import json
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from broker.plant import load
from cli import options
from cli.errors import CommandError

SHIPPED: Final = Path(str(resources.files("edge") / "plants" / "corridor.toml"))

PlantFile = Annotated[
    Path,
    typer.Option(
        "--plant",
        metavar="FILE",
        help="The plant: limits of signals, targets, reasons.",
        default_factory=lambda: SHIPPED,
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Write there, rather than over the files that are shipped.")
]


def build(*, plant: PlantFile, out: Out = None) -> None:
    """Generate all files from code and a plant description."""
    building = _needs_extra("dashboards.building")
    root = out or building.ROOT
    for path, text in building.files(load(plant)):
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    typer.echo(f"the pages and alert rules are in {root}", err=True)


def check(*, json_: options.Json = False) -> None:
    """Judge the files that are shipped: are they what the code gives, and would Grafana understand all of it."""
    building, checking = _needs_extra("dashboards.building"), _needs_extra("dashboards.checking")
    found = [*building.stale(load(SHIPPED)), *checking.all_faults(building.ROOT)]
    if json_:
        typer.echo(json.dumps({"ok": not found, "faults": [fault._asdict() for fault in found]}))
    else:
        for fault in found:
            typer.echo(str(fault))
        typer.echo(f"{len(found)} faults" if found else "all pages and alert rules are good")
    if found:
        raise typer.Exit(1)


def _needs_extra(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in {"grafana_foundation_sdk", "fastjsonschema"}:
            raise
        raise CommandError(
            f"{error.name} is not installed, which makes Grafana's dashboards", "pip install 'corridor[dashboards]'"
        ) from error
