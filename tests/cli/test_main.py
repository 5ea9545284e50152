"""The table of commands, and how commands end."""

import importlib
import inspect
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from broker.contract.errors import ContractError
from cli import main
from cli.invocation.errors import CommandError
from services.store.interface import StoreError

Corridor = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]


def greet(name: str, *, times: int = 1) -> None:
    """Greet somebody."""
    typer.echo(" ".join(["hello", name] * times))


def end_with(how: str) -> None:
    """End in one of the ways in which commands end."""
    match how:
        case "no":
            raise typer.Exit(1)
        case "interrupt":
            signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts its background with it ignored
            signal.raise_signal(signal.SIGINT)
        case "bug":
            raise ZeroDivisionError
        case "group with a bug":
            raise ExceptionGroup("tasks", [OSError(28, "No space left on device"), ZeroDivisionError()])
        case _:
            raise ERRORS[how]


ERRORS: dict[str, Exception] = {
    "command": CommandError("port 1883 is in use", "choose another with --mqtt-port"),
    "contract": ContractError("no such kind 'sate'", "write state"),
    "store": StoreError("the disk is full; make room"),
    "system": PermissionError(13, "Permission denied", "/data/corridor.db"),
    "group": ExceptionGroup("tasks", [ExceptionGroup("more", [CommandError("one")]), OSError("two"), OSError("two")]),
}

ENTRIES = (
    main.Entry("greet", "Talk", f"{__name__}:greet", "Say hello."),
    main.Entry("end with", "Talk", f"{__name__}:end_with", "End."),
    main.Entry("end later", "Other", "cli.not_written_yet:later", "Not there."),
)


def test_a_command_of_one_word_is_run(corridor: Corridor) -> None:
    assert corridor("greet", "ada", "--times", "2", entries=ENTRIES) == (0, "hello ada hello ada\n", "")


def test_the_help_lists_every_command_under_its_section_and_imports_none(corridor: Corridor) -> None:
    status, output, _ = corridor("--help", entries=ENTRIES)
    assert status == 0
    assert "Talk:\n  greet     Say hello.\n  end with  End.\n\nOther:\n  end later  Not there.\n" in output
    assert "cli.not_written_yet" not in sys.modules


def test_without_a_command_the_help_is_shown(corridor: Corridor) -> None:
    status, output, messages = corridor(entries=ENTRIES)
    assert status == 2
    assert "end later" in output + messages


def test_the_help_of_a_command_is_its_docstring(corridor: Corridor) -> None:
    status, output, _ = corridor("greet", "--help", entries=ENTRIES)
    assert status == 0
    assert "Greet somebody." in output
    assert "--times" in output


@pytest.mark.parametrize(("typed", "meant"), [(["gret"], "greet"), (["end", "wiht"], "with"), (["edn", "with"], "end")])
def test_a_misspelt_command_is_answered_with_the_one_that_is_near(
    corridor: Corridor, typed: list[str], meant: str
) -> None:
    status, _, messages = corridor(*typed, entries=ENTRIES)
    assert status == 2
    assert f"Did you mean '{meant}'?" in messages


def test_the_first_of_two_words_alone_lists_the_second_ones(corridor: Corridor) -> None:
    status, output, messages = corridor("end", entries=ENTRIES)
    assert status == 2
    assert "end with  End." in output + messages
    assert "greet" not in output + messages


@pytest.mark.parametrize(
    "arguments", [["greet"], ["greet", "ada", "--times", "many"], ["greet", "ada", "--tiems", "2"]]
)
def test_wrong_use_ends_with_2(corridor: Corridor, arguments: list[str]) -> None:
    status, output, messages = corridor(*arguments, entries=ENTRIES)
    assert (status, output) == (2, "")
    assert "Try 'corridor greet --help' for help." in messages


@pytest.mark.parametrize(
    ("how", "reported_state"),
    [
        ("command", "corridor: port 1883 is in use; choose another with --mqtt-port\n"),
        ("contract", f"corridor: {ERRORS['contract']}\n"),
        ("store", "corridor: the disk is full; make room\n"),
        ("system", "corridor: /data/corridor.db: Permission denied\n"),
        ("group", "corridor: one\ncorridor: two\n"),
    ],
)
def test_what_is_wrong_in_the_world_is_reported_in_a_line_and_ends_with_1(
    corridor: Corridor, how: str, reported_state: str
) -> None:
    assert corridor("end", "with", how, entries=ENTRIES) == (1, "", reported_state)


def test_with_corridor_debug_errors_show_where_they_came_from(
    corridor: Corridor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORRIDOR_DEBUG", "1")
    with pytest.raises(CommandError):
        corridor("end", "with", "command", entries=ENTRIES)


@pytest.mark.parametrize(("how", "error"), [("bug", ZeroDivisionError), ("group with a bug", ExceptionGroup)])
def test_a_bug_is_not_dressed_up(corridor: Corridor, how: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        corridor("end", "with", how, entries=ENTRIES)


def test_no_for_an_answer_ends_with_1_and_without_a_word(corridor: Corridor) -> None:
    assert corridor("end", "with", "no", entries=ENTRIES) == (1, "", "")


def test_ctrl_c_ends_with_130(corridor: Corridor) -> None:
    assert corridor("end", "with", "interrupt", entries=ENTRIES)[0] == 130


def test_ctrl_c_while_it_is_loaded_ends_with_130_too(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    path = os.pathsep.join((str(tmp_path), str(ROOT)))
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "cli", "version"],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_a_command_whose_file_is_missing_says_so(corridor: Corridor) -> None:
    status, _, messages = corridor("end", "later", entries=ENTRIES)
    assert (status, messages.count("\n")) == (1, 1)
    assert "`end later` is not in this version of Corridor" in messages


def test_version_is_a_command_and_an_option(corridor: Corridor, monkeypatch: pytest.MonkeyPatch) -> None:
    status, output, _ = corridor("version")
    assert (status, output.split()[0]) == (0, "corridor")
    monkeypatch.setattr(sys, "argv", ["corridor", "--version"])
    with pytest.raises(SystemExit) as end:
        main.run()
    assert end.value.code == 0


@pytest.mark.parametrize("entry", main.COMMANDS, ids=lambda entry: entry.name)
def test_every_command_of_the_table_is_there_with_a_help_of_its_own(entry: main.Entry, corridor: Corridor) -> None:
    module, _, attribute = entry.target.partition(":")
    assert inspect.getdoc(getattr(importlib.import_module(module), attribute))
    status, output, _ = corridor(*entry.name.split(), "--help")
    assert status == 0
    assert output.startswith(f"Usage: corridor {entry.name}")


def test_each_first_word_of_several_commands_has_a_line_of_help() -> None:
    assert set(main.GROUPS) == {entry.name.split()[0] for entry in main.COMMANDS if " " in entry.name}
