"""The kinds of simulated machines, with the signals and the physics that a real one has."""

from typing import Final

from edge.machines.five_axis_mill import FiveAxisMill
from edge.machines.gantry import FrictionStirGantry
from edge.machines.inspection import CoordinateMeasuringMachine, WeldScanner
from edge.machines.model import Model
from edge.machines.robots import DeburrRobot, WeldRobot
from edge.machines.washer import Washer

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
