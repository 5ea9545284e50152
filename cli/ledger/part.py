"""`corridor part`: the genealogy of a part, or the parts that a batch of material affects."""

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from broker.plant.plant import Plant
from cli.invocation import options
from cli.invocation.asset_paths import asset_path
from cli.invocation.plain import plain
from cli.invocation.terminal import console, titled
from cli.running.stores import PlantFile, opened, plant_of
from services.query.parts.genealogy import UnknownPartError, batch_genealogy, genealogy
from services.query.parts.records import BatchFacts, BatchGenealogy, BatchMember, Genealogy, PartRecord, as_document
from services.store.opening import default_url


def part(
    serial: Annotated[
        str, typer.Argument(metavar="SERIAL", help="The serial number, as machines report it in `part` messages.")
    ] = "",
    *,
    batch: Annotated[str, typer.Option("--batch", metavar="ID", help="Instead: the parts that a batch affects.")] = "",
    asset: Annotated[
        str,
        typer.Option(
            "--asset", metavar="PATH", parser=asset_path, help="Only under this site, area or line, where two share it."
        ),
    ] = "",
    store: options.Store = "",
    data: options.Data,
    plant: PlantFile = None,
    json_: options.Json = False,
) -> None:
    """Show a part's genealogy: machines passed, measurements, energy, its material and where that came from.

    With --batch, list what a batch of material holds and every part that was made from it, on any line.
    """
    if bool(serial) == bool(batch):
        raise typer.BadParameter("give either a SERIAL or --batch ID")
    try:
        found, described = asyncio.run(_ask(store or default_url(data), plant, serial, batch, asset))
    except UnknownPartError as error:
        typer.echo(f"corridor: {plain(str(error))}", err=True)
        raise typer.Exit(1) from error
    if json_:
        typer.echo(json.dumps(as_document(found), ensure_ascii=False))
    elif isinstance(found, BatchGenealogy):
        _print_batch(found, described)
    else:
        for record in found.parts:
            _print_part(record, described)


async def _ask(
    url: str, plant_file: Path | None, serial: str, batch: str, asset: str
) -> tuple[Genealogy | BatchGenealogy, Plant]:
    async with opened(url, existing=True) as store:
        plant = await plant_of(store, plant_file)
        if batch:
            return await batch_genealogy(store, plant, batch), plant
        return await genealogy(store, plant, serial, asset), plant


def _print_part(record: PartRecord, plant: Plant, depth: int = 0) -> None:
    shown, pad, zone = console(), "  " * depth, plant.time_zone_of(record.line)
    made = ", ".join(filter(None, (record.product, record.order, record.result)))
    shown.print(titled(plain(f"{pad}{record.serial}"), plain(f"  {record.line}  {made}")))
    table = Table(box=None, pad_edge=False)
    for column in ("machine", "from", "to", "result", "kW·h", "measured"):
        table.add_column(column, justify="right" if column == "kW·h" else "left")
    for step in record.steps:
        measured = ", ".join(
            f"{one.characteristic} {one.value:.5g}{f' {one.unit}' if one.unit not in {'', '1'} else ''}"
            f"{'' if one.within else ' (beyond its limits)'}"
            for one in step.measurements
        )
        energy = "" if step.energy_kwh is None else f"{step.energy_kwh:.3g}"
        machine = step.asset.rpartition("/")[2]
        cells = (f"{pad}{machine}", _clock(step.from_, zone), _clock(step.to, zone), step.result, energy, measured)
        table.add_row(*map(plain, cells))
    if record.steps:
        shown.print(table)
    else:
        shown.print(plain(f"{pad}no machine has reported it: the supplier is outside"))
    if record.energy_kwh is not None:
        shown.print(plain(f"{pad}electricity {record.energy_kwh:.3g} kW·h"))
    if record.batch:
        shown.print(plain(f"{pad}left in batch {_batch_words(record.batch, zone)}"))
    for reference in record.became:
        shown.print(plain(f"{pad}became {reference.serial} ({reference.product}) on {reference.line}"))
    if record.material:
        shown.print(plain(f"{pad}made from batch {_batch_words(record.material, zone)}"))
    if record.source:
        _print_part(record.source, plant, depth + 1)


def _print_batch(found: BatchGenealogy, plant: Plant) -> None:
    shown, zone = console(), plant.time_zone_of(found.batch.customer or found.batch.supplier)
    shown.print(titled(plain(found.batch.number), plain(f"  {_batch_words(found.batch, zone, named=False)}")))
    for heading, members in (("holds", found.holds), ("affects", found.affects)):
        shown.print(f"{heading} {len(members)} part{'' if len(members) == 1 else 's'}")
        if members:
            shown.print(_members(members, zone))


def _members(members: list[BatchMember], zone: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("serial", "line", "product", "result", "at", "made from"):
        table.add_column(column)
    for one in members:
        table.add_row(*map(plain, (one.serial, one.line, one.product, one.result, _clock(one.at, zone), one.source)))
    return table


def _batch_words(batch: BatchFacts, zone: str, *, named: bool = True) -> str:
    words = [batch.number] if named else []
    if batch.flow:
        words.append(f"{batch.title}, {batch.supplier} to {batch.customer}")
    words += [f"left {_clock(batch.shipped, zone)}"] if batch.shipped else []
    words += [f"arrived {_clock(batch.arrived, zone)}"] if batch.arrived else []
    return "; ".join(words)


def _clock(at: str | None, zone: str) -> str:
    if at is None:
        return ""
    return f"{datetime.fromisoformat(at).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}"
