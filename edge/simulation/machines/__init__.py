"""The kinds of simulated machines, with the signals and the physics that a real one has.

**A new kind** is one file here with a subclass of `Model` (`model.py`), and its line in `MODELS`. It gives `signals`,
`failures`, `minor_stops` and `sample`; what it leaves on a piece or measures is `finish`, which adds to `piece.error`
(a share of half the tolerance) and returns findings. It has no clock, and knows no line: only a `Condition`.

- **Randomness**: what sensors show comes from `self.noise`, what happens from `self.process`, and never the second in
  `sample`: how often sensors are read must not change what happens. State that lasts is a number named in
  `checkpointed`; what follows from `now.progress` and `now.run_s` needs none.
- **Scrap by measurement**: `inspects = True` makes a piece whose finding is beyond its limits scrap, or rework where
  the finding's `rework` names that side. With `decides_alone = True` the cell's shares decide nothing. A piece that
  comes back through a loop of the line is given to `rework`, not to `finish`.
- **A batch kind** gives `load = 6`: six pieces, of one order, are worked on for six ideal cycles; the last load of an
  order may be smaller and takes as long. `begin(pieces, now)` is called once a load: draw there what this load suffers,
  and return how long it takes against the usual (the slowest thermocouple gates the hold: `1.08`). `spoiled(now)` is
  asked at the end: a text ("vacuum lost in the hold, bag 3") makes all of the load scrap, and is its alarm. Then
  `finish` is called for each piece. `now.pieces` and `now.load_id` say what is inside.
- **A kind that serves several lines** gives `serves` and `serves_reason`, and stands in `[simulate.shared."…"]` rather
  than in a stage. `serves = "carries"` (vehicle, crane): a cycle is the trip of a piece to the next stage; who calls it
  is blocked until it picks up. `serves = "supplies"` (compressor, chiller): it runs without pieces, and while it is
  down its consumers are starved; `now.demand` is the share of them that run. Neither makes scrap.
"""

from typing import Final

from edge.simulation.machines.assembly import AssemblyRobot, VisionStation
from edge.simulation.machines.autoclave import Autoclave
from edge.simulation.machines.carriers import BridgeCrane, DriverlessVehicle
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
from edge.simulation.machines.powder_bed_printer import PowderBedPrinter
from edge.simulation.machines.press_brake import PressBrake
from edge.simulation.machines.robots import DeburrRobot, WeldRobot
from edge.simulation.machines.router import TrimRouter
from edge.simulation.machines.sinter_furnace import SinterFurnace
from edge.simulation.machines.testing import CScan, Radiograph
from edge.simulation.machines.turn_mill import TurnMill
from edge.simulation.machines.utilities import Chiller, Compressor, GridConnection
from edge.simulation.machines.washer import BatchWasher, Washer

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
