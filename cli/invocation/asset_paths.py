"""Asset paths on the command line: validated before anything is done."""

from typing import Annotated

import typer

from broker.contract.errors import ContractError
from broker.contract.topics import check_asset


def asset_path(text: str) -> str:
    """Read an asset path; '' is everything.

    Raises:
        typer.BadParameter: a level of it is not a name.
    """
    try:
        return check_asset(text) if text else text
    except ContractError as error:
        raise typer.BadParameter(str(error)) from error


AssetPath = Annotated[
    str,
    typer.Option("--asset", metavar="PATH", parser=asset_path, help="A machine, line, area or site; left out, all."),
]
