"""The wheel, built from this checkout and installed into an empty folder, far from the checkout."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("broker", "cli", "dashboards", "edge", "services")


pytestmark = pytest.mark.xdist_group("package")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the backend that the lock file has."""
    folder = tmp_path_factory.mktemp("wheel")
    _run([sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "-w", str(folder), str(ROOT)])
    return next(folder.glob("corridor-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the wheel is installed into; what it depends on is in the environment that runs the tests."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--no-warn-script-location"]
    _run([*pip, "--target", str(folder / "site"), str(wheel)])
    return folder


def _run(command: list[str], **options: str) -> str:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    finished = subprocess.run(command, env=variables | options, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.mark.slow
def test_the_wheel_has_every_file_of_the_packages(wheel: Path) -> None:
    tracked = _run(["git", "-C", str(ROOT), "ls-files", "-z", "--", *PACKAGES]).split("\0")
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    assert {name for name in tracked if name and (ROOT / name).exists()} - packed == set()
    assert {name.partition("/")[0] for name in packed if "dist-info" not in name} == set(PACKAGES)


@pytest.mark.slow
def test_the_wheel_brings_its_bill_of_materials(wheel: Path, installed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if ".dist-info/sboms/" in name)
        packed = archive.read(name).decode()
    checkout = [sys.executable, "-P", "-m", "cli.main", "sbom"]
    assert packed == _run(checkout, PYTHONPATH=str(ROOT))
    command = [str(installed / "site" / "bin" / "corridor"), "sbom"]
    assert packed == _run(["/usr/bin/env", "-C", str(tmp_path), *command], PYTHONPATH=str(installed / "site"))


@pytest.mark.slow
def test_the_installed_command_runs_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    command = [str(installed / "site" / "bin" / "corridor"), "version", "--json"]
    facts = json.loads(_run(["/usr/bin/env", "-C", str(tmp_path), *command], PYTHONPATH=str(installed / "site")))
    assert facts["from"] == "package"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_without_a_checkout_the_tests_say_that_they_need_one(installed: Path) -> None:
    command = [str(installed / "site" / "bin" / "corridor"), "test"]
    variables = os.environ | {"PYTHONPATH": str(installed / "site")}
    finished = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert finished.returncode == 1
    assert finished.stderr.startswith("corridor: `test` needs a checkout of Corridor")
