"""The picture of the map: the plant as its file describes it, with the machines that have joined since."""

import asyncio
from typing import Final

import msgspec
from litestar import Response, get

from broker.plant.assets import AssetInfo
from broker.plant.drawing import draw
from broker.plant.plant import Plant
from services.wall.api import Parts, Wall


@get("/api/v1/map.svg", summary="Sites, lines, machines, buffers and flows as a picture")
async def map_picture(parts: Wall) -> Response[str]:
    """Return an SVG, for a light and a dark screen; each element has its asset's path."""
    # A large plant takes a while, for which pages and messages need not wait.
    return Response(await asyncio.to_thread(draw, _shown(parts)), media_type="image/svg+xml")


HANDLERS: Final = [map_picture]


def _shown(parts: Parts) -> Plant:
    """Return what is declared, or has reported."""
    newcomers = {path: AssetInfo(path) for path in parts.live_state.machines if path not in parts.plant.assets}
    return msgspec.structs.replace(parts.plant, assets=parts.plant.assets | newcomers)
