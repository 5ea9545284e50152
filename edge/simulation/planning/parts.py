"""The parts of a simulated floor that have nothing to do with each other, so that each can be simulated by itself.

Lines belong together between which material flows, or which a machine serves together. As each machine has its own
random numbers, what happens in a part is the same whether the others are simulated beside it or not.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from broker.contract.topics import line_of
from broker.plant.material_flow import MaterialFlow
from broker.plant.plant import Plant
from edge.simulation.planning.plan import FloorPlan, LinePlan, cell_of

Part = frozenset[str]
"""The paths of lines, and of the machines that serve several of them."""
_PIECE_S: Final = 44.0
"""At a piece in so many seconds, a machine's pieces are as much work as its minutes and its telemetry (measured)."""


def parts(floor: FloorPlan, flows: Iterable[MaterialFlow]) -> list[Part]:
    """Return the parts of a floor, in the order of their first lines.

    Args:
        floor: the simulated floor's plan.
        flows: of material, as the plant describes them.
    """
    found: list[Part] = [frozenset({path}) for path in floor.line]
    for flow in flows:
        found = _joined(found, {flow.supplier, flow.customer} & floor.line.keys())
    for path, shared in floor.shared.items():
        served = {line_of(asset) for asset in floor.served(shared)}
        found = _joined([*found, frozenset({path})], {path, *served})
    return found


def of(floor: FloorPlan, part: Part) -> FloorPlan:
    """Return the plan of a part of a floor."""
    return msgspec.structs.replace(
        floor,
        line={path: line for path, line in floor.line.items() if path in part},
        machine={asset: one for asset, one in floor.machine.items() if line_of(asset) in part},
        shared={path: shared for path, shared in floor.shared.items() if path in part},
    )


def packed(found: Iterable[Part], floor: FloorPlan, plant: Plant, most: int) -> list[Part]:
    """Put parts together to at most so many, each with about as much work, the most work first.

    The same parts are packed the same way.

    Args:
        found: the parts.
        floor: the simulated floor's plan.
        plant: what has the ideal cycles.
        most: how many there may be.
    """
    packs: list[tuple[float, Part]] = [(0.0, frozenset())] * most
    work = {part: _work(part, floor, plant) for part in found}
    for part in sorted(work, key=lambda part: (-work[part], min(part))):
        place = min(range(most), key=lambda place: packs[place][0])
        size, others = packs[place]
        packs[place] = size + work[part], others | part
    return [part for _, part in sorted(packs, key=lambda pack: -pack[0]) if part]


def _work(part: Part, floor: FloorPlan, plant: Plant) -> float:
    """Return about how much there is to simulate, sum and write: the time of so many machines, and their pieces."""
    machines = sum(line_of(asset) in part for asset in floor.machine) + sum(path in part for path in floor.shared)
    lines = {path: line for path, line in floor.line.items() if path in part}
    pieces = sum(len(line.stages) / _pace_s(path, line, floor, plant) for path, line in lines.items())
    return machines + _PIECE_S * pieces


def _pace_s(path: str, line: LinePlan, floor: FloorPlan, plant: Plant) -> float:
    """Return the ideal cycle of a line's slowest stage with its first product, seconds a piece."""

    def cycle_s(name: str) -> float:
        asset = f"{path}/{name}"
        return plant.ideal_cycle(asset, line.orders[0].product) or cell_of(floor.machine[asset], floor.profile).ideal_s

    return max(1 / sum(1 / cycle_s(name) for name in stage) for stage in line.stages)


def _joined(parts: list[Part], together: set[str]) -> list[Part]:
    """Return the parts, those that hold one of these paths as one, in the place of the first of them."""
    touched = [part for part in parts if part & together]
    if len(touched) < 2:
        return parts
    whole = frozenset().union(*touched)
    place = parts.index(touched[0])
    rest = [part for part in parts if part not in touched]
    return [*rest[:place], whole, *rest[place:]]
