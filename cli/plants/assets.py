"""`corridor asset list` and `asset retire`: which machines there are, and retiring those that no longer exist."""

import json
import time
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table

from broker.contract.instants import FOR_EVER, format_rfc3339
from broker.contract.topics import PREFIX, RETAINED, WINDOWS
from broker.mqtt.session import Publication, Session
from cli.invocation import options
from cli.invocation.asset_paths import asset_path
from cli.invocation.errors import CommandError
from cli.invocation.plain import plain
from cli.invocation.terminal import console
from cli.running import loop
from cli.running.client_ids import client_id
from services.ledger.history import History
from services.store.interface import Machine, Store
from services.store.opening import default_url, open_store
from services.store.retiring import retire as set_retired
from services.store.retiring import retired


def list_(
    *,
    asset: Annotated[
        str,
        typer.Option("--asset", metavar="PATH", parser=asset_path, help="Of this site, area, line or machine alone."),
    ] = "",
    store: options.Store = "",
    data: options.Data,
    json_: options.Json = False,
) -> None:
    """List the machines in the store: first and last event, state, and since when retired."""
    found: list[dict[str, Any]] = []
    loop.run(_list(store or default_url(data), asset, found))
    if json_:
        typer.echo(json.dumps(found))
        return
    table = Table("machine", "first", "last", "state", "retired", box=box.SIMPLE)
    for each in found:
        table.add_row(*(plain(str(value or "")) for value in each.values()))
    console().print(table)


def retire(
    path: Annotated[str, typer.Argument(metavar="PATH", parser=asset_path, help="A machine, or a line, area or site.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Retire all machines under a line, area or site.")] = False,
    broker: options.Broker = options.BROKER,
    store: options.Store = "",
    data: options.Data,
) -> None:
    """Retire machines: remove them from wall, ledger, indicators and retained messages; their history stays.

    A machine returns by itself with the next message that it sends.
    """
    loop.log_to_stderr()
    loop.run(_retire(store or default_url(data), broker, path, yes=yes))


async def _list(url: str, asset: str, found: list[dict[str, Any]]) -> None:
    opened = await open_store(url)
    try:
        machines = await opened.machines(asset)
        since = await retired(opened)
        states: dict[str, History] = {}
        for event in await opened.latest_before(("state", "status"), asset, FOR_EVER):
            states.setdefault(event.asset, History(0)).put(event, event.at, 0)
        found += [
            {
                "path": machine.asset,
                "first": format_rfc3339(machine.first),
                "last": format_rfc3339(machine.last),
                "state": states[machine.asset].state_at(FOR_EVER).state if machine.asset in states else "unknown",
                "retired": format_rfc3339(since[machine.asset]) if machine.asset in since else None,
            }
            for machine in machines
        ]
    finally:
        await opened.close()


async def _retire(url: str, broker: str, path: str, *, yes: bool) -> None:
    opened = await open_store(url)
    try:
        machines = await opened.machines(path)
        if not machines:
            raise CommandError(f"the store knows no machine {path!r}", "`corridor asset list` lists them")
        if [machine.asset for machine in machines] != [path] and not yes:
            raise CommandError(
                f"these are {len(machines)} machines: {', '.join(machine.asset for machine in machines[:10])}"
                + (", …" if len(machines) > 10 else ""),
                "add --yes to retire all of them",
            )
        new = await set_retired(opened, machines, time.time_ns())
        topics = list(_topics(machines, await _deserted(opened, machines)))
    finally:
        await opened.close()
    for machine in machines:
        typer.echo(f"{machine.asset} is retired{'' if machine.asset in new else ' already'}", err=True)
    try:
        async with Session(broker, client_id=client_id("asset-retire")) as session:
            await session.publish(*(Publication(topic, b"", 1, retain=True) for topic in topics))
    except OSError as error:
        raise CommandError(
            f"its retained messages are not cleared: {error}", "run the command again when the broker is reachable"
        ) from error


async def _deserted(store: Store, machines: Iterable[Machine]) -> list[str]:
    """Return the lines, areas and sites of these machines that have no others left."""
    out = await retired(store)
    left = {group for each in await store.machines() if each.asset not in out for group in _groups(each.asset)}
    return sorted({group for machine in machines for group in _groups(machine.asset)} - left)


def _groups(path: str) -> list[str]:
    levels = path.split("/")
    return ["/".join(levels[:depth]) for depth in range(1, len(levels))]


def _topics(machines: Iterable[Machine], groups: Iterable[str]) -> Iterable[str]:
    """Yield the topics that the broker may retain of machines, and of groups that have none left."""
    for machine in machines:
        yield from (f"{PREFIX}/{machine.asset}/{kind}" for kind in sorted(RETAINED - {"kpi"}))
    for path in (*(machine.asset for machine in machines), *groups):
        yield from (f"{PREFIX}/{path}/kpi/{window}" for window in WINDOWS)
