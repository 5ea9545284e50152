"""`corridor contract`: the contract as JSON documents."""

import json
from pathlib import Path
from typing import Annotated

import typer

from broker.contract.documents import asyncapi as described
from broker.contract.documents import schema
from cli.invocation.errors import CommandError


def contract(
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write a file for each kind into this folder.")
    ] = None,
    asyncapi: Annotated[
        bool, typer.Option("--asyncapi", help="An AsyncAPI 3.0 document instead: channels, messages, operations.")
    ] = False,
) -> None:
    """Print the contract as one JSON document, or write the JSON Schema of each kind to a file of its own."""
    if asyncapi and out is not None:
        raise CommandError("--asyncapi is one document, --out writes a file for each kind", "leave out one of them")
    if asyncapi:
        typer.echo(json.dumps(described.document(), indent=2, ensure_ascii=False))
        return
    if out is None:
        typer.echo(json.dumps(schema.document(), indent=2, ensure_ascii=False))
        return
    out.mkdir(parents=True, exist_ok=True)
    for kind, made in schema.document()["kinds"].items():
        file = out / f"{kind}.schema.json"
        file.write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        typer.echo(str(file), err=True)
