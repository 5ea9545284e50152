"""Draws a plant as an SVG: sites, areas and lines, the machines of each stage, the flows between them and the buffers.

Pure, and without a dependency: a plant in, the text of a picture out. It brings its own colours, for a light and for a
dark screen. What stands for an asset has its path in `data-asset`, so that a page can put more to it; a flow has the
line's path and the places of the two stages that it joins, from 0 on. Suppliers outside of the plant stand in a box of
their own; the flows of material between lines are drawn over all (`flow_drawing`).
"""

import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from broker.plant.flow_drawing import DARK, STYLE, Mark, Pen, draw_flows
from broker.plant.plant import Plant

SVG: Final = "http://www.w3.org/2000/svg"

_PAD: Final = 12.0
_HEADING: Final = 26.0
_MACHINE_W: Final = 144.0
_MACHINE_H: Final = 40.0
_GAP: Final = 8.0
_FLOW_W: Final = 76.0
_BUFFER_R: Final = 13.0
_FLOW_H: Final = 62.0
_CHAR_W: Final = 6.5
"""About the width of a letter of 12 px."""
_ROW_W: Final = 1_600.0
"""Boxes beside each other wrap into a new row beyond this width."""
_ROOM: Final = _MACHINE_W - 12
_TEXT_LINES: Final = 2
_UNWRITABLE: Final = {"Cc", "Cn", "Cs"}
"""The categories of control characters, of what is no character, and of halves of one."""

_STYLE: Final = """
.plan { font: 12px system-ui, sans-serif; }
.plan text { fill: #1b2430; }
.plan .back { fill: #ffffff; }
.plan .site > rect, .plan .outside > rect { fill: #f3f5f8; stroke: #9aa5b4; }
.plan .outside > rect { stroke-dasharray: 6 4; }
.plan .area > rect { fill: #ffffff; stroke: #b9c2ce; }
.plan .machine > rect { fill: #e3edf8; stroke: #3c6ea5; }
.plan .awaited > rect { fill: none; stroke-dasharray: 5 4; }
.plan .heading { font-weight: 600; }
.plan .site > .heading { font-size: 15px; }
.plan .flow { fill: none; stroke: #4a5666; stroke-width: 1.6; }
.plan .head { fill: #4a5666; }
.plan .buffer > path { fill: #fff3d6; stroke: #8a6d1f; }
.plan .buffer > text, .plan .machine > text { text-anchor: middle; }
.plan .stage { fill: none; stroke: #8b97a6; stroke-dasharray: 4 3; }
@media (prefers-color-scheme: dark) {
  .plan text { fill: #e6eaf0; }
  .plan .back { fill: #12161c; }
  .plan .site > rect, .plan .outside > rect { fill: #1a2029; stroke: #55606e; }
  .plan .area > rect { fill: #141920; stroke: #434d5a; }
  .plan .machine > rect { fill: #1d3147; stroke: #6ea3dc; }
  .plan .flow { stroke: #a9b4c2; }
  .plan .head { fill: #a9b4c2; }
  .plan .buffer > path { fill: #3a3016; stroke: #d0ac4a; }
  .plan .stage { stroke: #6b7685; }
}
"""
_STYLES: Final = f"{_STYLE.rstrip()}{STYLE}@media (prefers-color-scheme: dark) {{{DARK}}}\n"


class _Box(NamedTuple):
    """Something with a size, which can be drawn with its upper left corner at a place."""

    width: float
    height: float
    draw: Callable[[Element, float, float], None]


