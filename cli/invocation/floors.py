"""Which plant is simulated: a file's, or some districts of the shipped corridor."""

from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer

from broker.plant.plant import Plant
from broker.plant.plant_file import load
from cli.invocation.errors import CommandError
from edge.simulation import districts
from edge.simulation.districts import UnknownDistrictError

_ALL: Final = Path(districts.NAME)

PlantFile = Annotated[
    Path | None,
    typer.Option(
        "--plant", metavar="FILE", help="The plant description, or `corridor` for the shipped one with all districts."
    ),
]
Districts = Annotated[
    list[str] | None,
    typer.Option(
        "--district", metavar="SITE/AREA", help="Show this district of the shipped corridor; may be repeated."
    ),
]
All = Annotated[bool, typer.Option("--all", help="Show all districts of the shipped corridor.")]


class Floor(NamedTuple):
    """A plant, where it is from, and whether it is the one that a user gets who asks for none."""

    plant: Plant
    source: str
    is_default: bool


def chosen(file: Path | None, named: list[str] | None, *, all_: bool) -> Floor:
    """Return the plant that was asked for; two districts of the corridor if none was.

    Raises:
        CommandError: two were asked for, or there is no such district.
        OSError: the file cannot be read.
        PlantError: it has mistakes.
    """
    if (file is not None) + bool(named) + all_ > 1:
        raise CommandError("more than one of --plant, --district and --all is given", "give one of them")
    is_corridor = all_ or file == _ALL
    if file is not None and not is_corridor:
        return Floor(load(file), str(file), is_default=False)
    try:
        plant = districts.plant(districts.names() if is_corridor else named or districts.DEFAULT)
    except UnknownDistrictError as error:
        raise CommandError(error.problem, error.hint) from error
    return Floor(plant, str(districts.CORRIDOR), is_default=not is_corridor and not named)
