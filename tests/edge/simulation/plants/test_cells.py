"""A cell by itself reaches its productivity over a year: within two points of what the prototype measured."""

import pytest

from broker.contract.events import NS_PER_S
from broker.plant import plant_file
from edge.simulation import ground_truth
from edge.simulation.floor.cells import CELLS, EXPECTED
from edge.simulation.simulation import SamplingIntervals, Simulation

YEAR_H = 3_900
HOURS = {"robot-assembly": 600, "pellet-press": 150, "turn-mill": 2_000}
"""Fast cells make as many pieces in less than a year of 52 weeks of 75 h."""
SILENT = SamplingIntervals(10**18, 10**18)


def alone(cell: str, seed: int, hours: float) -> tuple[float, float, float, float]:
    floor = plant_file.parse(
        f"""
        [simulate]
        seed = {seed}
        profile = "plain"
        [simulate.line."a/b/c"]
        stages = [["m"]]
        buffers = []
        orders = [{{ product = "x", pieces = {CELLS[cell].lot} }}, {{ product = "y", pieces = {CELLS[cell].lot} }}]
        [simulate.machine."a/b/c/m"]
        model = "washer"
        cell = "{cell}"
        """,
        "test",
    )
    simulation = Simulation(floor, 0)
    simulation.sampling = SILENT
    end = round(hours * 3600) * NS_PER_S
    simulation.run_until(end)
    budget = ground_truth.budgets(simulation.take_ground_truth(), 0, end)["a/b/c/m"]
    availability = budget.states["running"] / sum(budget.states.values())
    effectiveness = CELLS[cell].ideal_s * NS_PER_S * budget.pieces["produced"] / budget.states["running"]
    quality = (budget.pieces["good"] + budget.pieces["rework"]) / budget.pieces["produced"]
    return availability * effectiveness * quality, availability, effectiveness, quality


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
def test_a_year_of_a_cell_by_itself_is_within_two_points(cell: str) -> None:
    expected = EXPECTED[cell]
    years = 4 if CELLS[cell].ideal_s > 2_000 else 1  # few pieces scatter more
    runs = [alone(cell, seed, HOURS.get(cell, YEAR_H)) for seed in range(years)]
    oee, availability, effectiveness, quality = (sum(values) / years for values in zip(*runs, strict=True))
    assert oee == pytest.approx(expected.oee, abs=0.02)
    assert availability == pytest.approx(expected.availability, abs=0.02)
    assert effectiveness == pytest.approx(expected.effectiveness, abs=0.01)
    assert quality == pytest.approx(expected.quality, abs=0.01)


def test_every_cell_has_its_expected_figures() -> None:
    assert CELLS.keys() == EXPECTED.keys()
    for expected in EXPECTED.values():
        product = expected.availability * expected.effectiveness * expected.quality
        assert product == pytest.approx(expected.oee, abs=0.002)
