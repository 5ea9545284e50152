"""The addresses of parts: the genealogy of a serial number, and the parts that a batch of material affects."""

from pathlib import Path
from typing import Annotated, Any

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, QueryParameter

from broker.contract.topics import check_asset
from services.query.genealogy import BatchGenealogy, Genealogy, UnknownPartError, batch_genealogy, genealogy
from services.wall.api import Wall

Under = Annotated[str, QueryParameter(name="asset", description="only under this asset path")]


@get("/api/v1/parts/{serial:path}", summary="The genealogy of a part")
async def part(parts: Wall, serial: FromPath[Path], asset: Under = "") -> Genealogy:
    """Return what `corridor part SERIAL --json` prints."""
    if asset:
        check_asset(asset)
    plant, named = parts.plant, _named(serial)
    try:
        return await parts.answers.beside.ask(lambda store: genealogy(store, plant, named, asset))
    except UnknownPartError as error:
        raise NotFoundException(str(error)) from error


@get("/api/v1/batches/{number:path}", summary="The parts that a batch of material affects")
async def batch(parts: Wall, number: FromPath[Path]) -> BatchGenealogy:
    """Return what `corridor part --batch ID --json` prints."""
    plant, named = parts.plant, _named(number)
    try:
        return await parts.answers.beside.ask(lambda store: batch_genealogy(store, plant, named))
    except UnknownPartError as error:
        raise NotFoundException(str(error)) from error


HANDLERS: list[Any] = [part, batch]


def _named(rest: Path) -> str:
    """Return the name that the rest of an address is; it may have slashes."""
    return rest.as_posix().removeprefix("/")
