"""The parts of a floor: what happens in one is the same whether the others are simulated beside it or not."""

from typing import Final

import pytest

from broker.contract.events import NS_PER_S, AnyEvent
from broker.plant import plant_file
from edge.simulation import districts
from edge.simulation.planning import parts, plan
from edge.simulation.planning.plan import FloorPlan
from edge.simulation.simulation import LONG_AGO, Simulation

HOUR: Final = 3_600 * NS_PER_S
START: Final = 1_790_000_000 * NS_PER_S
PLANT: Final = districts.plant(districts.names())
FLOOR: Final[FloorPlan] = plan.read(PLANT.simulate)
FOUND: Final = parts.parts(FLOOR, PLANT.material_flows.values())


def simulated(part: parts.Part | None) -> list[AnyEvent]:
    simulation = Simulation(PLANT, START, part=part)
    simulation.sampling = LONG_AGO
    return simulation.run_until(START + 3 * HOUR)


def test_each_line_and_shared_machine_is_in_one_part() -> None:
    assert sorted(path for part in FOUND for path in part) == sorted([*FLOOR.line, *FLOOR.shared])


@pytest.mark.parametrize("flow", PLANT.material_flows.values(), ids=lambda flow: flow.name)
def test_both_ends_of_a_flow_are_in_one_part(flow: object) -> None:
    ends = {flow.supplier, flow.customer} & FLOOR.line.keys()  # type: ignore[attr-defined]
    assert any(ends <= part for part in FOUND)


def test_a_shared_machine_is_in_the_part_of_those_that_it_serves() -> None:
    for path, shared in FLOOR.shared.items():
        [part] = [part for part in FOUND if path in part]
        assert {asset.rpartition("/")[0] for asset in FLOOR.served(shared)} <= part


@pytest.mark.slow
def test_a_part_by_itself_does_what_it_does_beside_the_others() -> None:
    whole = simulated(None)
    found = parts.packed(FOUND, FLOOR, PLANT, 2)
    assert len(found) == 2
    for part in found:
        machines = parts.of(FLOOR, part).assets
        assert simulated(part) == [event for event in whole if event.asset in machines]


@pytest.mark.parametrize("most", [1, 2, 5, 100])
def test_parts_that_are_packed_are_still_all_of_the_floor(most: int) -> None:
    found = parts.packed(FOUND, FLOOR, PLANT, most)
    assert len(found) <= most
    assert sorted(path for part in found for path in part) == sorted([*FLOOR.line, *FLOOR.shared])


def test_a_part_with_more_machines_or_a_faster_line_comes_first() -> None:
    def first(lines: dict[str, tuple[int, float]]) -> parts.Part:
        text = ["[simulate]"]
        for name, (machines, cycle_s) in lines.items():
            robots = [f"robot-{number}" for number in range(machines)]
            text += [f'[simulate.line."a/b/{name}"]', f"stages = {[[robot] for robot in robots]}"]
            text += [f"buffers = {[3] * (machines - 1)}", f'orders = [{{ product = "{name}", pieces = 40 }}]']
            text += [f"[product.{name}]", f"ideal-cycle = {cycle_s}"]
            for robot in robots:
                text += [f'[simulate.machine."a/b/{name}/{robot}"]', 'model = "weld-robot"', 'cell = "robot-assembly"']
        plant = plant_file.parse("\n".join(text), "test")
        floor = plan.read(plant.simulate)
        return parts.packed(parts.parts(floor, ()), floor, plant, 10)[0]

    assert first({"few": (2, 600.0), "many": (3, 600.0)}) == {"a/b/many"}
    assert first({"slow": (2, 600.0), "fast": (2, 10.0)}) == {"a/b/fast"}
