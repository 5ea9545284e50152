"""`corridor recompute`: the ledger of a time range recomputed from the stored events."""

import asyncio
import time
from typing import Annotated, Final

import typer

from broker.plant.plant import Plant
from broker.plant.plant_file import load
from cli.invocation import options, progress, times
from cli.invocation.asset_paths import AssetPath
from cli.invocation.errors import CommandError
from cli.invocation.plain import plain
from cli.running.stores import PLANT_METADATA, PlantFile, opened, plant_to_store
from services.kpi.growth import grows
from services.kpi.recompute import Progress, Recomputed
from services.kpi.recompute import recompute as recompute_ledger
from services.kpi.service import MANY_MACHINES, SHARE_OF_MANY, TICK_S
from services.store.interface import Store
from services.store.opening import default_url

_PATIENCE_S: Final = 1.5

From = Annotated[
    int, typer.Option("--from", metavar="T", parser=times.instant_ns, help="From when (RFC 3339, ms or now-8h).")
]
To = Annotated[
    int | None, typer.Option("--to", metavar="T", parser=times.instant_ns, help="Until when; now if left out.")
]


def recompute(
    *,
    from_: From,
    to: To = None,
    asset: AssetPath = "",
    store: options.Store = "",
    data: options.Data,
    plant: PlantFile = None,
) -> None:
    """Recompute the ledger of a time range from the stored events; with --plant, as if that plant had always applied.

    Only rows that differ are written. You can interrupt it and run it again. While a service writes the
    ledger, the newest hour is left to that service; to apply another plant, stop the service first.
    """
    if to is not None and to <= from_:
        raise typer.BadParameter("--to must be later than --from")
    described = None if plant is None else load(plant)

    async def run() -> Recomputed:
        async with opened(store or default_url(data), existing=True) as stored:
            # A demo that ran fast has left its store ahead of the clock; there, now is the newest event.
            now = max([time.time_ns(), *(machine.last for machine in await stored.machines(asset))])
            end = now if to is None else to
            is_stored = await _is_stored(stored, asset, end, now)
            if described is not None and is_stored and described.text != await stored.metadata(PLANT_METADATA):
                raise CommandError(
                    "a service is writing this ledger, with the plant as it was",
                    "stop it, recompute, and start it again: it then goes on with the new plant",
                )
            return await _run(
                stored, await plant_to_store(stored, plant), asset, (from_, end), now, is_stored=is_stored
            )

    began = time.monotonic()
    done = asyncio.run(run())
    for note in done.notes:
        typer.echo(plain(note), err=True)
    machines = f"{done.machines} machine{'s' * (done.machines != 1)}"
    rows = f"{done.rows:,} rows, of which {done.changed:,} changed"
    typer.echo(f"{machines}, {done.events:,} events, {rows}, in {time.monotonic() - began:.1f} s", err=True)
    if done.failed:
        failed = ", ".join(f"{machine} ({how})" for machine, how in done.failed.items())
        raise CommandError(
            f"the program fails on the events of {failed}; the rows of these machines are not recomputed",
            "report it with their events: corridor export",
        )


async def _is_stored(store: Store, asset: str, end: int, now: int) -> bool:
    """Return whether a service is writing the ledger now; that takes as long as it takes to see it grow."""
    tick_s = TICK_S * (SHARE_OF_MANY if len(await store.machines()) > MANY_MACHINES else 1)
    with progress.shown("checking whether a service is writing this ledger"):
        return await grows(store, asset, end, now=now, wait_s=tick_s + _PATIENCE_S)


async def _run(
    store: Store, plant: Plant, asset: str, between: tuple[int, int], now: int, *, is_stored: bool
) -> Recomputed:
    with progress.shown(f"recomputing {asset or 'all machines'}") as show:

        def watch(reached: Progress) -> None:
            show(reached.done, reached.total)

        return await recompute_ledger(store, plant, asset, *between, now=now, is_stored=is_stored, watch=watch)
