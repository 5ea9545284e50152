"""`corridor store init`, `store status` and `store backup`: set a store up, show what it holds, and copy it."""

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.filesize import decimal
from rich.table import Table

from broker.contract.events import NS_PER_S
from broker.contract.instants import format_rfc3339
from broker.private_files import make_folder
from cli.invocation import options, times
from cli.invocation.errors import CommandError
from cli.invocation.terminal import console
from services.store import client_ids
from services.store.influx import address as influx_address
from services.store.opening import default_url, is_influx, open_store, sqlite_path
from services.store.retention import Held, StoreStatus
from services.store.sqlite import backup as sqlite_backup

if TYPE_CHECKING:
    from services.store.influx.setup import Role, Setup


Retention = Annotated[
    float | None,
    typer.Option(metavar="D", parser=times.duration_s, help="InfluxDB: the retention of raw events; 30d by default."),
]


def init(
    *,
    store: options.Store = "",
    data: options.Data,
    retention: Retention = None,
    services_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="InfluxDB: write here the store's URL with an account for the services."),
    ] = None,
    grafana_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="InfluxDB: write here the token or password of an account that only reads."),
    ] = None,
    new_client_ids: Annotated[
        bool,
        typer.Option("--new-client-ids", help="New MQTT client ids for its services: for a copy of another store."),
    ] = False,
) -> None:
    """Set up a store. An existing store stays as it is; an older one is migrated.

    InfluxDB: give a URL with an administrator's account. Accounts for the services and for Grafana are created;
    their secrets are written to files, or else printed once.
    """
    url = store or default_url(data)
    if is_influx(url):
        files: dict[Role, Path | None] = {"services": services_file, "grafana": grafana_file}
        asyncio.run(_set_up_influx(url, None if retention is None else round(retention * NS_PER_S), files))
        if new_client_ids:
            asyncio.run(_renew_client_ids(url))
        return
    if retention is not None or services_file is not None or grafana_file is not None:
        raise CommandError("a SQLite store has no accounts and no --retention", "leave these options out")
    found = asyncio.run(_status(url))
    if new_client_ids:
        asyncio.run(_renew_client_ids(url))
    typer.echo(f"{found.place} is ready: {found.engine}, schema {found.version}", err=True)


def status(*, store: options.Store = "", data: options.Data, json_: options.Json = False) -> None:
    """Show what a store holds: events by kind, ledger, machines, rejected messages, and the space on its disk."""
    url = store or default_url(data)
    if not is_influx(url) and not (path := sqlite_path(url)).exists():
        raise CommandError(f"there is no store at {path}", f"make one with: corridor store init --store {url}")
    found = asyncio.run(_status(url))
    if json_:
        typer.echo(json.dumps(_document(found)))
    else:
        _print(found)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")],
    *,
    store: options.Store = "",
    data: options.Data,
) -> None:
    """Copy a SQLite store into a new file, as one consistent snapshot, while it is in use."""
    url = store or default_url(data)
    if is_influx(url):
        raise CommandError("this copies SQLite stores", "see docs/how-to/backup-and-restore.md for InfluxDB")
    if not (path := sqlite_path(url)).exists():
        raise CommandError(f"there is no store at {path}", "name it with --data or --store")
    typer.echo(f"{file}: {decimal(sqlite_backup.backup(path, file))}", err=True)


async def _status(url: str) -> StoreStatus:
    store = await open_store(url)
    try:
        return await store.status()
    finally:
        await store.close()


async def _renew_client_ids(url: str) -> None:
    store = await open_store(url)
    try:
        await client_ids.renew(store)
        name = await client_ids.client_id(store, "ingest")
    finally:
        await store.close()
    typer.echo(
        f"new client ids ({name} …); messages that the broker still queues for the old ones are not delivered", err=True
    )


async def _set_up_influx(url: str, events_retention_ns: int | None, files: "dict[Role, Path | None]") -> None:
    from services.store.influx.setup import Setup  # noqa: PLC0415  (its HTTP client takes a while to load)

    async with Setup(influx_address.parse(url)) as setup:
        for line in await setup.make_buckets(events_retention_ns):
            typer.echo(line, err=True)
        for role, file in files.items():
            await _set_up_account(setup, role, file)
        typer.echo(f"{setup.address} is ready: InfluxDB {setup.version}", err=True)


async def _set_up_account(setup: "Setup", role: "Role", file: Path | None) -> None:
    """Make an account for the services or for Grafana, unless there is one that works."""
    if setup.needs_no_account and file is None:
        return
    if file is not None and (known := _read_secret(file)) and await setup.lets_in(role, known):
        typer.echo(f"{file} lets {role} in", err=True)
        return
    secret = await setup.make_account(role, renew=file is not None)
    if secret is None:
        typer.echo(f"{role} has an account; --{role}-file FILE makes it a new secret", err=True)
    elif file is None:
        typer.echo(f"{role}: {secret}")
    else:
        _write_secret(file, secret)
        typer.echo(f"{file} holds the {'store’s URL' if role == 'services' else 'secret'} for {role}", err=True)


def _read_secret(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def _write_secret(file: Path, secret: str) -> None:
    """Write a file that only its owner can read, at no time anyone else."""
    make_folder(file.parent)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(f"{secret}\n")


def _document(found: StoreStatus) -> dict[str, Any]:
    return {
        "engine": found.engine,
        "place": found.place,
        "schema": found.version,
        "size_bytes": found.size,
        "free_bytes": found.free,
        "machines": found.machines,
        "events": {kind: _held(one) for kind, one in found.events.items()},
        "ledger_minutes": _held(found.minutes),
        "refused": _held(found.rejected),
    }


def _held(held: Held) -> dict[str, Any]:
    return {"rows": held.n, "oldest": _utc(held.oldest), "newest": _utc(held.newest)}


def _print(found: StoreStatus) -> None:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    table.add_column("rows", justify="right")
    table.add_column("oldest", no_wrap=True)
    table.add_column("newest", no_wrap=True)
    for name, held in {**found.events, "ledger minutes": found.minutes, "rejected": found.rejected}.items():
        rows = "not counted" if held.n is None else f"{held.n:,}"
        table.add_row(name, rows, _utc(held.oldest) or "–", _utc(held.newest) or "–")
    shown = console()
    size = "" if found.size is None else f"; {decimal(found.size)}"
    free = "" if found.free is None else f", {decimal(found.free)} free on its disk"
    shown.print(
        f"{found.place}\n{found.engine}, schema {found.version}{size}{free};"
        f" {found.machines} machine{'' if found.machines == 1 else 's'}",
        soft_wrap=True,
    )
    shown.print(table)


def _utc(at: int | None) -> str | None:
    """Return a time to the second, as RFC 3339."""
    return None if at is None else format_rfc3339(at // NS_PER_S * NS_PER_S)
