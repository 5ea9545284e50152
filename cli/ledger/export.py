"""`corridor export`: events, telemetry, the ledger or the indicators as a CSV or Parquet file."""

import asyncio
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from broker.contract.events import NS_PER_S
from cli.invocation import options, progress, times
from cli.invocation.asset_paths import AssetPath
from cli.running.stores import PlantFile, opened, plant_of
from services.query.export import exporting
from services.query.export.exporting import EVENTS, Range, Sheet
from services.query.export.sheet_files import sheet_file
from services.store.interface import Resolution, Store
from services.store.opening import default_url

KINDS: Final = (*EVENTS, "ledger", "reasons", "indicators")
_RESOLUTIONS: Final[dict[float, Resolution]] = {60.0: "minute", 3_600.0: "hour", 86_400.0: "day"}

From = Annotated[
    int, typer.Option("--from", metavar="T", parser=times.instant_ns, help="From when (RFC 3339, ms or now-8h).")
]
To = Annotated[
    int | None, typer.Option("--to", metavar="T", parser=times.instant_ns, help="Until when; now if left out.")
]
Every = Annotated[
    float | None,
    typer.Option(
        "--every",
        metavar="D",
        parser=times.duration_s,
        help="Indicators: the length of an interval, 1h if left out. Ledger: 1m (if left out), 1h or 1d.",
    ),
]


def export(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"What to export: {', '.join(KINDS)}.")],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="A new file: its name ends in .csv or .parquet.")],
    from_: From,
    to: To = None,
    asset: AssetPath = "",
    every: Every = None,
    store: options.Store = "",
    data: options.Data,
    plant: PlantFile = None,
) -> None:
    """Write the store's data of a time range to a file: machine by machine, in order of time; times are UTC."""
    if kind not in KINDS:
        raise typer.BadParameter(f"{kind!r} cannot be exported; there are {', '.join(KINDS)}")
    if every is not None and kind not in {"ledger", "indicators"}:
        raise typer.BadParameter("--every is for the ledger and the indicators")
    if every is not None and every < 1:
        raise typer.BadParameter("--every is at least a second, as in 1m or 1h")
    if kind == "ledger" and (every or 60.0) not in _RESOLUTIONS:
        raise typer.BadParameter("the ledger has minutes, hours and days: --every is 1m, 1h or 1d")
    if to is not None and to <= from_:
        raise typer.BadParameter("--to must be later than --from")

    async def run() -> int:
        async with opened(store or default_url(data), existing=True) as stored:
            now = max([time.time_ns(), *(machine.last + 1 for machine in await stored.machines(asset))])
            asked = Range(asset, from_, now if to is None else to)
            if kind == "indicators":
                described = await plant_of(stored, plant)
                every_ns = round((every or 3_600.0) * NS_PER_S)
                return await _write(exporting.indicators(stored, described, asked, every_ns, now=now), out)
            return await _write(_sheet(stored, kind, asked, every), out)

    began = time.monotonic()
    rows = asyncio.run(run())
    typer.echo(f"{rows:,} rows in {time.monotonic() - began:.1f} s, written to {out}", err=True)


def _sheet(store: Store, kind: str, asked: Range, every: float | None) -> Sheet:
    match kind:
        case "ledger":
            return exporting.ledger(store, asked, _RESOLUTIONS[every or 60.0])
        case "reasons":
            return exporting.reasons(store, asked)
        case _:
            return exporting.events(store, kind, asked)


async def _write(sheet: Sheet, out: Path) -> int:
    rows = 0
    with sheet_file(out, sheet.columns) as file, progress.shown(out.name) as show:
        async for share, page in sheet.pages:
            file.write(page)
            rows += len(page)
            show(share, 1.0)
    return rows
