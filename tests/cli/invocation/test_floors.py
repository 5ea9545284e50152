"""Which plant `demo` and `simulate` show."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.invocation import floors
from cli.invocation.errors import CommandError
from edge.simulation import districts

Corridor = Callable[..., tuple[int, str, str]]


def test_without_a_choice_two_districts_are_shown() -> None:
    floor = floors.chosen(None, None, all_=False)
    assert floor.is_default
    assert floor.plant == districts.plant()


def test_districts_are_shown_by_name() -> None:
    floor = floors.chosen(None, ["lancaster/joining"], all_=False)
    assert not floor.is_default
    assert floor.plant.lines() == ["lancaster/joining/line-1"]


@pytest.mark.parametrize(("file", "all_"), [(Path("corridor"), False), (None, True)])
def test_the_corridor_is_all_districts(file: Path | None, all_: bool) -> None:
    assert floors.chosen(file, None, all_=all_).plant == districts.plant(districts.names())


def test_a_file_is_shown_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "plant.toml"
    file.write_text('name = "Works"')
    assert floors.chosen(file, None, all_=False).plant.name == "Works"


def test_two_choices_are_rejected() -> None:
    with pytest.raises(CommandError, match="give one of them"):
        floors.chosen(None, ["lancaster/joining"], all_=True)


@pytest.mark.parametrize("command", ["demo", "simulate"])
def test_an_unknown_district_is_rejected_with_those_there_are(corridor: Corridor, tmp_path: Path, command: str) -> None:
    code, _, err = corridor(command, "--data", str(tmp_path), "--district", "york/minster")
    assert code == 1
    assert "no district 'york/minster'; the districts are sheffield/machining, " in err
