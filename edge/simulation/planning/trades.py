"""The trades for which a first plant file can be written: each with a line of three or four machines.

The machines' kinds are those of `edge.simulation.machines`, their losses those of `edge.simulation.floor.cells`.
"""

from typing import Final, NamedTuple


class Station(NamedTuple):
    """A machine of a first line, or several alike side by side.

    Attributes:
        name: the beginning of its name in the path: `mill` becomes `mill-1`.
        title: its name for people.
        model: its kind.
        cell: how it loses time and pieces.
        ideal_s: ideal cycle of the first product, seconds a piece.
        side_by_side: how many of them there are.
    """

    name: str
    title: str
    model: str
    cell: str
    ideal_s: float
    side_by_side: int = 1


class Trade(NamedTuple):
    """A trade.

    Attributes:
        title: its name for people.
        line: the title of its first line.
        products: two, by their names in orders.
        pieces: of an order.
        stations: the stages of the line, in the order of the flow.
        buffers: pieces that fit between two of them.
    """

    title: str
    line: str
    products: tuple[str, str]
    pieces: int
    stations: tuple[Station, ...]
    buffers: tuple[int, ...]


_MEASURING: Final = ("cmm", "Measuring machine", "coordinate-measuring-machine", "cmm")
_PACKER: Final = ("pack", "Packaging machine", "packaging-rig", "robot-assembly")

TRADES: Final[dict[str, Trade]] = {
    "machining": Trade(
        "Machining",
        "Milled parts",
        ("bracket", "rib"),
        36,
        (
            Station("mill", "Five-axis mill", "five-axis-mill", "five-axis-titanium", 420, 2),
            Station("deburr", "Deburring robot", "deburr-robot", "robot-assembly", 220),
            Station(*_MEASURING, 220),
        ),
        (8, 8),
    ),
    "turning": Trade(
        "Turning",
        "Turned parts",
        ("valve-stem", "spigot"),
        60,
        (
            Station("turn", "Turn-mill", "turn-mill", "turn-mill", 180, 2),
            Station("grind", "Grinder", "grinder", "implant-finishing", 90),
            Station(*_MEASURING, 85),
        ),
        (12, 12),
    ),
    "casting": Trade(
        "Casting",
        "Castings",
        ("pump-housing", "swirl-vane"),
        16,
        (
            Station("furnace", "Casting furnace", "casting-furnace", "casting-furnace", 1_200),
            Station("fettle", "Fettling robot", "deburr-robot", "robot-assembly", 1_100),
            Station("xray", "X-ray cabinet", "radiograph", "cmm", 950),
            Station(*_MEASURING, 900),
        ),
        (6, 6, 6),
    ),
    "welding": Trade(
        "Welding",
        "Welded trays",
        ("battery-tray", "cold-plate"),
        60,
        (
            Station("stir", "Friction-stir gantry", "friction-stir-gantry", "friction-stir", 150),
            Station("wash", "Washer", "washer", "robot-assembly", 115),
            Station("robot", "Arc-welding robot", "weld-robot", "robot-assembly", 130),
            Station("scan", "Weld scanner", "weld-scanner", "cmm", 120),
        ),
        (6, 6, 6),
    ),
    "fabrication": Trade(
        "Fabrication",
        "Welded frames",
        ("frame-large", "frame-small"),
        8,
        (
            Station("brake", "Press brake", "press-brake", "turn-mill", 900),
            Station("weld", "Frame welder", "frame-welder", "friction-stir", 1_800, 2),
            Station("scan", "Weld scanner", "weld-scanner", "cmm", 780),
        ),
        (6, 4),
    ),
    "heavy": Trade(
        "Heavy engineering",
        "Vessel rings",
        ("ring", "nozzle-ring"),
        1,
        (
            Station("turn", "Heavy turn-mill", "heavy-turn-mill", "heavy-turn-mill", 14_400),
            Station("beam", "Electron-beam welder", "electron-beam-welder", "electron-beam", 10_800),
            Station("clad", "Cladder", "cladder", "electron-beam", 12_000),
            Station("scan", "Ultrasonic scanner", "c-scan", "cmm", 7_200),
        ),
        (2, 2, 2),
    ),
    "composites": Trade(
        "Composites",
        "Fibre parts",
        ("wing-rib", "panel"),
        12,
        (
            Station("layup", "Fibre placement", "fibre-placement", "lay-up", 4_800),
            Station("autoclave", "Autoclave", "autoclave", "autoclave", 3_900),
            Station("trim", "Trim router", "trim-router", "five-axis-aluminium", 3_200),
            Station("scan", "Ultrasonic scanner", "c-scan", "cmm", 3_200),
        ),
        (12, 12, 6),
    ),
    "additive": Trade(
        "Additive manufacturing",
        "Printed metal parts",
        ("hip-stem", "knee-tray"),
        48,
        (
            Station("printer", "Powder-bed printer", "powder-bed-printer", "powder-bed", 900, 2),
            Station("grind", "Grinder", "grinder", "implant-finishing", 400),
            Station(*_MEASURING, 360),
        ),
        (48, 12),
    ),
    "printing": Trade(
        "Polymer printing",
        "Printed polymer parts",
        ("stand", "gear-model"),
        12,
        (
            Station("printer", "Polymer printer", "polymer-printer", "powder-bed", 720, 2),
            Station("mill", "Small mill", "aluminium-mill", "five-axis-aluminium", 320),
            Station(*_PACKER, 200),
        ),
        (8, 8),
    ),
    "assembly": Trade(
        "Assembly",
        "Actuators",
        ("actuator-left", "actuator-right"),
        60,
        (
            Station("robot", "Assembly robot", "assembly-robot", "robot-assembly", 55, 2),
            Station("vision", "Vision station", "vision-station", "robot-assembly", 26),
            Station(*_PACKER, 26),
        ),
        (12, 12),
    ),
    "packaging": Trade(
        "Packaging",
        "Sterile packs",
        ("kit-large", "kit-small"),
        48,
        (
            Station("wash", "Chamber washer", "batch-washer", "robot-assembly", 70),
            Station("mark", "Laser marker", "laser-marker", "robot-assembly", 72),
            Station("vision", "Vision station", "vision-station", "robot-assembly", 64),
            Station(*_PACKER, 75),
        ),
        (24, 12, 12),
    ),
    "pellets": Trade(
        "Powder pressing",
        "Pellets, by trays of ten",
        ("tray-of-ten", "tray-of-small"),
        480,
        (
            Station("press", "Rotary press", "pellet-press", "pellet-press", 22),
            Station("sinter", "Sinter furnace", "sinter-furnace", "autoclave", 19),
            Station("grind", "Centreless grinder", "grinder", "implant-finishing", 19),
            Station("gauge", "Laser gauge", "laser-gauge", "robot-assembly", 17),
        ),
        (480, 480, 60),
    ),
}
"""By the name that a user gives."""
