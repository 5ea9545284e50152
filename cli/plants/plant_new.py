"""`corridor plant new`: a first plant file for a trade, to be changed into one's own."""

import difflib
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.invocation.errors import CommandError
from cli.invocation.plain import plain
from edge.simulation.planning.first_plant import text_for
from edge.simulation.planning.trades import TRADES

File = Annotated[Path, typer.Argument(metavar="FILE", help="A new file, in TOML.")]


def new(
    file: File,
    *,
    trade: Annotated[
        str, typer.Option(metavar="TRADE", help=f"One of {', '.join(TRADES)}; asked for in a terminal if left out.")
    ] = "",
) -> None:
    """Write a small plant file with comments: a line of three or four machines of a trade, and how to simulate it."""
    if file.exists():
        raise _taken(file)
    name = trade or (_asked() if sys.stdin.isatty() else "")
    if name not in TRADES:
        near = difflib.get_close_matches(name, TRADES, n=1)
        problem = f"there is no trade {plain(name)!r}" if name else "no trade is given"
        raise CommandError(
            problem, f"{f'did you mean {near[0]}? T' if near else 't'}he trades are {', '.join(TRADES)} (--trade)"
        )
    shown = shlex.quote(plain(str(file)))
    try:
        with file.open("x", encoding="utf-8", newline="\n") as made:
            made.write(text_for(name, TRADES[name], shlex.quote(plain(file.name))))
    except FileExistsError as error:
        raise _taken(file) from error
    typer.echo(f"{plain(str(file))} is written. Look at it, change it, and run it:", err=True)
    typer.echo(f"  corridor plant check {shown}", err=True)
    typer.echo(f"  corridor demo --plant {shown} --data data-of-my-works", err=True)


def _asked() -> str:
    """Ask in the terminal for a trade, by its name or its number, until there is one."""
    names = list(TRADES)
    for number, name in enumerate(names, 1):
        machines = " → ".join(station.title.lower() for station in TRADES[name].stations)
        typer.echo(f"{number:>3}  {name:<12} {machines}", err=True)
    while True:
        answer = str(typer.prompt("Which trade", err=True)).strip().lower()
        if answer.isdecimal() and 1 <= int(answer) <= len(names):
            return names[int(answer) - 1]
        if answer in names:
            return answer
        typer.echo(f"  {plain(answer)!r} is none of them; type a name or a number of the list", err=True)


def _taken(file: Path) -> CommandError:
    return CommandError(f"{plain(str(file))} exists", "give the name of a new file")
