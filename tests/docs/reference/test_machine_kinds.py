"""The page on the kinds of machines has what the code has."""

import re
from pathlib import Path

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
