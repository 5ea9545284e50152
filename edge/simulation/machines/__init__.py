"""The kinds of simulated machines, with the signals and the physics that a real one has.

A new kind is one file in the folder of its trade, with a subclass of `Model`, and its line in `MODELS`; the docstring
of `model.py` is the recipe. A batch kind gives `load` (pieces a cycle), may draw in `begin` what the load suffers and
how long it takes, and may make all of it scrap with `spoiled`. A kind that serves several lines gives `serves`.
"""

from typing import Final

from edge.simulation.machines.composites.autoclave import Autoclave
from edge.simulation.machines.composites.composites import FibrePlacement, ResinInfusion
from edge.simulation.machines.composites.router import TrimRouter
from edge.simulation.machines.finishing.finishing import Grinder, Polisher
from edge.simulation.machines.finishing.laser_marker import LaserMarker
from edge.simulation.machines.finishing.packaging_rig import PackagingRig
from edge.simulation.machines.finishing.washer import BatchWasher, Washer
from edge.simulation.machines.inspection.inspection import CoordinateMeasuringMachine, WeldScanner
from edge.simulation.machines.inspection.testing import CScan, Radiograph
from edge.simulation.machines.joining.assembly import AssemblyRobot, VisionStation
from edge.simulation.machines.joining.electron_beam import ElectronBeamWelder
from edge.simulation.machines.joining.fabrication import Cladder, FrameWelder
from edge.simulation.machines.joining.gantry import FrictionStirGantry
from edge.simulation.machines.joining.robots import DeburrRobot, WeldRobot
from edge.simulation.machines.metal.five_axis_mill import AluminiumMill, FiveAxisMill
from edge.simulation.machines.metal.heavy_turn_mill import HeavyTurnMill
from edge.simulation.machines.metal.press_brake import PressBrake
from edge.simulation.machines.metal.turn_mill import TurnMill
from edge.simulation.machines.model import Model
from edge.simulation.machines.shaping.casting_furnace import CastingFurnace
from edge.simulation.machines.shaping.pellets import LaserGauge, PelletPress
from edge.simulation.machines.shaping.polymer_printer import PolymerPrinter
from edge.simulation.machines.shaping.powder_bed_printer import PowderBedPrinter
from edge.simulation.machines.shaping.sinter_furnace import SinterFurnace
from edge.simulation.machines.site.carriers import BridgeCrane, DriverlessVehicle
from edge.simulation.machines.site.utilities import Chiller, Compressor, GridConnection

MODELS: Final[dict[str, type[Model]]] = {
    "aluminium-mill": AluminiumMill,
    "assembly-robot": AssemblyRobot,
    "autoclave": Autoclave,
    "batch-washer": BatchWasher,
    "bridge-crane": BridgeCrane,
    "c-scan": CScan,
    "casting-furnace": CastingFurnace,
    "chiller": Chiller,
    "cladder": Cladder,
    "compressor": Compressor,
    "coordinate-measuring-machine": CoordinateMeasuringMachine,
    "deburr-robot": DeburrRobot,
    "driverless-vehicle": DriverlessVehicle,
    "electron-beam-welder": ElectronBeamWelder,
    "fibre-placement": FibrePlacement,
    "five-axis-mill": FiveAxisMill,
    "frame-welder": FrameWelder,
    "friction-stir-gantry": FrictionStirGantry,
    "grid-connection": GridConnection,
    "grinder": Grinder,
    "heavy-turn-mill": HeavyTurnMill,
    "laser-gauge": LaserGauge,
    "laser-marker": LaserMarker,
    "packaging-rig": PackagingRig,
    "pellet-press": PelletPress,
    "polisher": Polisher,
    "polymer-printer": PolymerPrinter,
    "powder-bed-printer": PowderBedPrinter,
    "press-brake": PressBrake,
    "radiograph": Radiograph,
    "resin-infusion": ResinInfusion,
    "sinter-furnace": SinterFurnace,
    "trim-router": TrimRouter,
    "turn-mill": TurnMill,
    "vision-station": VisionStation,
    "washer": Washer,
    "weld-robot": WeldRobot,
    "weld-scanner": WeldScanner,
}
"""The models by the name that a plant file uses."""
