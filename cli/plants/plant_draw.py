"""`corridor plant draw`: a plant file as a picture."""

from pathlib import Path
from typing import Annotated

import typer

from broker.plant.drawing import draw as drawn
from cli.invocation import floors
from cli.invocation.plain import plain


def draw(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The plant file, in TOML; or `corridor` for the shipped plant.")
    ],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The picture, an SVG; it is overwritten.")],
) -> None:
    """Draw a plant: its sites, areas and lines, with machines, buffers and flows."""
    out.write_text(drawn(floors.chosen(file, None, all_=False).plant), encoding="utf-8", newline="\n")
    typer.echo(f"{plain(str(out))} is drawn", err=True)
