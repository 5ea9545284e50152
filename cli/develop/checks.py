"""`corridor test`: everything that must hold before a change is taken, the quick checks first.

Each check prints one line; its findings follow when it fails. All of them run even if one fails, and
the last line is always pytest's own summary. Tests run in parallel, one process a core; those marked `slow` only with
`--slow` or under `CI=true`. `--changed` is for the minutes between two commits: the checks, and the tests that concern
the change.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from cli.develop import changed
from cli.invocation import checkout

CHECKS = {
    "format": ["-m", "ruff", "format", "--check"],
    "lint": ["-m", "ruff", "check", "--quiet"],
    "layers": ["-c", "from importlinter.cli import lint_imports_command as run; run()"],
    "types": ["-m", "mypy"],
}
"""What is run, as arguments of this Python, before the tests themselves."""


class Program(NamedTuple):
    """A program that tests use for real.

    Attributes:
        names: what it goes by; one of them is enough.
        package: Debian's package that has it.
        marker: the pytest marker of the tests that need it.
    """

    names: tuple[str, ...]
    package: str
    marker: str


PROGRAMS = (
    Program(("mosquitto",), "mosquitto", "mosquitto"),
    Program(("mosquitto_pub",), "mosquitto-clients", "mosquitto"),
    Program(("chromium", "chromium-browser", "google-chrome"), "chromium", "browser"),
    Program(("influxd",), "influxdb", "influx"),
    Program(("node", "nodejs"), "nodejs", "javascript"),
    Program(("javac",), "default-jdk-headless", "java"),
    Program(("mvn",), "maven", "java"),
    Program(("nginx",), "nginx-light", "nginx"),
    Program(("caddy",), "caddy", "caddy"),
    Program(("systemd-analyze",), "systemd", "systemd"),
)

SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin")
"""Debian installs servers here, and does not put it on the PATH of everyone."""


PARALLEL = ["-n", "auto", "--dist", "loadgroup"]
"""Tests of one `xdist_group` share a process, and so what is costly to set up."""

QUICK = "not docker and not slow and not soak"
QUICK_EXAMPLES = "0.25"
"""The share of a property's examples that a quick run tries: see `tests/properties.py`."""


def run(
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Run pytest alone, with these arguments.", show_default=False)
    ] = None,
    *,
    slow: Annotated[
        bool, typer.Option("--slow", help="Also run the tests that are marked slow, as CI does.", show_default=False)
    ] = False,
    changed_only: Annotated[
        bool, typer.Option("--changed", help="Run only the tests that concern the change.", show_default=False)
    ] = False,
) -> None:
    """Check everything: format, lint, layers, types, tests. With arguments, run only pytest with them."""
    root = checkout.require("test")
    if arguments:
        raise typer.Exit(_pytest(root, arguments).wait())
    start_s = time.monotonic()
    chosen = [] if slow or os.environ.get("CI") == "true" else ["-m", QUICK]
    if changed_only:
        selection = changed.select(root)
        typer.echo(_what_runs(selection))
        chosen = ["-m", QUICK, *selection.tests]
    passed = [_programs_are_there()]
    passed += [_check(root, name) for name in CHECKS]
    if changed_only and not selection.tests:
        raise typer.Exit(0 if all(passed) else 1)
    color = f"--color={'yes' if sys.stdout.isatty() else 'no'}"
    tests = _pytest(root, [color, *PARALLEL, *chosen], stdout=subprocess.PIPE)
    assert tests.stdout is not None
    summary = ""
    for line in tests.stdout:
        typer.echo(summary, nl=False)
        summary = line
    passed.append(tests.wait() == 0)
    outcome = "all checks passed" if all(passed) else "CHECKS FAILED: see above"
    typer.echo(f"{outcome}, {time.monotonic() - start_s:.0f} s in all")
    typer.echo(summary, nl=False)
    raise typer.Exit(0 if all(passed) else 1)


def _what_runs(selection: changed.Selection) -> str:
    further = f"; {selection.left} more import it, and run without --changed" if selection.left else ""
    return f"{len(selection.files)} files changed, {len(selection.tests)} test files concern them{further}"


def missing_programs() -> list[Program]:
    """Return the programs that tests need and that are not on this machine."""
    folders = os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS])
    return [program for program in PROGRAMS if not any(shutil.which(name, path=folders) for name in program.names)]


def _programs_are_there() -> bool:
    missing = missing_programs()
    strict = os.environ.get("CI") == "true"
    for program in missing:
        outcome = "FAILED" if strict else "skipped"
        typer.echo(
            f"{outcome:<8}{program.names[0]} is not installed, so its tests do not run; apt install {program.package}"
        )
    return not (missing and strict)


def _check(root: Path, name: str) -> bool:
    start_s = time.monotonic()
    command = [sys.executable, *CHECKS[name]]
    finished = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    typer.echo(f"{'FAILED' if finished.returncode else 'ok':<8}{name:<8}{time.monotonic() - start_s:5.1f} s")
    if finished.returncode:
        typer.echo(finished.stdout.decode(errors="replace"))
    return finished.returncode == 0


def _pytest(root: Path, arguments: list[str], stdout: int | None = None) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(root)}
    if QUICK in arguments:
        environment.setdefault("EXAMPLES", QUICK_EXAMPLES)
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments], cwd=root, env=environment, stdout=stdout, text=True
    )
