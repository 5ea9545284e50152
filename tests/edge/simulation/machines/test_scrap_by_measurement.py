"""Kinds whose measurement alone decides come to about the scrap that their cell plans for."""

import pytest

from broker.contract.events import NS_PER_S
from broker.plant import plant_file
from edge.simulation.event_buffer import TruePiece
from edge.simulation.floor.cells import CELLS
from edge.simulation.machines import MODELS
from edge.simulation.simulation import SamplingIntervals, Simulation

HOURS = 400
SILENT = SamplingIntervals(10**18, 10**18)
KINDS = {
    "assembly-robot": "robot-assembly",
    "autoclave": "autoclave",
    "electron-beam-welder": "electron-beam",
    "grinder": "implant-finishing",
    "pellet-press": "pellet-press",
    "powder-bed-printer": "powder-bed",
    "turn-mill": "turn-mill",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_scrap_is_within_a_point_of_what_the_cell_plans(kind: str) -> None:
    cell = CELLS[KINDS[kind]]
    floor = plant_file.parse(
        f"""
        [simulate]
        seed = 5
        profile = "plain"
        [simulate.line."a/b/c"]
        stages = [["m"]]
        buffers = []
        orders = [{{ product = "x", pieces = 240 }}]
        [simulate.machine."a/b/c/m"]
        model = "{kind}"
        cell = "{KINDS[kind]}"
        losses = {{ ideal-s = 240, startup-scrap = 0, setup-min = 1 }}
        """,
        "test",
    )
    simulation = Simulation(floor, 0)
    simulation.sampling = SILENT
    simulation.run_until(HOURS * 3_600 * NS_PER_S)
    fates = [one.fate for one in simulation.take_ground_truth() if isinstance(one, TruePiece)]
    assert MODELS[kind].decides_alone
    assert len(fates) > 2_500
    assert fates.count("scrap") / len(fates) == pytest.approx(cell.scrap, abs=0.01)
    assert fates.count("rework") / len(fates) == pytest.approx(cell.rework, abs=0.04)
