"""`corridor store init` and `store status`: set a store up, and say what it holds."""

import asyncio
import json
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from broker.events import NS_PER_S
from broker.instants import format_rfc3339
from cli import options
from cli.errors import CommandError
from services.store.opening import default_url, sqlite_path
from services.store.sqlite import SqliteStore
from services.store.sqlite_status import Held, StoreStatus


def init(*, store: options.Store = "", data: options.Data) -> None:
    """Set up a store; one that is set up already stays as it is, an older one is brought up to date."""
    found = asyncio.run(_status(store or default_url(data)))
    typer.echo(f"{found.file} is ready: {found.engine}, schema {found.version}", err=True)


def status(*, store: options.Store = "", data: options.Data, json_: options.Json = False) -> None:
    """Say what a store holds: events by kind, the ledger, machines, refused messages, and the room on its disk."""
    url = store or default_url(data)
    path = sqlite_path(url)
    if not path.exists():
        raise CommandError(f"there is no store at {path}", f"make one with: corridor store init --store {url}")
    found = asyncio.run(_status(url))
    if json_:
        typer.echo(json.dumps(_document(found)))
    else:
        _print(found)


async def _status(url: str) -> StoreStatus:
    store = await SqliteStore.open(sqlite_path(url))
    try:
        return await store.status()
    finally:
        await store.close()


def _document(found: StoreStatus) -> dict[str, Any]:
    return {
        "engine": found.engine,
        "file": found.file,
        "schema": found.version,
        "size_bytes": found.size,
        "free_bytes": found.free,
        "machines": found.machines,
        "events": {kind: _held(one) for kind, one in found.events.items()},
        "ledger_minutes": _held(found.minutes),
        "refused": _held(found.refused),
    }


def _held(held: Held) -> dict[str, Any]:
    return {"rows": held.n, "oldest": _utc(held.oldest), "newest": _utc(held.newest)}


def _print(found: StoreStatus) -> None:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    table.add_column("rows", justify="right")
    table.add_column("oldest", no_wrap=True)
    table.add_column("newest", no_wrap=True)
    for name, held in {**found.events, "ledger minutes": found.minutes, "refused": found.refused}.items():
        rows = "not counted" if held.n is None else f"{held.n:,}"
        table.add_row(name, rows, _utc(held.oldest) or "–", _utc(held.newest) or "–")
    console = Console()
    console.print(
        f"{found.file}\n{found.engine}, schema {found.version}; {decimal(found.size)}, {decimal(found.free)} free"
        f" on its disk; {found.machines} machine{'' if found.machines == 1 else 's'}",
        highlight=False,
        soft_wrap=True,
    )
    console.print(table)


def _utc(at: int | None) -> str | None:
    """Return a time to the second, as RFC 3339."""
    return None if at is None else format_rfc3339(at // NS_PER_S * NS_PER_S)
