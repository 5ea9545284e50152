"""The kinds of cells that the corridor has, and how each loses time and pieces.

The figures are those of a prototype that gives believable productivity: a work unit by itself, with material always
there and room always left, reaches the OEE of its `Expected`. A plant file names a cell for each machine and may
change single figures.
"""

from typing import Final

import msgspec


class Cell(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """How a work unit loses time and pieces.

    Attributes:
        ideal_s: ideal cycle, seconds a piece, where the plant file gives none for the product.
        lot: usual pieces from one set-up to the next.
        setup_min: mean set-up, minutes; lognormal with `setup_sigma`.
        mtbf_h: mean operating time between failures, hours; Weibull with `failure_shape` (1 chance, above wear).
        mttr_h: mean time to repair, hours; lognormal with `repair_sigma`.
        minor_per_h: minor stops an hour of operation (Poisson), each of `minor_min` minutes (exponential).
        speed: ideal over real cycle.
        scrap: share of pieces that are scrap once the process runs; what the plan allows for, too.
        rework: share of the other pieces that become good only by rework.
        startup_scrap: mean scrapped pieces after a set-up.
        wait: waiting (operator, crane, material) as a share of operating and waiting time.
    """

    ideal_s: float
    lot: int
    setup_min: float
    setup_sigma: float = 0.25
    mtbf_h: float
    failure_shape: float
    mttr_h: float
    repair_sigma: float
    minor_per_h: float
    minor_min: float
    speed: float
    scrap: float
    rework: float
    startup_scrap: float
    wait: float


class Expected(msgspec.Struct, frozen=True):
    """What a cell reaches by itself over a year: OEE, availability, effectiveness, quality ratio.

    Quality counts what becomes good by rework. At first inspection, which is what counters and indicators report, it is
    less by the share of rework.
    """

    oee: float
    availability: float
    effectiveness: float
    quality: float


def _cell(
    work: tuple[float, int, float],
    failure: tuple[float, float, float, float],
    minor: tuple[float, float],
    speed: float,
    quality: tuple[float, float, float],
    *,
    wait: float,
) -> Cell:
    """Make a cell of one row of the table below."""
    return Cell(
        ideal_s=work[0],
        lot=work[1],
        setup_min=work[2],
        mtbf_h=failure[0],
        failure_shape=failure[1],
        mttr_h=failure[2],
        repair_sigma=failure[3],
        minor_per_h=minor[0],
        minor_min=minor[1],
        speed=speed,
        scrap=quality[0],
        rework=quality[1],
        startup_scrap=quality[2],
        wait=wait,
    )


# ideal s, lot, set-up min · MTBF h, shape, MTTR h, sigma · minor /h, min · speed · scrap, rework, start-up scrap · wait
CELLS: Final[dict[str, Cell]] = {
    "five-axis-titanium": _cell((2520, 8, 70), (260, 1.4, 4.0, 0.9), (0.30, 6), 0.92, (0.015, 0.020, 0.21), wait=0.06),
    "five-axis-aluminium": _cell((540, 30, 40), (220, 1.3, 3.0, 0.9), (0.50, 4), 0.93, (0.012, 0.015, 0.33), wait=0.07),
    "turn-mill": _cell((150, 40, 50), (180, 1.2, 2.5, 0.9), (0.80, 3), 0.90, (0.020, 0.010, 0.60), wait=0.12),
    "robot-assembly": _cell((55, 400, 18), (60, 1.1, 0.6, 0.8), (2.5, 1.2), 0.95, (0.006, 0.020, 2.0), wait=0.05),
    "friction-stir": _cell((600, 24, 35), (150, 1.5, 2.0, 0.8), (0.30, 5), 0.96, (0.020, 0.030, 0.24), wait=0.06),
    "lay-up": _cell((5400, 6, 60), (40, 1.2, 1.5, 0.8), (1.2, 4), 0.90, (0.025, 0.060, 0.05), wait=0.08),
    "autoclave": _cell((5100, 6, 25), (400, 1.6, 6.0, 0.7), (0.02, 10), 0.97, (0.015, 0.030, 0.0), wait=0.15),
    "powder-bed": _cell((4200, 24, 150), (180, 1.3, 5.0, 0.8), (0.05, 12), 0.97, (0.040, 0.010, 0.0), wait=0.05),
    "electron-beam": _cell((43200, 1, 480), (200, 1.2, 8.0, 0.9), (0.05, 20), 0.95, (0.010, 0.020, 0.0), wait=0.10),
    "heavy-turn-mill": _cell((86400, 1, 600), (300, 1.4, 9.0, 0.9), (0.15, 10), 0.90, (0.005, 0.030, 0.0), wait=0.10),
    "implant-finishing": _cell((420, 50, 30), (200, 1.3, 2.0, 0.8), (0.60, 3), 0.93, (0.018, 0.040, 0.4), wait=0.06),
    "cmm": _cell((480, 20, 10), (600, 1.1, 3.0, 0.9), (0.20, 4), 0.98, (0.0, 0.020, 0.0), wait=0.20),
    "casting-furnace": _cell((2700, 12, 60), (120, 1.3, 4.0, 0.8), (0.15, 8), 0.94, (0.02, 0.04, 0.1), wait=0.08),
    "carrier": _cell((90, 1_000, 0), (120, 1.2, 0.8, 0.8), (1.2, 1.5), 0.95, (0.0, 0.0, 0.0), wait=0.0),
    "utility": _cell((600, 1_000, 0), (600, 1.3, 2.0, 0.8), (0.02, 5), 1.00, (0.0, 0.0, 0.0), wait=0.0),
    "pellet-press": _cell((2, 20_000, 45), (90, 1.3, 1.2, 0.8), (1.5, 2), 0.94, (0.012, 0.0, 160.0), wait=0.05),
}

EXPECTED: Final[dict[str, Expected]] = {
    "five-axis-titanium": Expected(0.678, 0.769, 0.920, 0.959),
    "five-axis-aluminium": Expected(0.722, 0.794, 0.930, 0.977),
    "turn-mill": Expected(0.530, 0.610, 0.900, 0.965),
    "robot-assembly": Expected(0.811, 0.863, 0.950, 0.989),
    "friction-stir": Expected(0.749, 0.805, 0.960, 0.970),
    "lay-up": Expected(0.668, 0.767, 0.900, 0.967),
    "autoclave": Expected(0.770, 0.806, 0.970, 0.985),
    "powder-bed": Expected(0.793, 0.851, 0.970, 0.961),
    "electron-beam": Expected(0.521, 0.554, 0.950, 0.990),
    "heavy-turn-mill": Expected(0.581, 0.647, 0.901, 0.996),
    "implant-finishing": Expected(0.765, 0.844, 0.930, 0.974),
    "cmm": Expected(0.738, 0.753, 0.980, 1.000),
    "casting-furnace": Expected(0.734, 0.803, 0.940, 0.972),
    "carrier": Expected(0.917, 0.965, 0.950, 1.000),
    "utility": Expected(0.995, 0.995, 1.000, 1.000),
    "pellet-press": Expected(0.781, 0.847, 0.940, 0.980),
}
