"""`corridor sbom`: the software bill of materials, as a CycloneDX document."""

from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from cli.invocation import checkout
from cli.invocation.errors import CommandError
from cli.sbom import document as sbom_document


def sbom(
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="What to write; left out, standard output.")
    ] = None,
) -> None:
    """Write what Corridor is made of, with versions, hashes and licences, as CycloneDX 1.6 (JSON).

    The same lock file gives the same document, byte by byte. An installed package prints the one it was built with.
    """
    root = checkout.find()
    try:
        text = sbom_document.build(root) if root else _packaged()
    except ValueError as error:
        raise CommandError(str(error), "fix the file, or regenerate the lock file (CONTRIBUTING.md)") from error
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8", newline="\n")


def _packaged() -> str:
    text = metadata.distribution("corridor").read_text(f"sboms/{sbom_document.FILE_NAME}")
    if text is None:
        raise CommandError(
            "this package was built without a bill of materials", "build it with hatchling 1.28 or later"
        )
    return text