def draw(plant: Plant, marks: Mapping[str, Mark] = MappingProxyType({}), joined: Collection[str] = frozenset()) -> str:
    """Return the picture of a plant: an SVG document, whose texts are escaped.

    Args:
        plant: what is drawn.
        marks: how flows of material stand now, by their names.
        joined: the machines whose device has reported; the others that are connected are drawn as awaiting theirs.
    """
    awaited = {path for path in plant.machines() if plant.asset(path).connected}.difference(joined)
    tree = _tree(plant)
    sites = [_site(plant, site, areas) for site, areas in tree.items()]
    outside = sorted({flow.supplier for flow in plant.material_flows.values() if flow.is_from_outside})
    inner = _wrapped([*sites, *([_outside(plant, outside)] if outside else [])], 2 * _PAD)
    name = plant.name or "A plant without a name"
    width, height = max(inner.width, 240.0, 1.2 * _width(name)) + 2 * _PAD, inner.height + _HEADING + 2 * _PAD
    root = Element("svg", {"xmlns": SVG, "class": "plan", "role": "img"})
    SubElement(root, "title").text = _text(name)
    SubElement(root, "style").text = _STYLES
    SubElement(root, "rect", {"class": "back", "width": "100%", "height": "100%"})
    _write(root, "heading", _PAD, _PAD + 14, name)
    inner.draw(root, _PAD, _PAD + _HEADING)
    flows = [*plant.material_flows.values()]
    pen = Pen(_width, _text, _px)
    right, below = draw_flows(root, flows, _headings(root), marks, pen=pen, right=_PAD + inner.width)
    size = _px(max(width, right + _PAD)), _px(max(height, below + _PAD))
    _mark_awaited(root, awaited)
    root.attrib |= {"width": size[0], "height": size[1], "viewBox": f"0 0 {size[0]} {size[1]}"}
    indent(root, " ")
    return tostring(root, encoding="unicode") + "\n"


def _headings(root: Element) -> dict[str, tuple[tuple[float, float], str]]:
    """Return where the heading of each line is drawn, and of each supplier outside, with its text."""
    found = {}
    for group in root.iter("g"):
        heading = group.find("text")
        if group.get("class") in {"line", "supplier"} and heading is not None:
            place = (float(heading.get("x", "")), float(heading.get("y", "")))
            found[group.get("data-asset", "")] = (place, heading.text or "")
    return found


def _mark_awaited(root: Element, awaited: Collection[str]) -> None:
    """Mark the machines that await a real device, and say so in their titles."""
    for group in root.iter("g"):
        if group.get("class") == "machine" and group.get("data-asset") in awaited:
            group.set("class", "machine awaited")
            title = group.find("title")
            if title is not None:
                title.text = f"{title.text}, awaiting its device"


def _tree(plant: Plant) -> dict[str, dict[str, dict[str, list[str]]]]:
    """Return the paths of the machines by site, area and line; assets without any have empty places."""
    flowing = dict.fromkeys((*(path for path, asset in plant.assets.items() if asset.stages), *plant.simulated_flows))
    flows = [machine for line in flowing for stage in plant.stages(line) for machine in stage]
    tree: dict[str, dict[str, dict[str, list[str]]]] = {}
    for path in dict.fromkeys((*plant.assets, *flows)):
        site, *below = path.split("/")
        areas = tree.setdefault(site, {})
        if below:
            lines = areas.setdefault(f"{site}/{below[0]}", {})
            if len(below) > 1:
                machines = lines.setdefault(f"{site}/{below[0]}/{below[1]}", [])
                machines += [path] if len(below) == 3 else []
    return tree


def _site(plant: Plant, site: str, areas: dict[str, dict[str, list[str]]]) -> _Box:
    boxes = [_area(plant, area, lines) for area, lines in areas.items()]
    return _headed("site", site, plant.title(site), _wrapped(boxes, _PAD), _PAD)


def _outside(plant: Plant, suppliers: Sequence[str]) -> _Box:
    """Lay the suppliers outside of the plant out: a name each."""
    nothing = _Box(0.0, 0.0, lambda _into, _x, _y: None)
    titles = {path: f"{plant.title(path.split('/')[0])}, {plant.title(path)}" for path in suppliers}
    boxes = [_headed("supplier", path, title, nothing) for path, title in titles.items()]
    inner = _stacked(boxes, _PAD)
    return _headed("outside", "", "Suppliers outside", _Box(inner.width + _FLOW_W, inner.height, inner.draw), _PAD)


