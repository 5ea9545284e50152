"""The page of all settings is what the program and the stack have now, and explains each variable that they read."""

import ast
import re
from pathlib import Path

import pytest

from cli.site import settings_table

ROOT = Path(__file__).resolve().parents[3]
GETTERS = {"os.environ.get", "environment.get", "os.getenv"}
HOW = "write it again: PYTHONPATH=. python -m cli.site.settings_table > docs/reference/settings.md"


def read_from_the_environment() -> set[str]:
    """Return each name that the program looks up in `os.environ` by itself, and not as an option."""
    found: set[str] = set()
    for folder in ("broker", "cli", "dashboards", "edge", "services"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                name = None
                if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) in GETTERS:
                    name = node.args[0]
                elif (
                    isinstance(node, ast.Subscript)
                    and isinstance(node.ctx, ast.Load)
                    and ast.unparse(node.value) in {"os.environ", "environment"}
                ):
                    name = node.slice
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    found.add(name.value)
    return found


def test_the_page_is_what_the_program_has_now() -> None:
    assert (ROOT / settings_table.PAGE).read_text("utf-8") == settings_table.page(ROOT), HOW


@pytest.mark.slow
def test_every_variable_that_is_read_from_the_environment_is_explained() -> None:
    text = settings_table.page(ROOT)
    found = read_from_the_environment()
    assert {"CORRIDOR_DATA", "CORRIDOR_DEBUG", "XDG_DATA_HOME"} <= found
    assert {name for name in found if f"`{name}`" not in text} == set()


def test_every_variable_of_the_compose_file_is_explained_and_no_other() -> None:
    _, stack = settings_table.documented()
    wanted = settings_table.compose_variables(ROOT) | {"COMPOSE_PROFILES"}
    assert stack == wanted


def test_every_option_has_a_row() -> None:
    rows = re.findall(r"^\| `--", settings_table.page(ROOT), re.MULTILINE)
    assert len(rows) > 100
