"""Every path that a document or a room's docstring names is there, and so is every file that it links to."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    page.relative_to(ROOT).as_posix()
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    if page.name != "CHANGELOG.md"
)
FOLDERS = ("benchmarks", "broker", "cli", "dashboards", "deploy", "docs", "edge", "examples", "services", "tests")
LINK = re.compile(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)")
MODULE = re.compile(r"`((?:broker|cli|dashboards|edge|services)\.[a-z0-9_.]+)")
PATH = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[^`\s:]*)[`:]")


def missing(page: str, text: str) -> list[str]:
    """Return what a page names and is not there; a `*` stands for any part of a name."""
    folder = (ROOT / page).parent
    links = [link for link in LINK.findall(text) if not (folder / link).exists()]
    return links + [path for path in PATH.findall(text) if not any(ROOT.glob(path))]


@pytest.mark.parametrize("page", PAGES)
def test_every_path_on_a_page_is_there(page: str) -> None:
    assert missing(page, (ROOT / page).read_text("utf-8")) == []


def test_a_path_that_is_not_there_is_found() -> None:
    text = (
        "`broker/nothing.py`, `broker/mqtt/session.py`, `broker/*/session.py::test`, [a](README.md#b), [c](../gone.md)"
    )
    assert missing("docs/README.md", text) == ["../gone.md", "broker/nothing.py"]


@pytest.mark.parametrize(
    "room",
    sorted(
        file.parent.relative_to(ROOT).as_posix()
        for folder in ("broker", "edge", "services", "dashboards", "cli")
        for file in (ROOT / folder).rglob("__init__.py")
    ),
)
def test_every_room_has_at_most_ten_lines_on_what_lives_there_and_names_only_what_is_there(room: str) -> None:
    text = ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text("utf-8")))
    assert text
    assert len(text.splitlines()) <= 10
    assert [name for name in MODULE.findall(text) if not is_there(name)] == []


def is_there(name: str) -> bool:
    """Return whether a dotted name is a module or a folder, or something in a module."""
    place = ROOT.joinpath(*name.split("."))
    return place.is_dir() or any(each.with_suffix(".py").is_file() for each in (place, place.parent))


def test_every_decision_is_listed_and_has_context_decision_and_consequences() -> None:
    listed = (ROOT / "docs" / "README.md").read_text("utf-8")
    for number, page in enumerate(sorted((ROOT / "docs" / "decisions").glob("*.md")), start=1):
        text = page.read_text("utf-8")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], page
        assert text.startswith(f"# {number}. ")
        assert f"{number}. [" in listed
        assert f"](decisions/{page.name})" in listed


def test_every_commit_that_contributing_shows_is_one_and_has_that_subject() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    rows = text.split("## Where a new thing goes")[1].split("\n## ")[0].splitlines()
    cells = [row.rsplit("|", 2)[1].strip() for row in rows if row.startswith("| ") and "shown by" not in row]
    shown = dict(cell.split(" ", 1) for cell in cells if cell != "–")
    assert len(shown) > 10
    if not (ROOT / ".git").exists() or git("rev-parse", "--is-shallow-repository") != "false":
        pytest.skip("this is a checkout without its history")
    known = dict(line.split(" ", 1) for line in git("log", "--format=%h %s", "--abbrev=7").splitlines())
    assert [cell for cell, subject in shown.items() if not known.get(cell, "").startswith(subject)] == []


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
