"""`corridor plant draw`, as its user sees it."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

from edge.simulation import districts
from edge.simulation.planning import plan

Corridor = Callable[..., tuple[int, str, str]]


def test_the_shipped_plant_is_drawn_with_every_machine(corridor: Corridor, tmp_path: Path) -> None:
    out = tmp_path / "plan.svg"
    assert corridor("plant", "draw", "corridor", "--out", str(out)) == (0, "", f"{out} is drawn\n")
    drawn = [
        found.get("data-asset")
        for found in ET.fromstring(out.read_text("utf-8")).iter()
        if found.get("class") == "machine"
    ]
    floor = plan.read(districts.plant(districts.names()).simulate)
    assert sorted(map(str, drawn)) == sorted([*floor.machine, *floor.shared])


def test_a_file_with_mistakes_is_not_drawn(corridor: Corridor, tmp_path: Path) -> None:
    file, out = tmp_path / "plant.toml", tmp_path / "plan.svg"
    file.write_text("nmae = 'x'\n")
    status, _, errors = corridor("plant", "draw", str(file), "--out", str(out))
    assert status == 1
    assert f"{file}:1: nmae: this key is not known here; did you mean name?" in errors
    assert not out.exists()
