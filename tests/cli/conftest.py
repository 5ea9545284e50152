"""Commands run in this process, with a data folder of their own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cli import main

Corridor = Callable[..., tuple[int, str, str]]
"""Runs a command line; returns exit status, output and messages."""


@pytest.fixture
def corridor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Corridor:
    """Return what runs `corridor ARGUMENTS…`, with commands of a test's own if it brings some."""
    monkeypatch.setenv("CORRIDOR_DATA", str(tmp_path))

    def run(*arguments: str, entries: tuple[main.Entry, ...] = main.COMMANDS) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main.run(arguments, entries)
        shown = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return end.value.code, shown.out, shown.err

    return run
