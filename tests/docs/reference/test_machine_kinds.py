"""The page on the kinds of machines has what the code has."""

import re
from pathlib import Path

from edge.simulation.floor.cells import CELLS, EXPECTED
from edge.simulation.machines import MODELS

PAGE = (Path(__file__).resolve().parents[3] / "docs/reference/machine-kinds.md").read_text("utf-8")
_TITLES_AND_TEXTS = re.split(r"^## `([a-z-]+)`\n", PAGE, flags=re.MULTILINE)[1:]
SECTIONS = dict(zip(_TITLES_AND_TEXTS[::2], _TITLES_AND_TEXTS[1::2], strict=True))


def usual(low: float | None, high: float | None) -> str:
    return "" if high is None else f"{low:g} … {high:g}"


def test_every_kind_has_its_section() -> None:
    assert list(SECTIONS) == sorted(MODELS)


def test_every_signal_is_on_the_page_with_unit_range_and_the_failure_that_it_shows() -> None:
    for kind, model in MODELS.items():
        rows = [
            [cell.strip().strip("`") for cell in line.strip("|").split("|")]
            for line in SECTIONS[kind].splitlines()
            if line.startswith("| `")
        ]
        shown = vars(model)["shown"]
        assert [(name, title, unit, span) for name, title, unit, span, _ in rows] == [
            (name, signal.title, signal.unit, usual(signal.low, signal.high)) for name, signal in shown.items()
        ]
        shows = {(reason, name) for name, _, _, _, cell in rows for reason in re.findall(r"[a-z0-9-]+", cell)}
        assert shows == {(mode.reason, mode.signal) for mode in model.failures if mode.signal}, kind


def test_batch_kinds_and_shared_ones_are_named_as_such() -> None:
    for kind, model in MODELS.items():
        assert (f"{model.load} pieces a load" in SECTIONS[kind]) == (model.load > 1)
        assert ("[simulate.shared]" in SECTIONS[kind]) == bool(model.serves)


def test_every_cell_is_on_the_page_with_its_figures_and_their_names() -> None:
    rows = {
        row[0].strip("`"): row[1:]
        for line in PAGE.split("## Cells")[1].split("\n## ")[0].splitlines()
        if line.startswith("| `") and (row := [cell.strip() for cell in line.strip("|").split("|")])
    }
    assert list(rows) == sorted(CELLS)
    for name, row in rows.items():
        cell = CELLS[name]
        figures = (cell.ideal_s, cell.lot, cell.setup_min, cell.mtbf_h, cell.mttr_h, cell.minor_per_h, cell.minor_min)
        shares = (cell.speed, *(100 * share for share in (cell.scrap, cell.rework, cell.wait, EXPECTED[name].oee)))
        shown = [float(figure) for one in row for figure in one.split(" × ")]
        assert [round(figure, 6) for figure in shown] == [round(figure, 6) for figure in (*figures, *shares)], name
    assert [field for field in CELLS["cmm"].__struct_encode_fields__ if f"`{field}`" not in PAGE] == []
