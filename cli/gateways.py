"""`corridor gateway`: what devices that speak other dialects publish on a broker, as messages of the contract."""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from broker.contract.topics import LEVELS, check_asset
from broker.mqtt import address
from broker.mqtt.session import Session
from cli.adapter_lines import is_machine
from cli.invocation import options
from cli.invocation.errors import CommandError
from cli.running import loop
from cli.running.alone import alone
from cli.running.watching import HealthHost, HealthPort, Watch, answering_for
from edge.dialects import DIALECTS
from edge.dialects.dialect import Setup
from edge.gateways.gateway import Gateway
from edge.gateways.receipts import Receipts
from edge.gateways.spool import Spool
from services.health.vitals import Vitals

PLACE: Final = "plant/floor/gateway"
"""Site, area and line of devices that do not send where they are."""

Names = Annotated[
    list[str], typer.Argument(metavar="DIALECT …", help="What the devices speak; `list` shows which there are.")
]
Topic = Annotated[
    list[str] | None,
    typer.Option(metavar="FILTER", help="The topics of the devices, once or more often; left out, the dialect's own."),
]
Asset = Annotated[str, typer.Option(metavar="PATH", help="The one machine that it is: site/area/line/machine.")]
Place = Annotated[
    str, typer.Option(metavar="PATH", help="Site, area and line of devices that do not send where they are.")
]
Machine = Annotated[
    list[str] | None, typer.Option(metavar="DEVICE=PATH", help="The asset path of one device, once or more often.")
]
Mapping = Annotated[
    Path | None, typer.Option(metavar="FILE", help="What messages mean, for dialects that are described by a file.")
]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of a dialect.")]
Source = Annotated[
    str, typer.Option("--source", "--from", metavar="URL", help="The devices' broker; left out, --broker.")
]
Target = Annotated[
    str,
    typer.Option("--broker", "--to", metavar="URL", help="The broker of the plant: mqtt://user:password@host:1883."),
]


def gateway(
    dialects: Names,
    *,
    topic: Topic = None,
    asset: Asset = "",
    place: Place = PLACE,
    machine: Machine = None,
    mapping: Mapping = None,
    set_: Set = None,
    source: Source = "",
    broker: Target = options.BROKER,
    data: options.Data,
    health_port: HealthPort = None,
    health_host: HealthHost = "127.0.0.1",
    json_: options.Json = False,
) -> None:
    """Translate what devices publish in their own dialects to messages of the contract, until stopped.

    A message is acknowledged to the devices' broker when --broker has what it means.
    """
    if dialects == ["list"]:
        _list(as_json=json_)
        return
    for name in dialects:
        if name not in DIALECTS:
            raise typer.BadParameter(f"there is no dialect {name}; there are {', '.join(DIALECTS)}")
    setup = Setup(
        place=_place(place),
        asset=_machine(asset) if asset else "",
        machines={device: _machine(path) for device, path in _pairs(machine, "--machine").items()},
        mapping=read_mapping(mapping),
        options=_pairs(set_, "--set"),
    )
    loop.log_to_stderr(logging.INFO)
    link = Link(source or broker, broker, data / "gateways", topic or ())
    loop.run(run_gateways(dialects, setup, link, Watch(health_host, health_port)))


def _list(*, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([{"name": entry.name, "title": entry.title} for entry in DIALECTS.values()]))
        return
    width = max(map(len, DIALECTS))
    for entry in DIALECTS.values():
        typer.echo(f"{entry.name:{width}}  {entry.title}")


class Link(msgspec.Struct, frozen=True):
    """From where to where gateways translate.

    Attributes:
        source: the devices' broker.
        target: the plant's.
        folder: holds the spool and the receipts of each gateway.
        topics: of the devices; none for those of each dialect.
    """

    source: str
    target: str
    folder: Path
    topics: Sequence[str] = ()


async def run_gateways(dialects: Sequence[str], setup: Setup, link: Link, watch: Watch) -> None:
    """Run dialects, each on sessions of its own.

    Raises:
        CommandError: the port for `/healthz` cannot be listened on, or another gateway has the same folder.
    """
    async with answering_for(watch), asyncio.TaskGroup() as group:
        for name in dialects:
            group.create_task(_run(name, setup, link, watch))


async def _run(name: str, setup: Setup, link: Link, watch: Watch) -> None:
    dialect = DIALECTS[name].make(setup)
    if not (link.topics or dialect.filters):
        raise CommandError(
            f"{name} has no topics of its own",
            "describe the messages with --mapping FILE; `corridor map suggest` writes a first one",
        )
    client = "-".join(("corridor-gateway", name, *(setup.asset or setup.place).split("/")))
    folder = link.folder / client
    with (
        alone(folder / "lock", f"another gateway of {name} runs for this place", "stop it, or choose another --place"),
        contextlib.closing(Spool(folder / "spool")) as spool,
        contextlib.closing(Receipts(folder / "receipts")) as receipts,
    ):
        async with (
            Session(
                link.source,
                client_id=client,
                filters=link.topics or dialect.filters,
                persistent=dialect.persistent,
                will=lambda: dialect.will(time.time_ns()),
                greeting=lambda: dialect.connected(time.time_ns()).requests,
                farewell=lambda: dialect.leaving(time.time_ns()).requests,
            ) as incoming,
            Session(link.target, client_id=f"{client}-out") as outgoing,
        ):
            vitals = [Vitals(f"gateway-{name}", incoming), Vitals(f"gateway-{name}-out", outgoing)]
            vitals[0].spool = spool
            watch.known.extend(vitals)
            typer.echo(
                f"{DIALECTS[name].title}: {address.parse(link.source)} to {address.parse(link.target)}", err=True
            )
            await Gateway(
                incoming,
                dialect,
                outgoing,
                answering=incoming,
                spool=spool,
                receipts=receipts,
                on_rejected=lambda rejection: vitals[0].rejected.add(rejection.problem),
            ).run()


def read_mapping(file: Path | None) -> str:
    """Return the text of a mapping; '' without a file.

    Raises:
        CommandError: it cannot be read.
    """
    if file is None:
        return ""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}", "name a file in TOML") from error


def _machine(path: str) -> str:
    if not is_machine(path):
        raise typer.BadParameter(f"{path} is no machine's path; write {'/'.join(LEVELS)}")
    return path


def _place(path: str) -> str:
    if check_asset(path).count("/") != len(LEVELS) - 2:
        raise typer.BadParameter(f"{path} is no line's path; write {'/'.join(LEVELS[:3])}")
    return path


def _pairs(given: list[str] | None, option: str) -> dict[str, str]:
    for each in given or ():
        if "=" not in each:
            raise typer.BadParameter(f"{option} {each} has no =; write NAME=VALUE")
    return dict(each.split("=", 1) for each in given or ())
