"""Ctrl-C in the terminal in which a past is made: it says how it goes on, and the next start makes it to its end."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from cli import past_processes
from edge.simulation import past_parts, saved
from edge.simulation.planning.first_plant import LINE, SITE, text_for
from edge.simulation.planning.trades import TRADES
from tests.cli.conftest import Corridor

CTRL_C: Final = b"\x03"
MOVED: Final = re.compile(rb" [1-9]\d?%")
NOBODY: Final = ("--broker", "mqtt://127.0.0.1:1")
"""Where no broker listens: the command ends once the past is made."""
IN_TERMINAL: Final = 'terminal=$1; shift; exec "$@" <"$terminal" >"$terminal" 2>&1'
"""The first terminal that the leader of a session opens is its own: Ctrl-C is for its processes."""


def interrupted(words: tuple[str, ...]) -> tuple[int, str]:
    """Run a command in a terminal, press Ctrl-C once its bar has moved; return its exit status and what was shown."""
    keyboard, terminal = os.openpty()
    shown = b""
    command = [sys.executable, "-P", "-m", "cli.main", *words]
    environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "COLUMNS": "100", "TERM": "xterm"}
    with subprocess.Popen(
        ["/bin/sh", "-c", IN_TERMINAL, "sh", os.ttyname(terminal), *command],
        env=os.environ | environment,
        start_new_session=True,
    ) as process:
        shown += os.read(keyboard, 65_536)
        os.close(terminal)  # not before the command has it: a terminal that nobody has open has ended
        is_pressed = False
        while True:
            try:
                shown += os.read(keyboard, 65_536)
            except OSError:  # all that had it open have ended
                break
            if not is_pressed and MOVED.search(shown):
                is_pressed = True
                os.write(keyboard, CTRL_C)
    os.close(keyboard)
    return process.returncode, shown.decode()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal")
@pytest.mark.parametrize(
    ("length", "places"),
    [("20d", (f"{SITE}/turning/{LINE}",)), ("20d", ("preston/eic", "lancaster/joining"))],
    ids=["one line, in one process", "two districts, in several where there are processors"],
)
def test_a_past_is_stopped_by_ctrl_c_and_made_to_its_end_at_the_next_start(
    corridor: Corridor, tmp_path: Path, length: str, places: tuple[str, ...]
) -> None:
    file, data = tmp_path / "plant.toml", tmp_path / "data"
    file.write_text(text_for("turning", TRADES["turning"]), "utf-8")
    floor = ["--plant", str(file)] if len(places) == 1 else [word for name in places for word in ("--district", name)]
    words = ("simulate", "--past", length, *floor, "--data", str(data), *NOBODY)
    status, shown = interrupted(words)
    assert status == 130, shown[-600:]
    assert "the next start goes on with it, where it was" in shown
    assert "Traceback" not in shown
    begun = saved.read(data)
    assert past_parts.unfinished(data) or (begun and begun.is_past_unfinished)

    status, _, reported = corridor(*words)
    assert (status, "goes on with the past that was interrupted" in reported) == (1, True)
    whole = saved.read(data)
    assert whole
    assert not whole.is_past_unfinished
    assert not past_parts.unfinished(data)
    for place in places:
        status, shown, _ = corridor("kpi", "show", place, "--last", "1d", "--data", str(data))
        assert (status, "state known for 100.0% of the time" in shown) == (0, True)
    status, shown, _ = corridor("score", "--last", "1d", "--data", str(data))
    assert status == 0, shown


@pytest.mark.skipif(sys.platform == "win32", reason="it has no masks of signals")
def test_ctrl_c_waits_while_a_process_is_started_and_never_reaches_it() -> None:
    asks = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    found = []

    def press_at_the_start() -> None:
        with past_processes.uninterrupted():
            signal.raise_signal(signal.SIGINT)
            found.append(subprocess.check_output([sys.executable, "-c", asks], text=True))

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts its background with it ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            press_at_the_start()
    finally:
        signal.signal(signal.SIGINT, before)
    assert found == ["True\n"]
