"""Flows of material in a plant file: whatever is wrong with one is found, with its line and what to write instead."""

import pytest

from broker.plant.plant_file import PlantError, parse

GOOD = """[product.lug]
[product.bracket]
[asset."a/b/cast-1/m-1"]
[asset."a/b/mill-1/m-1"]
[asset."c/d/wash-1/m-1"]
[flow.lugs]
title = "Lugs"
from = "a/b/cast-1"
to = "a/b/mill-1"
product = "lug"
becomes = "bracket"
batch = 12
transit = "2h"
[simulate.flow.lugs]
late = 0.1
"""
RETURN = """[product.washed]
[flow.back]
from = "c/d/wash-1"
to = "a/b/cast-1"
product = "washed"
becomes = "lug"
batch = 1
transit = "1h"
[flow.on]
from = "a/b/mill-1"
to = "c/d/wash-1"
product = "bracket"
becomes = "washed"
batch = 1
transit = "1h"
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(PlantError) as caught:
        parse(text, "plant.toml")
    return [str(mistake) for mistake in caught.value.mistakes]


def test_a_flow_is_read_with_its_ends_and_its_time_on_the_way() -> None:
    (flow,) = parse(GOOD, "plant.toml").material_flows.values()
    assert (flow.name, flow.supplier, flow.customer, flow.products, flow.becomes, flow.batch) == (
        *("lugs", "a/b/cast-1", "a/b/mill-1"),
        *(("lug",), ("bracket",), 12),
    )
    assert (flow.transit_ns, flow.is_from_outside) == (7_200 * 10**9, False)


def test_a_supplier_in_an_area_that_the_plant_does_not_describe_is_outside() -> None:
    (flow,) = parse(GOOD.replace('from = "a/b/cast-1"', 'from = "x/y/z"'), "plant.toml").material_flows.values()
    assert flow.is_from_outside


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (
            'to = "a/b/mill-1"',
            'to = "a/b/mil-1"',
            "9: flow.lugs.to: the plant has no line 'a/b/mil-1'; did you mean a/b/mill-1",
        ),
        ('to = "a/b/mill-1"', 'to = "a/b"', "9: flow.lugs.to: 'a/b' is not the path of a line; write three levels"),
        ('to = "a/b/mill-1"', 'to = "A/b/c"', "9: flow.lugs.to: "),
        ('to = "a/b/mill-1"\n', "", "6: flow.lugs: a flow needs where it leads to; write to ="),
        (
            'to = "a/b/mill-1"',
            'to = "a/b/cast-1"',
            "9: flow.lugs.to: a flow leads back to the line that it comes from; write",
        ),
        (
            'from = "a/b/cast-1"',
            'from = "a/b/casts-1"',
            "8: flow.lugs.from: the plant has no line 'a/b/casts-1'; did you mean",
        ),
        (
            'from = "a/b/cast-1"',
            'from = "a/b/other"',
            "8: flow.lugs.from: the plant has no line 'a/b/other'; its lines are",
        ),
        ('from = "a/b/cast-1"', "from = 7", "8: flow.lugs.from: 7 is not a text; write a text"),
        ('from = "a/b/cast-1"\n', "", "6: flow.lugs: a flow needs where it leads from; write from ="),
        ('product = "lug"', 'product = "lugg"', "10: flow.lugs.product: no product is named 'lugg'; did you mean lug"),
        (
            'becomes = "bracket"',
            'becomes = ["bracket", "b"]',
            "11: flow.lugs.becomes: no product is named 'b'; there are",
        ),
        (
            "batch = 12",
            "batch = 0",
            "12: flow.lugs.batch: a flow needs how many pieces leave together; write a whole number",
        ),
        (
            "batch = 12",
            "batch = -3",
            "12: flow.lugs.batch: a flow needs how many pieces leave together; write a whole number",
        ),
        (
            "batch = 12",
            "batch = 1.5",
            "12: flow.lugs.batch: a flow needs how many pieces leave together; write a whole number",
        ),
        (
            "batch = 12",
            'batch = "12"',
            "12: flow.lugs.batch: '12' is not a number; write a number without quotation marks",
        ),
        ("batch = 12\n", "", "6: flow.lugs.batch: a flow needs how many pieces leave together; write a whole number"),
        ('transit = "2h"', 'transit = "-2h"', "13: flow.lugs.transit: '-2h' is not a time above zero; write seconds"),
        ('transit = "2h"', "transit = -7", "13: flow.lugs.transit: -7 is not a time above zero; write seconds"),
        ('transit = "2h"', "transit = 0", "13: flow.lugs.transit: 0 is not a time above zero; write seconds"),
        ('transit = "2h"\n', "", "6: flow.lugs: a flow needs how long its pieces are on their way; write transit ="),
        ('title = "Lugs"', 'tilte = "Lugs"', "7: flow.lugs.tilte: this key is not known here; did you mean title?"),
        ("[flow.lugs]", "[flow.Lugs]", "6: flow.Lugs: 'Lugs' is not a name; use 1 to 32 of a-z"),
        (
            "[simulate.flow.lugs]",
            "[simulate.flow.lug]",
            "14: simulate.flow.lug: no flow is named 'lug'; did you mean lugs?",
        ),
    ],
)
def test_a_mistake_in_a_flow_has_its_line_and_what_to_write(old: str, new: str, found: str) -> None:
    assert old in GOOD
    assert any(mistake.startswith(f"plant.toml:{found}") for mistake in mistakes(GOOD.replace(old, new)))


@pytest.mark.parametrize(("old", "new"), [("batch = 12", 'batch = "x"'), ('to = "a/b/mill-1"', 'to = "a/b/cast-1"')])
def test_one_mistake_is_reported_once(old: str, new: str) -> None:
    assert len(mistakes(GOOD.replace(old, new))) == 1


@pytest.mark.parametrize("left_out", ["\0", 'product = "washed"\n', 'becomes = "lug"\n', 'becomes = "washed"\n'])
def test_flows_that_lead_in_a_circle_are_found_with_the_way_that_they_go(left_out: str) -> None:
    (found,) = mistakes(GOOD + RETURN.replace(left_out, ""))
    assert "flow.on.to: material goes round in a circle: on → back → lugs → on; leave one of these flows out" in found


@pytest.mark.parametrize(
    ("old", "new"), [('becomes = "lug"', 'becomes = "washed"'), ('"washed"\nbecomes', '"lug"\nbecomes')]
)
def test_a_piece_that_returns_to_a_line_as_another_product_is_no_circle(old: str, new: str) -> None:
    assert old in RETURN
    assert len(parse(GOOD + RETURN.replace(old, new), "plant.toml").material_flows) == 3
