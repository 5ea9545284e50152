"""The picture of a plant: each asset once, each flow an arrow, texts as they are written."""

from xml.etree import ElementTree as ET

import pytest

from broker.plant.drawing import SVG, draw
from broker.plant.plant import Plant
from broker.plant.plant_file import parse

WORKS = """
name = "Works"
[asset."a"]
title = "Site A"
[asset."a/x/l1"]
title = "Line 1"
stages = [["m1", "m2"], ["m3"], ["m4"]]
[asset."a/x/l1/m1"]
[asset."a/x/l1/m3"]
[asset."a/x/l1/gauge-9"]
[asset."a/y/l1/m1"]
[asset."b"]
[simulate.line."a/y/l2"]
stages = [["p1"], ["p2"]]
buffers = [12]
"""


def picture(plant: Plant) -> ET.Element:
    return ET.fromstring(draw(plant))


def assets(root: ET.Element, kind: str) -> list[str]:
    return [found.get("data-asset", "") for found in root.iter(f"{{{SVG}}}g") if found.get("class") == kind]


def texts(element: ET.Element) -> list[str]:
    return [found.text or "" for found in element.iter(f"{{{SVG}}}text")]


def flows(root: ET.Element) -> list[tuple[str, str, str]]:
    return [
        (found.get("data-line", ""), found.get("data-from", ""), found.get("data-to", ""))
        for found in root.iter(f"{{{SVG}}}g")
        if found.get("data-line")
        and [path.get("class") for path in found.findall(f"{{{SVG}}}path")] == ["flow", "head"]
    ]


def test_each_site_area_line_and_machine_is_drawn_once() -> None:
    root = picture(parse(WORKS, "plant.toml"))
    assert assets(root, "site") == ["a", "b"]
    assert assets(root, "area") == ["a/x", "a/y"]
    assert assets(root, "line") == ["a/x/l1", "a/y/l1", "a/y/l2"]
    machines = [*(f"a/x/l1/{name}" for name in ("m1", "m2", "m3", "m4", "gauge-9"))]
    assert assets(root, "machine") == [*machines, "a/y/l1/m1", "a/y/l2/p1", "a/y/l2/p2"]
    assert {"Works", "Site A", "Line 1", "Gauge 9"} <= set(texts(root))


def test_each_flow_between_two_stages_is_an_arrow_with_its_buffer_where_that_is_known() -> None:
    root = picture(parse(WORKS, "plant.toml"))
    assert flows(root) == [("a/x/l1", "0", "1"), ("a/x/l1", "1", "2"), ("a/y/l2", "0", "1")]
    (buffer,) = (found for found in root.iter(f"{{{SVG}}}g") if found.get("class") == "buffer")
    assert texts(buffer) == ["12"]


def test_fewer_buffers_than_flows_leave_the_last_without() -> None:
    text = '[simulate.line."a/b/c"]\nstages = [["m1"], ["m2"], ["m3"]]\nbuffers = [4]\n'
    root = picture(parse(text, "plant.toml"))
    assert len(flows(root)) == 2
    assert [found.get("class") for found in root.iter(f"{{{SVG}}}g")].count("buffer") == 1


def test_machines_stand_in_the_order_of_the_flow_and_do_not_overlap() -> None:
    root = picture(parse(WORKS, "plant.toml"))
    places = {}
    for found in root.iter(f"{{{SVG}}}g"):
        box = found.find(f"{{{SVG}}}rect")
        if found.get("class") == "machine" and box is not None:
            places[found.get("data-asset", "")] = tuple(
                float(box.get(key, "")) for key in ("x", "y", "width", "height")
            )
    order = [places[f"a/x/l1/{name}"][0] for name in ("m1", "m3", "m4")]
    assert order == sorted(order)
    assert places["a/x/l1/m1"][0] == places["a/x/l1/m2"][0]
    boxes = [*places.values()]
    width, height = float(root.get("width", "")), float(root.get("height", ""))
    for place, (x, y, w, h) in enumerate(boxes):
        assert 0 < x < x + w < width
        assert 0 < y < y + h < height
        for x2, y2, w2, h2 in boxes[:place]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


@pytest.mark.parametrize("title", ["</text><script>alert(1)</script>", 'A & "B" <C>', "&lt;", "铣床", "]]>", "x" * 400])
def test_a_title_is_text_whatever_it_has_in_it(title: str) -> None:
    toml = title.replace("\\", "\\\\").replace('"', '\\"')
    root = picture(parse(f'name = "{toml}"\n[asset."a/b/c/m"]\ntitle = "{toml}"\n', "plant.toml"))
    assert {found.tag.removeprefix(f"{{{SVG}}}") for found in root.iter()} == {
        *("svg", "title", "style", "rect", "text", "g"),
    }
    assert (root.findtext(f"{{{SVG}}}title"), texts(root)[0]) == (title, title)
    (machine,) = (found for found in root.iter(f"{{{SVG}}}g") if found.get("class") == "machine")
    assert machine.findtext(f"{{{SVG}}}title") == f"{title} (a/b/c/m)"


def test_control_characters_in_a_title_leave_a_document_that_can_be_read() -> None:
    root = picture(parse('name = "a\\u0000b\\u001Bc\\uFFFEd\\ne\\u200Df"\n', "plant.toml"))
    assert root.findtext(f"{{{SVG}}}title") == "a\ufffdb\ufffdc\ufffdd e\u200df"


def test_a_plant_without_anything_is_a_picture_too() -> None:
    assert assets(picture(Plant()), "machine") == []


def test_colours_are_given_for_a_light_and_for_a_dark_screen() -> None:
    style = picture(parse(WORKS, "plant.toml")).findtext(f"{{{SVG}}}style") or ""
    light, _, dark = style.partition("@media (prefers-color-scheme: dark)")
    for part in (".plan text", ".back", ".site > rect", ".area > rect", ".machine > rect", ".flow", ".head"):
        assert part in light
        assert part in dark
