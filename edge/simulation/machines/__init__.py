"""The kinds of simulated machines, with the signals and the physics that a real one has."""

from typing import Final

from edge.simulation.machines.assembly import AssemblyRobot, VisionStation
from edge.simulation.machines.casting_furnace import CastingFurnace
from edge.simulation.machines.composites import FibrePlacement, ResinInfusion
from edge.simulation.machines.electron_beam import ElectronBeamWelder
from edge.simulation.machines.fabrication import Cladder, FrameWelder
from edge.simulation.machines.finishing import Grinder, Polisher
from edge.simulation.machines.five_axis_mill import AluminiumMill, FiveAxisMill
from edge.simulation.machines.gantry import FrictionStirGantry
from edge.simulation.machines.heavy_turn_mill import HeavyTurnMill
from edge.simulation.machines.inspection import CoordinateMeasuringMachine, WeldScanner
from edge.simulation.machines.laser_marker import LaserMarker
from edge.simulation.machines.model import Model
from edge.simulation.machines.packaging_rig import PackagingRig
from edge.simulation.machines.pellets import LaserGauge, PelletPress
from edge.simulation.machines.polymer_printer import PolymerPrinter
from edge.simulation.machines.press_brake import PressBrake
from edge.simulation.machines.robots import DeburrRobot, WeldRobot
from edge.simulation.machines.router import TrimRouter
from edge.simulation.machines.testing import CScan, Radiograph
from edge.simulation.machines.turn_mill import TurnMill
from edge.simulation.machines.washer import Washer

MODELS: Final[dict[str, type[Model]]] = {
    "aluminium-mill": AluminiumMill,
    "assembly-robot": AssemblyRobot,
    "c-scan": CScan,
    "casting-furnace": CastingFurnace,
    "cladder": Cladder,
    "coordinate-measuring-machine": CoordinateMeasuringMachine,
    "deburr-robot": DeburrRobot,
    "electron-beam-welder": ElectronBeamWelder,
    "fibre-placement": FibrePlacement,
    "five-axis-mill": FiveAxisMill,
    "frame-welder": FrameWelder,
    "friction-stir-gantry": FrictionStirGantry,
    "grinder": Grinder,
    "heavy-turn-mill": HeavyTurnMill,
    "laser-gauge": LaserGauge,
    "laser-marker": LaserMarker,
    "packaging-rig": PackagingRig,
    "pellet-press": PelletPress,
    "polisher": Polisher,
    "polymer-printer": PolymerPrinter,
    "press-brake": PressBrake,
    "radiograph": Radiograph,
    "resin-infusion": ResinInfusion,
    "trim-router": TrimRouter,
    "turn-mill": TurnMill,
    "vision-station": VisionStation,
    "washer": Washer,
    "weld-robot": WeldRobot,
    "weld-scanner": WeldScanner,
}
"""The models by the name that a plant file uses."""
