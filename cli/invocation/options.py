"""Options that several commands share, so that they are spelt and explained the same everywhere."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.invocation import checkout

BROKER = "mqtt://127.0.0.1:1883"
"""The broker's default address."""


def data_folder() -> Path:
    """Return where data lives by default: `data` in a checkout that can be written to, else the user's data folder."""
    root = checkout.find()
    if root is not None and os.access(root, os.W_OK):
        return root / "data"
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    else:
        base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "corridor"


Data = Annotated[
    Path,
    typer.Option(
        "--data",
        metavar="DIR",
        help="The folder of data, logs and corridor.toml.",
        default_factory=data_folder,
    ),
]
Broker = Annotated[
    str, typer.Option("--broker", metavar="URL", help="The broker: mqtt://user:password@host:1883, mqtts://….")
]
Store = Annotated[
    str,
    typer.Option(
        "--store",
        metavar="URL",
        help="The store: sqlite:///path, influxdb://token@host:8086/bucket, influxdb1://…; if left out, in --data.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
