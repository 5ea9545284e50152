"""The addresses of parts: what a name is, the genealogy of a serial number, what a batch affects, the newest parts."""

from pathlib import Path
from typing import Annotated, Any

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, QueryParameter

from services.query.parts.genealogy import UnknownPartError, batch_genealogy, genealogy
from services.query.parts.records import BatchGenealogy, Genealogy
from services.query.parts.search import MOST_LISTED, Found, ListedPart, find, listed_parts
from services.wall.addresses import AssetPath, From, To, Wall, checked

Named = Annotated[str, QueryParameter(name="name", description="a serial number, or the number of a batch")]
Most = Annotated[int, QueryParameter(name="limit", ge=1, le=MOST_LISTED, description="at most so many")]
Under = Annotated[str, QueryParameter(name="asset", description="only under this asset path")]


@get("/api/v1/parts/{serial:path}", summary="The genealogy of a part")
async def part(parts: Wall, serial: FromPath[Path], asset: Under = "") -> Genealogy:
    """Return what `corridor part SERIAL --json` prints."""
    plant, named, under = parts.plant, _named(serial), checked(asset)
    try:
        return await parts.answers.beside.ask(lambda store: genealogy(store, plant, named, under))
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


@get("/api/v1/find", summary="What a name is: a part's serial number, or the number of a batch")
async def found(parts: Wall, name: Named, asset: Under = "") -> Found:
    """Return the genealogy of a part or batch, or names like it; a name that is neither is no fault."""
    plant, under = parts.plant, checked(asset)
    return await parts.answers.beside.ask(lambda store: find(store, plant, name, under))


@get("/api/v1/parts", summary="The newest parts of machines over a range")
async def newest(parts: Wall, asset: AssetPath, start: From, end: To = "now", *, limit: Most = 100) -> list[ListedPart]:
    """Return the parts that were reported, the newest first, each as it was last reported."""
    time_range = parts.range_of(checked(asset), start, end)
    return await parts.answers.beside.ask(
        lambda store: listed_parts(store, asset, time_range.start, time_range.end, most=limit)
    )


HANDLERS: list[Any] = [part, batch, found, newest]


def _named(rest: Path) -> str:
    """Return the name that the rest of an address is; it may have slashes."""
    return rest.as_posix().removeprefix("/")
