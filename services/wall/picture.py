"""The map: the plant's picture, with the machines that have joined since, and how the flows of material stand."""

import asyncio
from typing import Final

import msgspec
from litestar import Response, get

from broker.plant.assets import AssetInfo
from broker.plant.drawing import draw
from broker.plant.flow_drawing import Mark
from broker.plant.plant import Plant
from services.query.flow_states import FlowState, flow_states
from services.wall.addresses import Parts, Wall


@get("/api/v1/map.svg", summary="Sites, lines, machines, buffers and flows as a picture")
async def map_picture(parts: Wall) -> Response[str]:
    """Return an SVG, for a light and a dark screen; each element has its asset's path."""
    marks = {state.flow: mark for state in await _flow_states(parts) if (mark := _mark(state))}
    machines = parts.live_state.machines
    joined = {path for path, machine in machines.items() if machine.first is not None}
    # A large plant takes a while, for which pages and messages need not wait.
    return Response(await asyncio.to_thread(draw, _shown(parts), marks, joined), media_type="image/svg+xml")


@get("/api/v1/flows", summary="How the flows of material between lines stand")
async def flows(parts: Wall) -> list[FlowState]:
    """Return each flow with the batches on their way, those that are late, and the one that arrived last."""
    return await _flow_states(parts)


HANDLERS: Final = [map_picture, flows]


async def _flow_states(parts: Parts) -> list[FlowState]:
    plant, now = parts.plant, parts.now()
    if not plant.material_flows:
        return []
    return await parts.answers.beside.ask(lambda store: flow_states(store, plant, now))


def _mark(state: FlowState) -> Mark | None:
    """Say how a flow stands, with the batches that are late before those that are on their way in time."""
    late = [each.number for each in state.late]
    coming = [each.number for each in state.on_the_way if not each.is_late]
    words = [f"{word}: {_named(numbers)}" for word, numbers in (("late", late), ("on its way", coming)) if numbers]
    return Mark("; ".join(words), is_late=bool(late)) if words else None


def _named(numbers: list[str]) -> str:
    return numbers[0] if len(numbers) == 1 else f"{numbers[0]} and {len(numbers) - 1} more"


def _shown(parts: Parts) -> Plant:
    """Return what is declared, or has reported."""
    newcomers = {path: AssetInfo(path) for path in parts.live_state.machines if path not in parts.plant.assets}
    return msgspec.structs.replace(parts.plant, assets=parts.plant.assets | newcomers)
