"""`corridor test`, run in a small checkout of its own; and what becomes of tests whose program is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli.develop import checks

ROOT = Path(__file__).parents[3]
PROJECT = """
[tool.ruff]
include = ["tests/*.py"]
[tool.pytest.ini_options]
asyncio_default_fixture_loop_scope = "function"
markers = ["browser"]
[tool.mypy]
strict = true
files = ["tests"]
[tool.importlinter]
root_package = "cli"
[[tool.importlinter.contracts]]
name = "errors stand beneath"
type = "layers"
layers = ["cli.main", "cli.invocation.errors"]
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A checkout that has the command line, one test, and nothing wrong with it."""
    shutil.copytree(ROOT / "cli", tmp_path / "cli", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "corridor").touch()
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_one.py").write_text("def test_one() -> None:\n    assert 1 + 1 == 2\n")
    return tmp_path


def _test(checkout: Path, *arguments: str, **variables: str) -> tuple[int, list[str]]:
    command = [sys.executable, "-P", "-m", "cli.main", "test", *arguments]
    stored = {name: value for name, value in os.environ.items() if name != "CI"}
    environment = stored | {"PYTHONPATH": str(checkout)} | variables
    finished = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    return finished.returncode, finished.stdout.splitlines()


@pytest.mark.slow
def test_all_is_checked_and_the_last_line_is_that_of_pytest(small: Path) -> None:
    status, lines = _test(small)
    assert status == 0, lines
    reported = [line.split() for line in lines]
    assert [words[1] for words in reported if words[:1] == ["ok"]] == ["format", "lint", "layers", "types"]
    assert lines[-2].startswith("all checks passed, ")
    assert "1 passed in" in lines[-1]


@pytest.mark.slow
def test_what_is_wrong_is_shown_and_the_rest_is_checked_all_the_same(small: Path) -> None:
    (small / "tests" / "test_one.py").write_text("def test_one() -> int:\n    assert  1 + 1 == 3\n")
    status, lines = _test(small)
    assert status == 1
    reported = {words[1]: words[0] for words in map(str.split, lines) if words[:1] in (["ok"], ["FAILED"])}
    assert [reported[name] for name in ("format", "lint", "layers", "types")] == ["FAILED", "ok", "ok", "FAILED"]
    assert any("Missing return statement" in line for line in lines)
    assert lines[-2].startswith("CHECKS FAILED: see above")
    assert "1 failed in" in lines[-1]


@pytest.mark.slow
def test_with_arguments_only_pytest_is_run_with_them(small: Path) -> None:
    (small / "tests" / "test_one.py").write_text("def test_one(): pass\ndef test_two(): assert not 1\n")
    status, lines = _test(small, "-q", "-k", "not test_two")
    assert (status, lines[-1].partition(" in ")[0]) == (0, "1 passed, 1 deselected")
    assert _test(small, "-q", "-k", "test_two")[0] == 1


@pytest.mark.slow
@pytest.mark.parametrize(("ci", "outcome"), [("false", "1 passed, 1 skipped"), ("true", "1 passed, 1 error")])
def test_a_missing_program_skips_its_tests_and_fails_them_where_nothing_may_be_missing(
    small: Path, ci: str, outcome: str
) -> None:
    for name in ("conftest.py", "properties.py"):
        shutil.copy(ROOT / "tests" / name, small / "tests")
    with (small / "tests" / "test_one.py").open("a") as file:
        file.write("\n\nimport pytest\n\n\n@pytest.mark.browser\ndef test_two() -> None:\n    pass\n")
    status, lines = _test(small, "-q", "-rEs", "-p", "no:cacheprovider", CI=ci, PATH="")
    assert status == (1 if ci == "true" else 0)
    assert lines[-1].partition(" in ")[0] == outcome
    assert any("needs chromium: apt install chromium" in line for line in lines)


@pytest.mark.slow
def test_missing_programs_are_reported_before_all_else(small: Path) -> None:
    status, lines = _test(small, CI="true", PATH="")
    assert status == 1
    assert "FAILED  chromium is not installed, so its tests do not run; apt install chromium" in lines[:4]


def test_programs_are_found_by_any_of_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert checks.missing_programs() == list(checks.PROGRAMS)
    for name in (
        *("mosquitto", "mosquitto_pub", "google-chrome"),
        *("nodejs", "javac", "mvn", "nginx", "caddy", "systemd-analyze"),
    ):
        (tmp_path / name).touch(mode=0o755)
    assert [program.package for program in checks.missing_programs()] == ["influxdb"]
