"""The page on the command line has every command and every option, and no other."""

import re
from pathlib import Path
from typing import Any

import pytest

from cli import main

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "command-line.md"
ROWS: list[str] = re.findall(r"^\| `(.+?)` \| ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def usage_of(entry: main.Entry) -> str:
    found = [usage for usage in ROWS if usage == entry.name or usage.startswith(f"{entry.name} ")]
    assert len(found) == 1, f"write a row for `{entry.name}` in {PAGE}"
    return found[0]


def options_of(entry: main.Entry) -> set[frozenset[str]]:
    command: Any = main.LazyGroup(entries=main.COMMANDS)
    for word in entry.name.split():
        command = command.get_command(None, word)
    return {frozenset((*each.opts, *each.secondary_opts)) for each in command.params if each.opts[0].startswith("--")}


@pytest.mark.parametrize("entry", main.COMMANDS, ids=lambda entry: entry.name)
def test_every_command_has_a_row_with_its_options_and_no_other(entry: main.Entry) -> None:
    written = set(re.findall(r"--[a-z-]+", usage_of(entry)))
    wanted = options_of(entry) - {frozenset({"--help"})}
    assert [sorted(names) for names in wanted if not names & written] == [], f"not in the row of {PAGE}"
    assert written <= {name for names in wanted for name in names}


def test_no_row_is_of_a_command_that_is_not_there() -> None:
    assert len(ROWS) == len(main.COMMANDS)


def test_commands_are_written_as_a_checkout_runs_them() -> None:
    root = PAGE.parents[2]
    bare = [
        f"{page.relative_to(root)}:{number}: {line}"
        for page in [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
        if not {"decisions", "dialects", "run-without-docker.md"} & {*page.parts}
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"^(    |```)\s*corridor [a-z]|(?<!another )`corridor [a-z]", line)
    ]
    assert bare == []
