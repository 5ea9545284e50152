"""Each machine of the corridor, by itself for a year of its kind, reaches what the figures of its cell promise."""

from typing import Final

import pytest

from broker.contract.events import NS_PER_S
from broker.plant import plant_file
from broker.plant.plant import Plant
from edge.simulation import districts
from edge.simulation.event_buffer import TruePiece
from edge.simulation.floor.cells import Cell
from edge.simulation.machines import MODELS
from edge.simulation.planning import plan
from edge.simulation.planning.plan import FloorPlan
from edge.simulation.simulation import SamplingIntervals, Simulation

SILENT: Final = SamplingIntervals(10**18, 10**18)
HOURS: Final = (300, 4_000)
PIECES: Final = 4_000
"""So many pieces are enough, within these hours: a year of 52 weeks of 75 h is 3,900."""
CORRIDOR: Final = districts.plant(districts.names())
FLOOR: Final = plan.read(CORRIDOR.simulate)
SAMPLE: Final = {
    "sheffield/castings/line-1/furnace-1",
    "sheffield/light-weighting/line-1/autoclave-1",
    "sheffield/medical/line-1/printer-1",
    "sheffield/nuclear/line-1/turn-1",
    "samlesbury/supply-chain/firm-1/turn-1",
    "cumbria/fabrication/line-1/weld-1",
}


def promised(cell: Cell, cycle_s: float, lot: float) -> float:
    """Return the OEE by the figures of a cell, with rework as good."""
    run_h = lot * cycle_s / cell.speed / 3_600
    lost = cell.setup_min / 60 / run_h + cell.mttr_h / cell.mtbf_h
    lost += cell.minor_per_h * cell.minor_min / 60 + cell.wait / (1 - cell.wait)
    quality = 1 - cell.scrap - cell.startup_scrap / lot
    return cell.speed * quality / (1 + lost)


def reached(plant: Plant, floor: FloorPlan, path: str, seed: int) -> tuple[float, float]:
    """Simulate one machine of a floor by itself; return its OEE, and that which it promises."""
    line, _, name = path.rpartition("/")
    machine, flow = floor.machine[path], floor.line[line]
    share = next(1 / len(stage) for stage in flow.stages if name in stage)
    load = machine.load or MODELS[machine.model].load
    lots = {order.product: max(load, round(order.pieces * share / load) * load) for order in flow.orders}
    cycles = {product: plant.ideal_cycle(path, product) or 0.0 for product in lots}
    text = [f'[simulate]\nseed = {seed}\n[simulate.line."a/b/c"]\nstages = [["m"]]\nbuffers = []\norders = [']
    text += [f'{{ product = "{product}", pieces = {pieces} }},' for product, pieces in lots.items()]
    losses = ", ".join(f"{key} = {value}" for key, value in machine.losses.items())
    text.append(f']\n[simulate.machine."a/b/c/m"]\nmodel = "{machine.model}"\ncell = "{machine.cell}"\nload = {load}')
    text.append(f"losses = {{ {losses} }}")
    text += [f"[product.{product}]\nideal-cycle = {cycle_s}" for product, cycle_s in cycles.items()]
    simulation = Simulation(plant_file.parse("\n".join(text), "test"), 0)
    simulation.sampling = SILENT
    mean_s, lot = sum(cycles.values()) / len(cycles), sum(lots.values()) / len(lots)
    end = round(min(max(PIECES * mean_s / 3_600, HOURS[0]), HOURS[1]) * 3_600) * NS_PER_S
    simulation.run_until(end)
    made = [one for one in simulation.take_ground_truth() if isinstance(one, TruePiece)]
    good_s = sum(cycles[one.product] for one in made if one.fate != "scrap")
    return good_s * NS_PER_S / end, promised(plan.cell_of(machine, "plain"), mean_s, lot)


def check(path: str, seeds: range) -> None:
    years = [reached(CORRIDOR, FLOOR, path, seed) for seed in seeds]
    assert sum(year[0] for year in years) / len(years) == pytest.approx(years[0][1], abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(SAMPLE))
def test_a_sample_of_the_machines_reaches_its_band(path: str) -> None:
    check(path, range(11, 14))


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(FLOOR.machine.keys() - SAMPLE))
def test_every_machine_reaches_its_band(path: str) -> None:
    check(path, range(21, 23))
