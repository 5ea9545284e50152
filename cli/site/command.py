"""`corridor docs`: build the site of the documents, strictly, or serve it and build it again when a page changes."""

from pathlib import Path
from typing import Annotated

import typer

from cli.invocation import checkout

OUT = Path("build") / "site"


def docs(
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where the site is written; left out, build/site.")
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Serve it on this computer, and build it again after each change.")
    ] = False,
    port: Annotated[int, typer.Option(metavar="PORT", min=0, max=65_535, help="The port of --serve.")] = 8000,
) -> None:
    """Build the documents as a web site: search, navigation, the HTTP API and the contract written out.

    A link or an anchor that leads nowhere is an error. The folder can be opened from the disk; search needs --serve
    or another web server. The site asks no other server for anything.
    """
    root = checkout.require("docs")
    target = (out or root / OUT).resolve()
    from cli.site import building  # noqa: PLC0415  (an installed package has no MkDocs)

    building.build(root, target)
    typer.echo(f"{target / 'index.html'}")
    if serve:
        building.serve(root, target, port)
