"""`corridor stack check`: whether each part of the stack works and data flows from end to end, with hints.

A probe, the device `corridor/check/line-1/probe-1`, publishes a reading and a meter; they are looked for in the store,
in the indicators, on the wall and in Grafana's data source. A part that another bars from being tested is left out.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
import typer

from cli.invocation import options
from cli.invocation.plain import plain
from cli.stack import parts as stack_parts
from cli.stack.env_file import EnvFile
from cli.stack.parts import Fault, LeftOut, Places
from cli.stack.stack import FILE_NAME, Folder

CurrentState = Literal["ok", "fault", "left out"]


class Finding(msgspec.Struct, frozen=True, rename={"current_state": "standing", "reported": "told", "hint": "cure"}):
    """What was found of a part.

    Attributes:
        part: its name.
        current_state: whether it works; `left out` where that cannot be tested.
        reported: what was seen.
        hint: what to do about a fault; '' where there is none.
    """

    part: str
    current_state: CurrentState
    reported: str
    hint: str = ""


class Part(NamedTuple):
    """A part: how it is tested (returns what works, raises what does not), and the parts that it needs."""

    name: str
    ask: Callable[[Places], Awaitable[str]]
    needs: tuple[str, ...] = ()


PARTS: Final = (
    Part("settings", stack_parts.settings),
    Part("containers", stack_parts.containers, ("settings",)),
    Part("broker", stack_parts.broker, ("settings",)),
    Part("store", stack_parts.store, ("settings",)),
    Part("ingest", stack_parts.ingest, ("broker", "store")),
    Part("ledger", stack_parts.ledger, ("broker", "store")),
    Part("wall", stack_parts.wall, ("settings",)),
    Part("grafana", stack_parts.grafana, ("settings", "ingest")),
)


def check(
    *,
    folder: Folder,
    broker: Annotated[str, typer.Option(metavar="URL", help="The broker, instead of .env's: mqtt://host:1883.")] = "",
    store: Annotated[str, typer.Option(metavar="URL", help="The store, instead of .env's.")] = "",
    wall: Annotated[str, typer.Option(metavar="URL", help="The wall, instead of .env's: http://host:8080.")] = "",
    grafana: Annotated[str, typer.Option(metavar="URL", help="Grafana, instead of .env's; none: do not test it.")] = "",
    json_: options.Json = False,
) -> None:
    """Test each part of the stack, and the data flow from end to end; with a hint for each fault."""
    reported = {"broker": broker, "store": store, "wall": wall, "grafana": grafana}
    places = Places.of(EnvFile(folder / FILE_NAME), {name: url for name, url in reported.items() if url})

    def report(finding: Finding) -> None:
        if not json_:
            _print(finding)

    findings = asyncio.run(examine(PARTS, places, report))
    if json_:
        typer.echo(json.dumps(msgspec.to_builtins(findings), ensure_ascii=False))
    if any(finding.current_state == "fault" for finding in findings):
        raise typer.Exit(1)


async def examine(parts: tuple[Part, ...], places: Places, report: Callable[[Finding], None]) -> list[Finding]:
    """Ask each part in turn, but for those of which a part that they need does not work; `report` gets each finding."""
    found: dict[str, Finding] = {}
    for part in parts:
        broken = [name for name in part.needs if found[name].current_state != "ok"]
        found[part.name] = (
            Finding(part.name, "left out", f"not tested: {broken[0]} does not work")
            if broken
            else await _asked(part, places)
        )
        report(found[part.name])
    return list(found.values())


async def _asked(part: Part, places: Places) -> Finding:
    try:
        return Finding(part.name, "ok", await part.ask(places))
    except LeftOut as why:
        return Finding(part.name, "left out", str(why))
    except Fault as fault:
        return Finding(part.name, "fault", fault.reported, fault.hint)


def _print(finding: Finding) -> None:
    colours = {"ok": typer.colors.GREEN, "fault": typer.colors.RED, "left out": typer.colors.YELLOW}
    current_state = typer.style(
        f"{finding.current_state.upper() if finding.current_state == 'fault' else finding.current_state:<8}",
        fg=colours[finding.current_state],
    )
    typer.echo(f"{finding.part:<10}  {current_state}  {plain(finding.reported)}")
    if finding.hint:
        typer.echo(f"{'':<10}  {'hint':<8}  {plain(finding.hint)}")
