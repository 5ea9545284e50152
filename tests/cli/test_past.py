"""`simulate --past`: machines that were never simulated get a past; those that the store knows do not."""

from pathlib import Path

from tests.cli.conftest import Corridor

NOBODY = ("--broker", "mqtt://127.0.0.1:1")
"""Where no broker listens: what is made before it is asked for stays."""
MILL = "sheffield/machining/line-1/mill-1"


def test_machines_that_were_never_simulated_get_a_past(corridor: Corridor, tmp_path: Path) -> None:
    words = ("simulate", "--past", "2h", "--data", str(tmp_path), *NOBODY)
    status, _, reported = corridor(*words)
    assert (status, "no broker listens at 127.0.0.1:1" in reported) == (1, True)
    status, shown, _ = corridor("kpi", "show", MILL, "--last", "1h", "--data", str(tmp_path))
    assert status == 0
    assert "state known for 100.0% of the time" in shown
    # Those that have been simulated have their own past.
    size = (tmp_path / "corridor.db").stat().st_size
    corridor(*words)
    assert (tmp_path / "corridor.db").stat().st_size == size


def test_machines_that_the_store_knows_get_no_other_past(corridor: Corridor, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    corridor("simulate", "--past", "1h", "--data", str(here), *NOBODY)
    store = f"sqlite:///{here / 'corridor.db'}"
    corridor("simulate", "--past", "6h", "--data", str(there), "--store", store, *NOBODY)
    before = corridor("kpi", "show", MILL, "--last", "5h", "--store", store)[1]
    assert "unknown 4.0 h" in before
