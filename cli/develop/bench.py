"""`corridor bench`: runs one of the programs in `benchmarks/`, each of which measures one claim and prints a ratio."""

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.invocation import checkout
from cli.invocation.errors import CommandError


def bench(
    name: Annotated[str, typer.Argument(help="The benchmark; left out, all are listed.")] = "",
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Arguments of the benchmark.", show_default=False)
    ] = None,
) -> None:
    """Run a benchmark by its name, or list them. Arguments after the name go to the benchmark."""
    root = checkout.require("bench")
    found = {file.stem: file for file in sorted((root / "benchmarks").glob("*.py")) if not file.stem.startswith("_")}
    if not name:
        width = max(map(len, found), default=0)
        for stem, file in found.items():
            typer.echo(f"{stem:<{width}}  {_first_line(file)}")
        return
    if name not in found:
        raise CommandError(f"there is no benchmark {name!r}", f"there are {', '.join(found) or 'none yet'}")
    environment = os.environ | {"PYTHONPATH": str(root)}
    command = [sys.executable, str(found[name]), *(arguments or [])]
    finished = subprocess.run(command, cwd=root, env=environment, check=False)
    raise typer.Exit(finished.returncode)


def _first_line(file: Path) -> str:
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]
