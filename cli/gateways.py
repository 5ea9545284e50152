"""`corridor gateway`: what devices that speak other dialects publish on a broker, as messages of the contract."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from broker.contract.topics import LEVELS, check_asset
from broker.plant.plant_file import load
from cli.invocation import options, settings
from cli.invocation.errors import CommandError
from cli.messages.adapter_lines import is_machine
from cli.running import announcing, loop
from cli.running.gateways import HOME_ASSISTANT, MTCONNECT, Link, announced, run_gateways
from cli.running.watching import HealthHost, HealthPort, Watch
from edge.dialects import DIALECTS
from edge.dialects.dialect import Setup

PLACE: Final = "plant/floor/gateway"
"""Site, area and line of devices that do not send where they are."""

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="DIALECT …", help="The dialects of the devices; `list` shows all that there are."),
]
Dialects = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help='The same as an option, for corridor.toml: dialect = ["tasmota"].'),
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
Agents = Annotated[
    list[str] | None,
    typer.Option("--agent", metavar="URL", help="An MTConnect agent to ask by HTTP, http://host:5000; once or more."),
]
Announce = Annotated[
    bool,
    typer.Option("--announce", help="homeassistant: announce the plant's machines there, in place of reading devices."),
]
Remove = Annotated[bool, typer.Option("--remove", help="homeassistant: clear what --announce announced, and end.")]
PlantFile = Annotated[
    Path | None, typer.Option("--plant", metavar="FILE", help="The plant description, with the titles to announce.")
]
Target = Annotated[
    str,
    typer.Option("--broker", "--to", metavar="URL", help="The broker of the plant: mqtt://user:password@host:1883."),
]


def gateway(
    dialects: Names = None,
    *,
    dialect: Dialects = None,
    topic: Topic = None,
    asset: Asset = "",
    place: Place = PLACE,
    machine: Machine = None,
    mapping: Mapping = None,
    set_: Set = None,
    source: Source = "",
    agent: Agents = None,
    announce: Announce = False,
    remove: Remove = False,
    plant: PlantFile = None,
    broker: Target = options.BROKER,
    data: options.Data,
    health_port: HealthPort = None,
    health_host: HealthHost = "127.0.0.1",
    json_: options.Json = False,
) -> None:
    """Translate what devices publish in their own dialects to messages of the contract, until stopped.

    A message is acknowledged to the devices' broker when --broker has what it means. The demo runs the gateway that
    [gateway] in corridor.toml describes.
    """
    if dialects == ["list"]:
        _list(as_json=json_)
        return
    names = _known(dialects or dialect)
    setup = _setup(place, asset, machine, mapping, set_)
    link = Link(source or broker, broker, data / "gateways", topic or (), _agents(names, agent), announce)
    if announce or remove:
        _of_home_assistant(names, "--announce" if announce else "--remove")
    if remove:
        loop.run(announcing.remove(announced(setup, link)))
        return
    link = msgspec.structs.replace(link, plant=load(plant) if plant else None)
    loop.log_to_stderr(logging.INFO)
    loop.run(run_gateways(names, setup, link, Watch(health_host, health_port)))


def configured(data: Path, broker: str) -> tuple[list[str], Setup, Link] | None:
    """Return the gateway that `[gateway]` in corridor.toml describes; None where it names no dialect.

    Raises:
        CommandError: it cannot be read.
        BadParameter: a dialect, path or pair in it is none.
    """
    file = data / settings.FILE_NAME
    own = ("dialect", "topic", "asset", "place", "machine", "mapping", "set", "source", "agent", "announce")
    others = ("broker", "health-port", "health-host", "json", "remove", "plant")
    found = settings.read(file, ["gateway"], known=[*own, *others])
    if "dialect" not in found:
        return None
    mapping = data / found["mapping"] if "mapping" in found else None  # an absolute path stays what it is
    place, asset = found.get("place", PLACE), found.get("asset", "")
    setup = _setup(place, asset, _several(found.get("machine")), mapping, _several(found.get("set")))
    names, topics = _known(_several(found["dialect"])), _several(found.get("topic")) or ()
    agents = _agents(names, _several(found.get("agent")))
    announces = found.get("announce") is True
    if announces:
        _of_home_assistant(names, "announce")
    return names, setup, Link(found.get("source") or broker, broker, data / "gateways", topics, agents, announces)


def _of_home_assistant(names: list[str], option: str) -> None:
    if HOME_ASSISTANT not in names:
        raise typer.BadParameter(f"{option} is of {HOME_ASSISTANT}: corridor gateway {HOME_ASSISTANT} {option}")


def _agents(names: list[str], agents: list[str] | None) -> Sequence[str]:
    if agents and MTCONNECT not in names:
        raise typer.BadParameter(f"--agent is of {MTCONNECT}: corridor gateway {MTCONNECT} --agent http://host:5000")
    return agents or ()


def _known(names: list[str] | None) -> list[str]:
    if not names:
        raise typer.BadParameter("name a dialect: corridor gateway tasmota; `corridor gateway list` shows all")
    for name in names:
        if name not in DIALECTS:
            raise typer.BadParameter(f"there is no dialect {name}; there are {', '.join(DIALECTS)}")
    return names


def _setup(
    place: str, asset: str, machines: list[str] | None, mapping: Path | None, options_: list[str] | None
) -> Setup:
    return Setup(
        place=_place(place),
        asset=_machine(asset) if asset else "",
        machines={device: _machine(path) for device, path in _pairs(machines, "--machine").items()},
        mapping=read_mapping(mapping),
        options=_pairs(options_, "--set"),
    )


def _several(value: object) -> list[str] | None:
    """Return a setting that may be one text or several."""
    if value is None:
        return None
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _list(*, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([{"name": entry.name, "title": entry.title} for entry in DIALECTS.values()]))
        return
    width = max(map(len, DIALECTS))
    for entry in DIALECTS.values():
        typer.echo(f"{entry.name:{width}}  {entry.title}")


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
