"""The wall's own modules: their pure functions under node, and no circle of imports."""

import os
import re
import shutil
import subprocess
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from cli.develop.checks import SYSTEM_FOLDERS
from services.wall import palette
from services.wall.pages import FOLDER

TESTS = Path(__file__).parent / "js"


@pytest.mark.slow
@pytest.mark.javascript
def test_the_pure_functions_of_the_modules(tmp_path: Path) -> None:
    """The modules are laid out as they are served, for one of them is made from the table of colours."""
    shutil.copytree(FOLDER, tmp_path / "static")
    (tmp_path / "static" / "palette.js").write_text(palette.script(), encoding="utf-8")
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    shutil.copytree(TESTS, tmp_path / "tests")
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS])
    node = shutil.which("node", path=path) or shutil.which("nodejs", path=path)
    assert node
    files = sorted(str(file) for file in (tmp_path / "tests").glob("*.test.mjs"))
    finished = subprocess.run(
        [node, "--test", *files], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert int(re.findall(r"^(?:#|ℹ) pass (\d+)$", finished.stdout, re.MULTILINE)[0]) >= len(files)


def test_no_module_imports_itself_by_way_of_others() -> None:
    imports = {
        file.relative_to(FOLDER): [
            Path(os.path.normpath(file.parent.relative_to(FOLDER) / found))
            for found in re.findall(r"(?:from |import\()'(\.[^']+)'", file.read_text(encoding="utf-8"))
        ]
        for file in FOLDER.rglob("*.js")
        if "vendor" not in file.parts
    }
    assert imports[Path("app.js")]
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle


def test_no_text_stands_twice_in_the_table_of_words() -> None:
    keys = re.findall(r"(?<=[ {,])'([\w.-]+)': ['\"]", (FOLDER / "words.js").read_text(encoding="utf-8"))
    assert len(keys) > 100
    assert sorted(keys) == sorted(set(keys))
