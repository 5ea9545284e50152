"""The flows of material in a plant's picture: an arrow for each pair of lines, a label with how they stand."""

from xml.etree import ElementTree as ET

import pytest

from broker.plant.drawing import SVG, draw
from broker.plant.flow_drawing import Mark
from broker.plant.plant import Plant
from edge.simulation import districts
from tests.wall.part_works import CHAINED, FOUNDRY, MACHINING, OUTSIDE

LATE = Mark("late: rods-9", is_late=True)


def arrows(plant: Plant, marks: dict[str, Mark] | None = None) -> dict[tuple[str, str], ET.Element]:
    root = ET.fromstring(draw(plant, marks or {}))
    found = [each for each in root.iter(f"{{{SVG}}}g") if each.get("class") == "material"]
    return {(each.get("data-from", ""), each.get("data-to", "")): each for each in found}


def texts(element: ET.Element) -> list[str]:
    return [found.text or "" for found in element.iter(f"{{{SVG}}}text")]


def classes(element: ET.Element) -> set[str]:
    return {found.get("class", "") for found in element.iter()}


def test_each_pair_of_lines_has_an_arrow_with_what_it_carries() -> None:
    drawn = arrows(CHAINED)
    assert drawn.keys() == {(FOUNDRY, MACHINING), (OUTSIDE, FOUNDRY)}
    assert texts(drawn[FOUNDRY, MACHINING]) == [
        "Lug castings: 2 at a time, 20 min",
        "Rod castings: 4 at a time, 15 min",
    ]
    assert texts(drawn[OUTSIDE, FOUNDRY]) == ["Steel bars: 10 at a time, 2 h"]
    assert drawn[OUTSIDE, FOUNDRY].findtext(f"{{{SVG}}}title") == "Steel bars: Hull, Line 1 → Castings"


def test_a_late_batch_is_a_text_and_another_line_not_a_colour_alone() -> None:
    drawn = arrows(CHAINED, {"rods": LATE})
    assert "late: rods-9" in texts(drawn[FOUNDRY, MACHINING])
    assert {"way late", "label late"} <= classes(drawn[FOUNDRY, MACHINING])
    assert not {"way late", "label late"} & classes(drawn[OUTSIDE, FOUNDRY])


def test_a_supplier_outside_has_its_place_and_only_where_there_is_one() -> None:
    root = ET.fromstring(draw(CHAINED))
    assert "Suppliers outside" in texts(root)
    assert "outside" in classes(root)
    assert "outside" not in classes(ET.fromstring(draw(Plant())))


@pytest.mark.parametrize("plant", [CHAINED, districts.plant(districts.names())], ids=["small", "corridor"])
def test_no_label_covers_another_or_leaves_the_picture(plant: Plant) -> None:
    marks = {name: Mark(f"late: {name}-1 and 3 more", is_late=True) for name in plant.material_flows}
    root = ET.fromstring(draw(plant, marks))
    width, height = float(root.get("width", "")), float(root.get("height", ""))
    boxes: list[tuple[float, float, float, float]] = []
    for label in root.iter(f"{{{SVG}}}g"):
        box = label.find(f"{{{SVG}}}rect")
        if label.get("class", "").startswith(("label", "machine")) and box is not None:
            x, y, w, h = (float(box.get(key, "")) for key in ("x", "y", "width", "height"))
            assert x + w < width
            assert y + h < height
            assert all(x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y for x2, y2, w2, h2 in boxes)
            boxes.append((x, y, w, h))
    pairs = {(flow.supplier, flow.customer) for flow in plant.material_flows.values()}
    assert len(boxes) == len(pairs) + len([each for each in root.iter(f"{{{SVG}}}g") if each.get("class") == "machine"])
