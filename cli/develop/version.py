"""`corridor version`: which Corridor this is, and what it runs on."""

import json
import platform
import tomllib
from importlib import metadata

import typer

from cli.invocation import checkout, options


def version(*, json_: options.Json = False) -> None:
    """Print the version of Corridor, of Python and of the system."""
    root = checkout.find()
    facts = {
        "corridor": number(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "from": str(root) if root else "package",
    }
    if json_:
        typer.echo(json.dumps(facts))
    else:
        typer.echo("corridor {corridor} (Python {python}, {system})".format_map(facts))


def number() -> str:
    """Return Corridor's version, from the checkout that runs or from the package that is installed."""
    root = checkout.find()
    if root is None:
        return metadata.version("corridor")
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])
