"""Which tests concern an uncommitted change: `corridor test --changed` runs those alone.

A test file concerns a change if it was changed itself, is named after a changed file (`test_codec.py` after
`codec.py`), has a folder of cases beside it of that name, imports a changed module, or names a changed file that is not
Python. A change that very many tests import is left to the whole suite, but for the tests that bear its name.
"""

import ast
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

MANY: Final = 8
"""More test files than this that merely import a changed module are left to the whole suite."""


CASES: Final = "test_cases"
"""The test file that walks the folders beside it, each with the cases of what bears its name."""


class Selection(NamedTuple):
    """The tests of a change.

    Attributes:
        files: the changed files, relative to the checkout.
        tests: the test files to run, relative to the checkout.
        left: how many further test files import what was changed.
    """

    files: list[str]
    tests: list[str]
    left: int


def select(root: Path) -> Selection:
    """Return the tests that concern what differs from the last commit; in a clean checkout, that commit itself."""
    files = _changed(root, "HEAD") or _changed(root, "HEAD~1")
    test_files = sorted(path.relative_to(root).as_posix() for path in (root / "tests").rglob("test_*.py"))
    named = {file for file in test_files if _is_named_after(file, files) or _has_cases_of(root / file, files)}
    modules = {_module(file) for file in files if file.endswith(".py")}
    others = {Path(file).name for file in files if not file.endswith(".py")}
    importing = {
        file for file in test_files if _concerns((root / file).read_text(encoding="utf-8"), modules, others)
    } - named
    stored = importing if len(importing) <= MANY else set()
    return Selection(files, sorted(named | stored), len(importing - stored))


def _changed(root: Path, base: str) -> list[str]:
    """Return the files that differ from `base` and still exist, with those that git does not know yet."""
    against = ["git", "diff", "--name-only", "--relative", base]
    unknown = ["git", "ls-files", "--others", "--exclude-standard"]
    listed: list[str] = []
    for command in (against, unknown):
        found = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        listed += found.stdout.decode().splitlines()
    return sorted({name for name in listed if (root / name).is_file()})


def _is_named_after(test_file: str, files: Iterable[str]) -> bool:
    """Return whether a test file was changed, bears a changed file's name, or stands below a changed conftest."""
    stem = Path(test_file).stem.removeprefix("test_")
    return any(
        test_file == file
        or stem == Path(file).stem.replace("-", "_")
        or (Path(file).name == "conftest.py" and test_file.startswith(f"{Path(file).parent.as_posix()}/"))
        for file in files
    )


def _has_cases_of(test_file: Path, files: Iterable[str]) -> bool:
    """Return whether a test walks folders of cases of which one bears a changed file's name."""
    if test_file.stem != CASES:
        return False
    return any((test_file.parent / Path(file).stem.replace("_", "-")).is_dir() for file in files)


def _concerns(source: str, modules: set[str], others: set[str]) -> bool:
    """Return whether a test imports one of the modules, or names one of the other files."""
    imported: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            imported |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
        elif isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
    return bool(imported & modules) or any(re.search(rf"\b{re.escape(name)}", source) for name in others)


def _module(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
