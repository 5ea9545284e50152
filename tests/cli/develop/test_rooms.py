"""The rooms of the code: each top-level package is checked and packed, and two that may come have their places.

The contracts of imports are tried on packages of the same names that hold nothing else.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[3]
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LAYERS: Final = [each for each in PROJECT["tool"]["importlinter"]["contracts"] if each["type"] == "layers"]


def test_every_top_level_package_is_checked_packed_and_sorted_as_ours() -> None:
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py")} - {"tests"}
    tool = PROJECT["tool"]
    assert packages == set(tool["importlinter"]["root_packages"])
    assert packages == set(tool["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert packages == set(tool["ruff"]["lint"]["isort"]["known-first-party"])


@pytest.fixture
def empty_rooms(tmp_path: Path) -> Path:
    """The project's rooms without what is in them, a monitor `services/watch` and an academy `applications/academy`."""
    roots = sorted({*PROJECT["tool"]["importlinter"]["root_packages"], "applications"})
    modules = [*roots, "applications.academy", "services.watch"]
    lines = ["[tool.importlinter]", f"root_packages = {roots}"]
    for contract in LAYERS:
        containers = contract.get("containers", [])
        modules += [
            f"{container}.{room.strip()}"
            for container in containers
            for layer in contract["layers"]
            for room in layer.split("|")
            if "(" not in room
        ]
        lines += ["[[tool.importlinter.contracts]]", f"name = {contract['name']!r}", 'type = "layers"']
        lines += [f"layers = {contract['layers']}", *([f"containers = {containers}"] if containers else [])]
    for module in modules:
        folder = tmp_path.joinpath(*module.split("."))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def rejected(rooms: Path, *imports: tuple[str, str]) -> set[tuple[str, str]]:
    """Return which of some imports the contracts do not allow."""
    for who, what in imports:
        with rooms.joinpath(*who.split("."), "__init__.py").open("a", encoding="utf-8") as file:
            file.write(f"import {what}\n")
    run = "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])"
    done = subprocess.run([sys.executable, "-c", run], cwd=rooms, capture_output=True, text=True, check=False)
    assert "Contracts: " in done.stdout, done.stdout + done.stderr
    return set(re.findall(r"^-? +(\S+) -> (\S+) \(l\.", done.stdout, re.MULTILINE))


WATCH, ACADEMY = "services.watch", "applications.academy"


def test_a_service_that_derives_reads_and_asks_and_an_application_runs_a_twin_too(empty_rooms: Path) -> None:
    both = ["broker.plant", "services.intake", "services.query", "services.store"]
    imports = [(who, what) for who in (WATCH, ACADEMY) for what in both]
    assert rejected(empty_rooms, *imports, (ACADEMY, "edge.simulation"), (ACADEMY, "edge.gateways")) == set()


def test_a_service_that_derives_knows_no_other_service_and_no_shop_floor(empty_rooms: Path) -> None:
    imports = {(WATCH, what) for what in ("services.kpi", "services.wall", "edge.simulation", "cli")}
    assert rejected(empty_rooms, *imports) == imports


def test_nothing_below_knows_an_application_and_it_does_not_know_the_command_line(empty_rooms: Path) -> None:
    imports = {(who, ACADEMY) for who in ("edge.simulation", "services.query", "broker.plant", "dashboards")}
    imports |= {(ACADEMY, "cli")}
    assert rejected(empty_rooms, *imports) == imports
