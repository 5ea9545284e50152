"""The map: the plant's picture, with the machines that have joined since, how its lines do and how its flows stand."""

import asyncio
from typing import Final

import msgspec
from litestar import Response, get

from broker.contract.topics import is_under
from broker.plant.assets import AssetInfo
from broker.plant.drawing import draw
from broker.plant.flow_drawing import Mark
from broker.plant.plant import Plant
from services.ledger.stops import STOPS
from services.query.answers import Answer
from services.query.flow_states import FlowState, flow_states
from services.wall.addresses import AssetPath, From, Parts, To, Wall, answers_of, checked
from services.wall.answers.documents import Asset, asset_of

_LOST: Final = STOPS | {"setup"}
"""States in which planned time is lost."""


@get("/api/v1/map.svg", summary="Sites, lines, machines, buffers and flows as a picture")
async def map_picture(parts: Wall) -> Response[str]:
    """Return an SVG, for a light and a dark screen; each element has its asset's path."""
    marks = {state.flow: mark for state in await _flow_states(parts) if (mark := _mark(state))}
    machines = parts.live_state.machines
    joined = {path for path, machine in machines.items() if machine.first is not None}
    # A large plant takes a while, for which pages and messages need not wait.
    return Response(await asyncio.to_thread(draw, _shown(parts), marks, joined), media_type="image/svg+xml")


class Lost(msgspec.Struct, frozen=True):
    """What a line lost most planned time to: a state, the reason for it ('' where none is known), and seconds."""

    state: str
    reason: str
    seconds: float


class MapLine(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """How a line of the map does.

    Attributes:
        asset: its path.
        from_: since when, RFC 3339.
        to: up to when.
        oee: null where it is not defined, or cannot be.
        coverage: share of the time of which the states of its machines are known; null where there is none.
        lost_most: null where nothing was lost.
    """

    asset: str
    from_: str
    to: str
    oee: float | None
    coverage: float | None
    lost_most: Lost | None


class PlantMap(msgspec.Struct, frozen=True):
    """The map as data: the sites, areas and lines, how each line does, and the flows of material between lines."""

    places: list[Asset]
    lines: list[MapLine]
    flows: list[FlowState]


@get("/api/v1/map", summary="Places, how each line does, and the flows of material between lines")
async def plant_map(parts: Wall, asset: AssetPath = "", start: From = "shift", end: To = "now") -> PlantMap:
    """Return the map of all sites, or of one site or area; its lines over the running shift, or another range."""
    under = checked(asset)
    parts.range_of(under, start, end)  # one that is none is reported also where there is no line
    paths = sorted(path for path in parts.live_state.groups() if path and is_under(path, under))
    places = [asset_of(parts.live_state, parts.plant, path) for path in paths]
    lines = [place.path for place in places if place.level == "line"]
    answers = await answers_of(parts, lines, start, end, every="", by=None) if lines else []
    flows_now = [
        state
        for state in await _flow_states(parts)
        if is_under(state.supplier, under) or is_under(state.customer, under)
    ]
    return PlantMap(places, [_line(answer) for answer in answers], flows_now)


def _line(answer: Answer) -> MapLine:
    oee = None if "oee" in answer.implausible else answer.indicators["oee"]
    return MapLine(answer.asset, answer.from_, answer.to, oee, answer.coverage, _lost_most(answer))


def _lost_most(answer: Answer) -> Lost | None:
    """Return the reason that cost most planned time; set-up for which no reason was reported is one of its own."""
    lost = [Lost(each.state, each.reason, each.seconds) for each in answer.reasons if each.state in _LOST]
    explained = sum(each.seconds for each in lost if each.state == "setup")
    lost.append(Lost("setup", "", answer.ledger["setup_s"] - explained))
    most = max(lost, key=lambda each: each.seconds)
    return most if most.seconds > 0 else None


@get("/api/v1/flows", summary="How the flows of material between lines stand")
async def flows(parts: Wall) -> list[FlowState]:
    """Return each flow with the batches on their way, those that are late, and the one that arrived last."""
    return await _flow_states(parts)


HANDLERS: Final = [map_picture, plant_map, flows]


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
