"""`corridor kpi serve` and `kpi show`: keep the productivity ledger, and ask it."""

import asyncio
import json
import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from broker.topics import check_asset
from cli import options, times
from cli.services import PlantFile, StoreUrl, opened, plant_of, serve_kpi
from services.ledger.fields import NANO
from services.ledger.indicators import INDICATORS
from services.store.answers import Answer, answer
from services.store.opening import default_url

__all__ = ["serve", "show"]

serve = serve_kpi

LAST_S: Final = 8 * 3_600.0


def show(
    asset: Annotated[
        str, typer.Argument(metavar="ASSET", help="A machine, line, area or site: site/area/line/machine.")
    ],
    *,
    from_: Annotated[
        int | None, typer.Option("--from", metavar="T", parser=times.instant_ns, help="From when (RFC 3339 or ms).")
    ] = None,
    to: Annotated[
        int | None, typer.Option("--to", metavar="T", parser=times.instant_ns, help="Until when; now if left out.")
    ] = None,
    last: Annotated[
        float | None, typer.Option("--last", metavar="D", parser=times.duration_s, help="Instead: the last 8h, 7d …")
    ] = None,
    store: StoreUrl = "",
    data: options.Data,
    plant: PlantFile = None,
    json_: options.Json = False,
) -> None:
    """Show the indicators of a machine, line, area or site over a range; the last 8 h if none is given."""
    check_asset(asset)
    if last is not None and from_ is not None:
        raise typer.BadParameter("--last and --from exclude each other")
    if from_ is None and to is not None and last is None:
        raise typer.BadParameter("--to needs --from or --last")
    if from_ is not None and to is not None and to <= from_:
        raise typer.BadParameter("--to must be later than --from")
    found = asyncio.run(_answer(store or default_url(data), plant, asset, (from_, to), last or LAST_S))
    if json_:
        typer.echo(json.dumps(found.document(), ensure_ascii=False))
    else:
        _print(found)
    if not found.machines:
        typer.echo(f"corridor: nothing in the store has told anything of {asset} in that time", err=True)
        raise typer.Exit(1)


async def _answer(
    url: str, plant_file: Path | None, asset: str, between: tuple[int | None, int | None], last_s: float
) -> Answer:
    async with opened(url) as store:
        plant = await plant_of(store, plant_file)
        # A demo that ran fast has left its store ahead of the clock; there, now is the newest event.
        now = max([time.time_ns(), *(machine.last for machine in await store.machines(asset))])
        start, end = between
        end = now if end is None else end
        start = end - round(last_s * NANO) if start is None else start
        return await answer(store, plant, asset, start, end, now=now)


def _print(found: Answer) -> None:
    console = Console(highlight=False)
    until = found.to if found.counted_to == found.to else f"{found.counted_to} (now)"
    console.print(f"[bold]{found.asset}[/bold]  {found.from_} to {until}")
    console.print(f"{len(found.machines)} machine{'s' * (len(found.machines) != 1)}: {', '.join(found.machines)}")
    if found.coverage is not None:
        console.print(f"state known for {found.coverage:.1%} of the time")
    table = Table(box=None, pad_edge=False)
    table.add_column("indicator")
    table.add_column("value", justify="right")
    table.add_column("unit")
    for name, value in found.indicators.items():
        if value is not None:
            shown, unit = _shown(value, INDICATORS[name].unit)
            table.add_row(name.replace("_", " "), shown, unit)
    console.print(table)
    undefined = [name.replace("_", " ") for name, value in found.indicators.items() if value is None]
    if undefined:
        console.print(f"[dim]not defined here: {', '.join(undefined)}[/dim]")
    for reason in found.reasons[:10]:
        console.print(f"{reason.seconds / 60:8.1f} min  {reason.state}: {reason.reason} ({reason.entries:.0f} times)")
    for note in found.notes:
        console.print(f"note: {note}")


def _shown(value: float, unit: str) -> tuple[str, str]:
    """Return a value as people read it: a ratio in per cent, a time in minutes."""
    if unit == "1":
        return f"{value:.1%}", ""
    if unit == "s":
        return f"{value / 60:.1f}", "min"
    return f"{value:.4g}", unit
