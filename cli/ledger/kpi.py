"""`corridor kpi serve`, `kpi show` and `kpi explain`: build the productivity ledger, query it, check its answers."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final, NamedTuple, TypeVar

import typer
from rich.table import Table

from broker.contract.instants import EARLIEST, format_rfc3339
from broker.plant.plant import Plant
from cli.invocation import options, times
from cli.invocation.asset_paths import asset_path
from cli.invocation.plain import plain
from cli.invocation.terminal import console, titled
from cli.ledger import kpi_shown
from cli.running.stores import PlantFile, opened, plant_of
from cli.services import serve_kpi
from services.ledger.fields import NANO
from services.query import explaining
from services.query.answers import Answer, answer
from services.query.explaining import Explanation
from services.query.groups import By, answers_by
from services.store.interface import Store
from services.store.opening import default_url

__all__ = ["explain", "serve", "show"]

Found = TypeVar("Found")

serve = serve_kpi

LAST_S: Final = 8 * 3_600.0


From = Annotated[
    int | None, typer.Option("--from", metavar="T", parser=times.instant_ns, help="From when (RFC 3339, ms or now-8h).")
]
To = Annotated[
    int | None, typer.Option("--to", metavar="T", parser=times.instant_ns, help="Until when; now if left out.")
]
Last = Annotated[
    float | None, typer.Option("--last", metavar="D", parser=times.duration_s, help="Instead: the last 8h, 7d …")
]
Asset = Annotated[
    str,
    typer.Argument(metavar="ASSET", parser=asset_path, help="A machine, line, area or site: site/area/line/machine."),
]


def show(
    asset: Asset,
    *,
    from_: From = None,
    to: To = None,
    last: Last = None,
    store: options.Store = "",
    data: options.Data,
    plant: PlantFile = None,
    by: Annotated[
        By | None,
        typer.Option(
            help="One row for each, to compare; with --json a list. A day begins with its first shift; shift is each"
            " shift of each day, shift-name adds up those of a name. Times are in the asset's time zone."
        ),
    ] = None,
    json_: options.Json = False,
) -> None:
    """Show the indicators of a machine, line, area or site over a range; the last 8 h if none is given."""

    async def ask(stored: Store, described: Plant, between: tuple[int, int], now: int) -> tuple[list[Answer], str]:
        zone = described.time_zone_of(asset)
        if by is None:
            return [await answer(stored, described, asset, *between, now=now)], zone
        return await answers_by(stored, described, asset, by, between, now=now), zone

    time_range = _duration_text(from_, to, last)
    found, zone = asyncio.run(_with_store(store or default_url(data), plant, asset, time_range, ask))
    if json_:
        documents = [each.document() for each in found]
        typer.echo(json.dumps(documents if by else documents[0], ensure_ascii=False))
    elif by:
        kpi_shown.print_answers(found, asset, by, zone)
    else:
        kpi_shown.print_answer(found[0], zone)
    if not any(each.machines for each in found):
        typer.echo(f"corridor: no data for {asset} in that time range", err=True)
        raise typer.Exit(1)


def explain(
    asset: Asset,
    indicator: Annotated[str, typer.Argument(metavar="INDICATOR", help="As kpi show --json names it: oee, cpk …")],
    *,
    from_: From = None,
    to: To = None,
    last: Last = None,
    store: options.Store = "",
    data: options.Data,
    plant: PlantFile = None,
    json_: options.Json = False,
) -> None:
    """Show how a number is made: formula, sums and source events, so that you can check it by hand."""

    async def ask(stored: Store, described: Plant, between: tuple[int, int], now: int) -> Explanation:
        return await explaining.explain(stored, described, asset, indicator, between, now=now)

    time_range = _duration_text(from_, to, last)
    found = asyncio.run(_with_store(store or default_url(data), plant, asset, time_range, ask))
    if json_:
        typer.echo(json.dumps(found.document(), ensure_ascii=False))
    else:
        _print_explanation(found)


class TimeRange(NamedTuple):
    """A range as asked for, nanoseconds; None where the command line has none."""

    start: int | None
    end: int | None
    length: int


def _duration_text(from_: int | None, to: int | None, last: float | None) -> TimeRange:
    if last is not None and from_ is not None:
        raise typer.BadParameter("--last and --from exclude each other")
    if from_ is None and to is not None and last is None:
        raise typer.BadParameter("--to needs --from or --last")
    if from_ is not None and to is not None and to <= from_:
        raise typer.BadParameter("--to must be later than --from")
    return TimeRange(from_, to, round((last or LAST_S) * NANO))


async def _with_store(
    url: str,
    plant_file: Path | None,
    asset: str,
    time_range: TimeRange,
    ask: Callable[[Store, Plant, tuple[int, int], int], Awaitable[Found]],
) -> Found:
    """Open the store, and ask it with its plant, the range and the present."""
    async with opened(url, existing=True) as store:
        plant = await plant_of(store, plant_file)
        # A demo that ran fast has left its store ahead of the clock; there, now is the newest event.
        now = max([time.time_ns(), *(machine.last for machine in await store.machines(asset))])
        end = now if time_range.end is None else time_range.end
        start = max(EARLIEST, end - time_range.length) if time_range.start is None else time_range.start
        if end <= start:
            raise typer.BadParameter(f"--from {format_rfc3339(start)} is not before now; give an earlier one")
        return await ask(store, plant, (start, end), now)


def _print_explanation(found: Explanation) -> None:
    shown = console()
    number = f", ISO 22400-2 no. {found.number}" if found.number else ""
    shown.print(titled(found.asset, f"  {found.from_} to {found.to}"))
    shown.print(f"{found.formula}{number}")
    shown.print(f"  = {found.filled}")
    shown.print(plain(found.meaning if not found.why_not else f"Not defined: {found.why_not}."))
    for term in found.terms:
        unit = "" if term.unit == "1" else f" {term.unit}"
        sums = " + ".join(f"{field} {found.sums[field]:g}" for field in term.fields)
        made_of = f" = {sums}" if sums else ""
        shown.print()
        shown.print(titled(term.name, f"  {term.meaning}: {term.value:g}{unit}{made_of}"))
    table = Table(box=None, pad_edge=False)
    for column, justify in (("machine", "left"), ("field", "left"), ("amount", "right"), ("from", "left")):
        table.add_column(column, justify="right" if justify == "right" else "left")
    for column in ("to", "state", "product", "shift"):
        table.add_column(column)
    for event in found.events:
        reported_state = event.booked or (f"{event.state}: {event.reason}" if event.reason else event.state)
        table.add_row(
            event.machine.rpartition("/")[2],
            event.field,
            f"{event.amount:g}",
            event.from_,
            event.to if event.to != event.from_ else "",
            *map(plain, (reported_state, event.product, event.shift)),
        )
    shown.print()
    shown.print(table)
    if found.readings:
        shown.print()
        shown.print("Readings that were something else than production:")
    for reading in found.readings:
        shown.print(plain(f"  {reading.at}  {reading.machine.rpartition('/')[2]}: {reading.text} ({reading.kind})"))
