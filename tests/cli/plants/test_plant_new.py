"""`corridor plant new`, as its user sees it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.simulation.planning.trades import TRADES

Corridor = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], int]]:
    """Make a terminal of standard input; return what types into it."""
    keyboard, terminal = os.openpty()
    with open(terminal, encoding="utf-8") as stdin:  # noqa: PTH123  (a descriptor, not a path)
        monkeypatch.setattr("sys.stdin", stdin)
        yield lambda text: os.write(keyboard, text.encode())
    os.close(keyboard)


@pytest.mark.parametrize("trade", TRADES)
def test_a_new_file_passes_the_check_and_says_what_to_do_next(corridor: Corridor, tmp_path: Path, trade: str) -> None:
    file = tmp_path / "my works.toml"
    status, output, errors = corridor("plant", "new", str(file), "--trade", trade)
    assert (status, output) == (0, "")
    assert f"demo --plant '{file}'" in errors
    assert "plant check 'my works.toml'" in file.read_text("utf-8")
    status, output, errors = corridor("plant", "check", str(file))
    assert (status, errors) == (0, "")
    assert "My works: 1 site, 1 line, " in output


def test_a_file_that_is_there_is_not_overwritten(corridor: Corridor, tmp_path: Path) -> None:
    file = tmp_path / "plant.toml"
    file.write_text("mine")
    status, _, errors = corridor("plant", "new", str(file), "--trade", "machining")
    assert status == 1
    assert errors == f"corridor: {file} exists; give the name of a new file\n"
    assert file.read_text() == "mine"


def test_a_link_that_leads_nowhere_is_not_followed(corridor: Corridor, tmp_path: Path) -> None:
    file = tmp_path / "plant.toml"
    file.symlink_to(tmp_path / "elsewhere.toml")
    assert corridor("plant", "new", str(file), "--trade", "machining")[0] == 1
    assert not (tmp_path / "elsewhere.toml").exists()


def test_without_a_trade_and_a_terminal_the_trades_are_listed(corridor: Corridor, tmp_path: Path) -> None:
    file = tmp_path / "plant.toml"
    status, _, errors = corridor("plant", "new", str(file))
    assert status == 1
    assert errors.startswith("corridor: no trade is given; the trades are ")
    assert all(trade in errors for trade in TRADES)
    assert not file.exists()


def test_an_unknown_trade_is_answered_with_the_nearest_and_all(corridor: Corridor, tmp_path: Path) -> None:
    status, _, errors = corridor("plant", "new", str(tmp_path / "plant.toml"), "--trade", "castings")
    assert status == 1
    assert "there is no trade 'castings'; did you mean casting? The trades are machining, " in errors


def test_in_a_terminal_it_asks_for_the_trade_until_there_is_one(
    corridor: Corridor, tmp_path: Path, typed: Callable[[str], int]
) -> None:
    typed("plumbing\nwelding\n")
    status, _, errors = corridor("plant", "new", str(tmp_path / "by-name.toml"))
    assert status == 0
    assert "'plumbing' is none of them" in errors
    assert "friction-stir-gantry" in (tmp_path / "by-name.toml").read_text("utf-8")
    typed("3\n")
    assert corridor("plant", "new", str(tmp_path / "by-number.toml"))[0] == 0
    assert "casting-furnace" in (tmp_path / "by-number.toml").read_text("utf-8")
