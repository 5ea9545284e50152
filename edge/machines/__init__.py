"""The kinds of simulated machines: one file each, with the signals and the physics that a real one has."""

from typing import Final

from edge.machines.five_axis_mill import FiveAxisMill
from edge.machines.model import Model

MODELS: Final[dict[str, type[Model]]] = {
    "five-axis-mill": FiveAxisMill,
}
"""The models by the name that a plant file uses."""
