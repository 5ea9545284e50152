"""The kinds of simulated machines, with the signals and the physics that a real one has."""

from typing import Final

from edge.simulation.machines.five_axis_mill import FiveAxisMill
from edge.simulation.machines.gantry import FrictionStirGantry
from edge.simulation.machines.inspection import CoordinateMeasuringMachine, WeldScanner
from edge.simulation.machines.model import Model
from edge.simulation.machines.robots import DeburrRobot, WeldRobot
from edge.simulation.machines.washer import Washer

MODELS: Final[dict[str, type[Model]]] = {
    "coordinate-measuring-machine": CoordinateMeasuringMachine,
    "deburr-robot": DeburrRobot,
    "five-axis-mill": FiveAxisMill,
    "friction-stir-gantry": FrictionStirGantry,
    "washer": Washer,
    "weld-robot": WeldRobot,
    "weld-scanner": WeldScanner,
}
"""The models by the name that a plant file uses."""
