"""Draws the flows of material beside a plant's picture: an arrow from line to line, with its name and how it stands.

An arrow leaves a line behind its heading, goes down or up on a way of its own right of all boxes, and ends behind the
heading of the other line. Its label stands right of all ways. Flows between the same two lines share an arrow.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element, SubElement

from broker.contract.events import NS_PER_S
from broker.plant.material_flow import MaterialFlow

STYLE: Final = """
.plan .way { fill: none; stroke: #6b3fa0; stroke-width: 2; }
.plan .halo { fill: none; stroke: #ffffff; stroke-width: 5; stroke-opacity: .8; }
.plan .stub { fill: none; stroke: #6b3fa0; }
.plan .way.late { stroke-dasharray: 7 4; stroke-width: 3; }
.plan .tip { fill: #6b3fa0; }
.plan .label > rect { fill: #ffffff; stroke: #6b3fa0; }
.plan .label.late > rect { stroke-width: 2.4; }
.plan .label .stands { font-weight: 600; }
"""
DARK: Final = """
  .plan .way { stroke: #c7a6f0; }
  .plan .stub { stroke: #c7a6f0; }
  .plan .halo { stroke: #12161c; }
  .plan .tip { fill: #c7a6f0; }
  .plan .label > rect { fill: #1a1626; stroke: #c7a6f0; }
"""
_ROW: Final = 15.0
_LANE: Final = 13.0
_GAP: Final = 6.0
_PAD: Final = 6.0
_HOUR_S: Final = 3_600


class Mark(NamedTuple):
    """How a flow stands, in words, and whether something in it is late."""

    text: str
    is_late: bool = False


class Pen(NamedTuple):
    """What the picture's own drawing lends: how wide a text is, how it and a length are written."""

    width: Callable[[str], float]
    text: Callable[[str], str]
    px: Callable[[float], str]


Place = tuple[float, float]
"""Where a heading begins, and its base line."""


class Edges(NamedTuple):
    """How far to the right and below something is drawn."""

    right: float
    below: float


def draw_flows(
    into: Element,
    flows: Sequence[MaterialFlow],
    headings: Mapping[str, tuple[Place, str]],
    marks: Mapping[str, Mark],
    *,
    pen: Pen,
    right: float,
) -> Edges:
    """Draw the flows into a picture.

    Args:
        into: the picture.
        flows: those of the plant.
        headings: of each line its place and text, by the line's path.
        marks: how flows stand now, by their names; those that are left out have no mark.
        pen: how texts are written.
        right: the right edge of all that is drawn already.
    """
    pairs: dict[tuple[str, str], list[MaterialFlow]] = {}
    for flow in flows:
        if flow.supplier in headings and flow.customer in headings:
            pairs.setdefault((flow.supplier, flow.customer), []).append(flow)
    beside, below, edge = right + _LANE * (len(pairs) + 1), 0.0, right
    # Labels stand in the order of their ways' middles, so that the lines to them cross little.
    ends = {pair: (_end(headings[pair[0]], pen, 5), _end(headings[pair[1]], pen, 10)) for pair in pairs}
    for place, (pair, (start, end)) in enumerate(sorted(ends.items(), key=lambda each: each[1][0][1] + each[1][1][1])):
        joined, lane = pairs[pair], right + _LANE * (place + 1)
        is_late = any(marks[flow.name].is_late for flow in joined if flow.name in marks)
        group = SubElement(into, "g", {"class": "material", "data-from": pair[0], "data-to": pair[1]})
        names = ", ".join(flow.label for flow in joined)
        SubElement(group, "title").text = pen.text(f"{names}: {headings[pair[0]][1]} → {headings[pair[1]][1]}")
        _arrow(group, start, lane, end, pen, is_late=is_late)
        wanted = max(below, (start[1] + end[1]) / 2 - _ROW)
        at = (beside, wanted + _GAP)
        join = min(max(at[1] + _ROW / 2, min(start[1], end[1])), max(start[1], end[1]))
        stub = f"M{pen.px(lane)} {pen.px(join)}L{pen.px(beside)} {pen.px(at[1] + _ROW / 2)}"
        SubElement(group, "path", {"class": "stub", "d": stub})
        SubElement(group, "circle", {"class": "tip", "cx": pen.px(lane), "cy": pen.px(join), "r": "3.5"})
        size = _label(group, at, joined, marks, pen, is_late=is_late)
        below, edge = at[1] + size[1], max(edge, beside + size[0])
    return Edges(edge, below)


def _end(heading: tuple[Place, str], pen: Pen, beside: float) -> Place:
    """Return the place behind a heading and `beside` below its base line, where no other heading is in the way."""
    (x, y), title = heading
    return x + 1.2 * pen.width(title) + 8, y + beside


def _arrow(into: Element, start: Place, lane: float, end: Place, pen: Pen, *, is_late: bool) -> None:
    (x, y), (to_x, to_y) = start, end
    way = f"M{pen.px(x)} {pen.px(y)}H{pen.px(lane)}V{pen.px(to_y)}H{pen.px(to_x + 9)}"
    SubElement(into, "path", {"class": "halo", "d": way})
    SubElement(into, "path", {"class": "way late" if is_late else "way", "d": way})
    SubElement(into, "path", {"class": "tip", "d": f"M{pen.px(to_x)} {pen.px(to_y)}l10 -5v10z"})


def _label(
    into: Element, at: Place, flows: Sequence[MaterialFlow], marks: Mapping[str, Mark], pen: Pen, *, is_late: bool
) -> tuple[float, float]:
    """Draw the label of an arrow; return its width and height."""
    rows = []
    for flow in flows:
        rows.append(("", f"{flow.label}: {flow.batch} at a time, {_hours(flow.transit_ns / NS_PER_S)}"))
        if flow.name in marks:
            rows.append(("stands", marks[flow.name].text))
    wide = 1.1 * max(pen.width(text) for _, text in rows) + 2 * _PAD
    high = _ROW * len(rows) + _PAD
    group = SubElement(into, "g", {"class": "label late" if is_late else "label"})
    size = {"x": pen.px(at[0]), "y": pen.px(at[1]), "width": pen.px(wide), "height": pen.px(high), "rx": "4"}
    SubElement(group, "rect", size)
    for place, (kind, text) in enumerate(rows):
        put = {"x": pen.px(at[0] + _PAD), "y": pen.px(at[1] + _ROW * (place + 1) - 3)}
        SubElement(group, "text", put | ({"class": kind} if kind else {})).text = pen.text(text)
    return wide, high


def _hours(seconds: float) -> str:
    """Write how long a flow takes: minutes below two hours, days above two."""
    if seconds < 2 * _HOUR_S:
        return f"{seconds / 60:.3g} min"
    return f"{seconds / _HOUR_S:.3g} h" if seconds < 48 * _HOUR_S else f"{seconds / 24 / _HOUR_S:.3g} days"
