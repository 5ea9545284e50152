"""The address of who reported for a machine, which marks when a real device took it over and gave it back."""

from typing import Any, Final

from litestar import get

from broker.contract.errors import ContractError
from broker.contract.topics import check_asset
from services.query.origins import Origin, origins
from services.wall.addresses import AssetPath, From, To, Wall

_MACHINE_LEVELS: Final = 4


@get("/api/v1/origins", summary="Who reported for a machine over a range: its simulation or a real device")
async def reported_by(parts: Wall, asset: AssetPath, start: From, end: To = "now") -> list[Origin]:
    """Return from when to when it was simulated, and from when to when a real device had it, times in ms."""
    if check_asset(asset).count("/") != _MACHINE_LEVELS - 1:
        raise ContractError(f"{asset!r} is not a machine", "write its whole path, site/area/line/machine")
    time_range = parts.range_of(asset, start, end)
    return await parts.answers.beside.ask(lambda store: origins(store, asset, time_range.start, time_range.end))


HANDLERS: list[Any] = [reported_by]
