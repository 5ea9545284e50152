"""Writes the text of a first plant file for a trade, with comments: what its owner changes into a plant of their own.

The figures of the losses are those of the machines' cells, with set-ups as much smaller as the order is smaller than
the cell's usual lot, so that their share of the time is the same.
"""

from collections.abc import Iterator
from typing import Final

from broker.plant.plant import readable
from edge.simulation.floor.cells import CELLS
from edge.simulation.machines import MODELS
from edge.simulation.planning.trades import Station, Trade

SITE: Final = "my-works"
LINE: Final = "line-1"

_SECOND: Final = 0.85
"""The ideal cycles of the second product, as a share of the first's."""

_TOP: Final = """\
# {title}: a first plant file, with one line. Change the names, times and titles into your own.
#
# Look at it:   corridor plant check {file}     and     corridor plant draw {file} --out plan.svg
# Run it:       corridor demo --plant {file} --data data-of-my-works
# Step by step: docs/how-to/describe-your-plant.md
# Each key:     docs/reference/plant-file.md, docs/reference/shift-calendar.md, docs/reference/machine-kinds.md

name = "My works"

# ---- When there is work. Take away the shifts that you do not have; days = "mon-fri" in a shift are its days ----

[calendar.shifts]
time-zone = "Europe/London"
shifts = [
  {{ name = "early", start = "06:00", end = "14:00", breaks = [{{ start = "10:00", end = "10:15" }}] }},
  {{ name = "late", start = "14:00", end = "22:00", breaks = [{{ start = "18:00", end = "18:15" }}] }},
  {{ name = "night", start = "22:00", end = "06:00", breaks = [{{ start = "02:00", end = "02:15" }}] }},
]

# ---- What stands where: "site/area/line/machine". Each has the settings of what is above it ----

[asset."{site}"]
title = "My works"
calendar = "shifts"

[asset."{area}"]
title = "{title}"

[asset."{line}"]
title = "{line_title}"
targets = {{ oee = 0.65 }}
"""


def text_for(name: str, trade: Trade, file: str = "plant.toml") -> str:
    """Return the text of a plant file for a trade.

    Args:
        name: the trade's name, which becomes the area's.
        trade: the trade.
        file: the file's name as a shell reads it, on one line, for the comments on top.
    """
    area = f"{SITE}/{name}"
    line = f"{area}/{LINE}"
    top = _TOP.format(title=trade.title, file=file, site=SITE, area=area, line=line, line_title=trade.line)
    parts = (_assets(line, trade), _products(line, trade), _reasons(trade), _simulated(line, trade))
    return "\n".join((top, *("\n".join((*lines, "")) for lines in parts)))


def _assets(line: str, trade: Trade) -> Iterator[str]:
    yield "# The signals below are those in which a failure shows before it comes; low and high are their normal band."
    for station in trade.stations:
        for machine, title in _machines(station):
            yield ""
            yield f'[asset."{line}/{machine}"]'
            yield f'title = "{title}"'
            if (together := MODELS[station.model].load) > 1:
                yield f"load-size = {together}"
            yield from _signals(station.model)


def _signals(kind: str) -> Iterator[str]:
    shown = vars(MODELS[kind])["shown"]
    for name in dict.fromkeys(mode.signal for mode in MODELS[kind].failures if mode.signal):
        signal = shown[name]
        band = "" if signal.high is None else f", low = {signal.low:g}, high = {signal.high:g}"
        unit = f', unit = "{signal.unit}"' if signal.unit else ""
        yield f'signals.{name} = {{ title = "{signal.title}"{unit}{band} }}'


def _products(line: str, trade: Trade) -> Iterator[str]:
    yield "# ---- What is made; ideal cycles in seconds a piece, by machine ----"
    for product, share in zip(trade.products, (1.0, _SECOND), strict=True):
        yield ""
        yield f"[product.{product}]"
        yield f'title = "{readable(product)}"'
        yield ""
        yield f"[product.{product}.ideal-cycle]"
        for station in trade.stations:
            for machine, _ in _machines(station):
                yield f'"{line}/{machine}" = {station.ideal_s * share:g}'


def _reasons(trade: Trade) -> Iterator[str]:
    yield "# ---- Why machines stop: the codes that they report, and the loss that their time belongs to ----"
    yield ""
    yield "[reason]"
    yield 'change-over = { title = "Change-over", loss = "setup" }'
    yield 'no-parts = { title = "No parts", loss = "minor-stop" }'
    yield 'buffer-full = { title = "Buffer full", loss = "minor-stop" }'
    kinds = [MODELS[station.model] for station in trade.stations]
    for code in dict.fromkeys(mode.reason for kind in kinds for mode in kind.failures):
        yield f'{code} = {{ title = "{readable(code)}", loss = "breakdown" }}'


def _simulated(line: str, trade: Trade) -> Iterator[str]:
    stages = [[machine for machine, _ in _machines(station)] for station in trade.stations]
    orders = ", ".join(f'{{ product = "{product}", pieces = {trade.pieces} }}' for product in trade.products)
    yield "# ---- How it is simulated; connected = true at an asset says that it is real ----"
    yield ""
    yield "[simulate]"
    yield "seed = 1  # of all random numbers"
    yield ""
    yield "# Machines of one stage work side by side; between two stages there is a buffer for so many pieces."
    yield f'[simulate.line."{line}"]'
    yield f"stages = [{', '.join(_texts(stage) for stage in stages)}]"
    yield f"buffers = [{', '.join(map(str, trade.buffers))}]"
    yield f"orders = [{orders}]"
    yield ""
    yield "# What each machine is, and how it loses time; `losses` changes single figures of its cell."
    for station in trade.stations:
        for machine, _ in _machines(station):
            yield f'[simulate.machine."{line}/{machine}"]'
            yield f'model = "{station.model}"'
            yield f'cell = "{station.cell}"'
            yield f"losses = {_losses(station, trade.pieces)}"
            yield ""


def _losses(station: Station, pieces: int) -> str:
    """Return what is smaller here than in the cell, as an order is smaller than the cell's lot."""
    cell = CELLS[station.cell]
    lot = pieces / station.side_by_side
    setup_min = cell.setup_min * (lot * station.ideal_s) / (cell.lot * cell.ideal_s)
    return f"{{ setup-min = {setup_min:.3g}, startup-scrap = {cell.startup_scrap * lot / cell.lot:.3g} }}"


def _machines(station: Station) -> list[tuple[str, str]]:
    """Return the name and the title of each machine of a station."""
    numbers = range(1, station.side_by_side + 1)
    return [
        (f"{station.name}-{number}", f"{station.title} {number}" if station.side_by_side > 1 else station.title)
        for number in numbers
    ]


def _texts(names: list[str]) -> str:
    written = ", ".join(f'"{name}"' for name in names)
    return f"[{written}]"