def _area(plant: Plant, area: str, lines: dict[str, list[str]]) -> _Box:
    boxes = [_headed("line", line, plant.title(line), _line(plant, line, machines)) for line, machines in lines.items()]
    return _headed("area", area, plant.title(area), _stacked(boxes, _PAD), _PAD)


def _line(plant: Plant, line: str, machines: Sequence[str]) -> _Box:
    """Lay a line out: its stages from left to right, then the machines that stand in none."""
    flow, stages = plant.flow(line), plant.stages(line)
    staged = {machine for stage in stages for machine in stage}
    beside = [machine for machine in machines if machine not in staged]
    columns = [_stage(plant, stage) for stage in stages]
    height = max((column.height for column in columns), default=0.0)
    height = max(height, _FLOW_H if len(columns) > 1 else 0.0)  # room for the buffers' numbers
    rest = _row([_machine(plant, machine) for machine in beside], _GAP)
    flow_width = sum(column.width for column in columns) + _FLOW_W * max(0, len(columns) - 1)
    gap = _GAP if columns and beside else 0.0

    def put(into: Element, x: float, y: float) -> None:
        for place, column in enumerate(columns):
            column.draw(into, x, y + (height - column.height) / 2)
            x += column.width
            if place + 1 < len(columns):
                places = flow.buffers[place] if place < len(flow.buffers) else None
                _flow(into, (x, y + height / 2), (line, place), places)
                x += _FLOW_W
        rest.draw(into, x - flow_width if columns else x, y + height + gap)

    return _Box(max(flow_width, rest.width), height + gap + rest.height, put)


def _stage(plant: Plant, machines: Sequence[str]) -> _Box:
    """Lay the machines of a stage out: one above the other, with a dashed frame if they are several."""
    inner = _stacked([_machine(plant, machine) for machine in machines], _GAP)
    if len(machines) == 1:
        return inner
    pad = _GAP

    def put(into: Element, x: float, y: float) -> None:
        _rect(into, x, y, inner.width + 2 * pad, inner.height + 2 * pad, kind="stage")
        inner.draw(into, x + pad, y + pad)

    return _Box(inner.width + 2 * pad, inner.height + 2 * pad, put)


def _machine(plant: Plant, machine: str) -> _Box:
    title = plant.title(machine)

    def put(into: Element, x: float, y: float) -> None:
        group = SubElement(into, "g", {"class": "machine", "data-asset": _text(machine)})
        SubElement(group, "title").text = _text(f"{title} ({machine})")
        _rect(group, x, y, _MACHINE_W, _MACHINE_H)
        rows = _folded(title)
        for place, row in enumerate(rows):
            _write(group, "", x + _MACHINE_W / 2, y + _MACHINE_H / 2 + 4 + 15 * (place - (len(rows) - 1) / 2), row)

    return _Box(_MACHINE_W, _MACHINE_H, put)


def _flow(into: Element, start: tuple[float, float], of: tuple[str, int], places: int | None) -> None:
    """Draw the arrow from a stage to the next, with the buffer on its way: a triangle with its places below."""
    x, y = start
    end = x + _FLOW_W - 3
    line, stage = of
    group = SubElement(into, "g", {"data-line": line, "data-from": str(stage), "data-to": str(stage + 1)})
    SubElement(group, "path", {"class": "flow", "d": f"M{_px(x + 3)} {_px(y)}H{_px(end - 7)}"})
    SubElement(group, "path", {"class": "head", "d": f"M{_px(end)} {_px(y)}l-9 -5v10z"})
    if places is None:
        return
    middle, r = x + _FLOW_W / 2 - 3, _BUFFER_R
    buffer = SubElement(group, "g", {"class": "buffer"})
    SubElement(buffer, "title").text = f"Buffer for {places} piece{'' if places == 1 else 's'}"
    SubElement(buffer, "path", {"d": f"M{_px(middle)} {_px(y - r)}l{_px(r)} {_px(2 * r)}h{_px(-2 * r)}z"})
    _write(buffer, "", middle, y + r + 14, str(places))


