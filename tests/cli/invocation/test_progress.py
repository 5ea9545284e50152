"""What a terminal shows of something that takes a while."""

import os
import sys
import threading
from collections.abc import Callable

import pytest

from cli.invocation import progress

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals")


def written_by(work: Callable[[], None]) -> str:
    """Return what is written to standard error, a terminal, meanwhile."""
    master, slave = os.openpty()
    found: list[bytes] = []

    def read() -> None:
        try:
            while data := os.read(master, 65_536):
                found.append(data)
        except OSError:  # the other end is closed
            pass

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    with pytest.MonkeyPatch.context() as patch, os.fdopen(slave, "w") as terminal:
        patch.setenv("TERM", "xterm")
        patch.setenv("COLUMNS", "200")
        patch.setattr(sys, "stderr", terminal)
        work()
    reader.join(60)
    os.close(master)
    return b"".join(found).decode()


def test_a_bar_shows_the_share_that_is_done_and_the_rate_in_the_unit_of_what_is_done() -> None:
    def work() -> None:
        with progress.shown("making [a] past", ("days", 10.0)) as report:
            for done in (100, 200, 300):
                report(done, 400)

    written = written_by(work)
    assert "making [a] past" in written
    assert "75%" in written
    assert " days/s" in written


def test_a_bar_without_a_unit_shows_no_rate() -> None:
    def work() -> None:
        with progress.shown("exporting") as report:
            for done in (1, 2, 3):
                report(done, 4)

    written = written_by(work)
    assert "75%" in written
    assert "/s" not in written
