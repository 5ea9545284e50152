"""`simulate --past`: machines that were never simulated get a past; those that the store knows do not."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.simulation import saved
from tests.cli.conftest import Corridor

NOBODY = ("--broker", "mqtt://127.0.0.1:1")
"""Where no broker listens: what is made before it is asked for stays."""
MILL = "sheffield/machining/line-1/mill-1"


@pytest.mark.slow
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


@pytest.mark.slow
def test_machines_that_the_store_knows_get_no_other_past(corridor: Corridor, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    corridor("simulate", "--past", "1h", "--data", str(here), *NOBODY)
    store = f"sqlite:///{here / 'corridor.db'}"
    corridor("simulate", "--past", "6h", "--data", str(there), "--store", store, *NOBODY)
    before = corridor("kpi", "show", MILL, "--last", "5h", "--store", store)[1]
    assert "unknown 4.0 h" in before


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_past_that_was_killed_is_made_to_its_end_at_the_next_start(corridor: Corridor, tmp_path: Path) -> None:
    words = ("simulate", "--past", "26h", "--data", str(tmp_path), *NOBODY)
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "cli.main", *words],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stderr=subprocess.DEVNULL,
    ) as process:
        give_up = time.monotonic() + 240
        while not (found := saved.read(tmp_path)) or not found.past:
            assert process.poll() is None
            assert time.monotonic() < give_up
        process.send_signal(signal.SIGKILL)
    begun = saved.read(tmp_path)
    assert begun
    assert begun.is_past_unfinished
    corridor(*words)
    whole = saved.read(tmp_path)
    assert whole
    assert not whole.is_past_unfinished
    status, shown, _ = corridor("kpi", "show", MILL, "--last", "24h", "--data", str(tmp_path))
    assert (status, "state known for 100.0% of the time" in shown) == (0, True)
    status, shown, _ = corridor("score", "--data", str(tmp_path))
    assert status == 0, shown