def _headed(kind: str, asset: str, title: str, inner: _Box, pad: float = 0.0) -> _Box:
    """Put a heading on something, and a frame around it if it is padded."""
    width = max(inner.width, _width(title) * (1.4 if kind == "site" else 1.2)) + 2 * pad
    height = inner.height + _HEADING + 2 * pad

    def put(into: Element, x: float, y: float) -> None:
        group = SubElement(into, "g", {"class": kind, "data-asset": _text(asset)})
        if pad:
            _rect(group, x, y, width, height)
        _write(group, "heading", x + pad, y + pad + 13, title)
        inner.draw(group, x + pad, y + pad + _HEADING)

    return _Box(width, height, put)


def _wrapped(boxes: Iterable[_Box], gap: float) -> _Box:
    """Put boxes beside each other, in as many rows as it needs."""
    rows: list[list[_Box]] = []
    for box in boxes:
        if rows and sum(one.width + gap for one in rows[-1]) + box.width <= _ROW_W:
            rows[-1].append(box)
        else:
            rows.append([box])
    return _stacked([_row(row, gap) for row in rows], gap)


def _row(boxes: Sequence[_Box], gap: float) -> _Box:
    def put(into: Element, x: float, y: float) -> None:
        for box in boxes:
            box.draw(into, x, y)
            x += box.width + gap

    width = sum(box.width + gap for box in boxes) - gap if boxes else 0.0
    return _Box(width, max((box.height for box in boxes), default=0.0), put)


def _stacked(boxes: Sequence[_Box], gap: float) -> _Box:
    def put(into: Element, x: float, y: float) -> None:
        for box in boxes:
            box.draw(into, x, y)
            y += box.height + gap

    height = sum(box.height + gap for box in boxes) - gap if boxes else 0.0
    return _Box(max((box.width for box in boxes), default=0.0), height, put)


def _rect(into: Element, x: float, y: float, width: float, height: float, *, kind: str = "") -> None:
    place = {"x": _px(x), "y": _px(y), "width": _px(width), "height": _px(height), "rx": "5"}
    SubElement(into, "rect", place | ({"class": kind} if kind else {}))


def _write(into: Element, kind: str, x: float, y: float, text: str) -> None:
    SubElement(into, "text", {"x": _px(x), "y": _px(y)} | ({"class": kind} if kind else {})).text = _text(text)


def _text(text: str) -> str:
    """Return a text on one line, without what XML has no way to write."""
    return "".join(map(_written, text))


def _written(char: str) -> str:
    if char.isspace():
        return " "
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(char) in _UNWRITABLE else char


def _folded(title: str) -> list[str]:
    """Fold a title into the lines that a machine has room for; what is left over is cut."""
    rows = [""]
    for word in title.split():
        longer = f"{rows[-1]} {word}".strip()
        if rows[-1] and _width(longer) > _ROOM:
            rows.append(word)
        else:
            rows[-1] = longer
    shown = rows[:_TEXT_LINES]
    if len(rows) > _TEXT_LINES:
        shown[-1] += "…"
    return [_cut(row) for row in shown]


def _cut(row: str) -> str:
    if _width(row) <= _ROOM:
        return row
    while row and _width(row + "…") > _ROOM:
        row = row[:-1]
    return row + "…"


def _width(text: str) -> float:
    """Return about how wide a text is; letters of Chinese and its like are twice as wide."""
    return sum(_CHAR_W * (2 if unicodedata.east_asian_width(char) in "WF" else 1) for char in text)


def _px(length: float) -> str:
    return f"{length:.1f}".removesuffix(".0")
