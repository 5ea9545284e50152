"""An extra is installed where the program looks for it, by what is printed: in the environment of `./corridor`."""

import re
import tomllib
from pathlib import Path

import pytest

from cli.site.staging import pages

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = set(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"])
PAGES = [page for page in pages(ROOT) if page != "CHANGELOG.md"]
SOURCES = [
    file.relative_to(ROOT).as_posix()
    for folder in ("cli", "edge", "services")
    for file in (ROOT / folder).rglob("*.py")
]


def installs(text: str) -> list[tuple[str, str, str]]:
    """Return each line that installs an extra: what runs pip, of what, and the extra."""
    return re.findall(r"(\S*(?: -m )?)pip install '([^']*)\[(\w+)\]'", text)


def test_pages_install_extras_into_the_environment_of_the_checkout() -> None:
    found = [(page, *each) for page in PAGES for each in installs((ROOT / page).read_text("utf-8"))]
    assert len(found) >= 3
    assert [each for each in found if each[1:3] != ("`.venv/bin/", ".") or each[3] not in EXTRAS] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["opcua", "export", "dashboards"])
def test_what_the_program_advises_names_its_own_python(name: str) -> None:
    found = [each for file in SOURCES for each in installs((ROOT / file).read_text("utf-8")) if each[2] == name]
    runners = {runner for runner, _, _ in found}
    assert runners - {"`.venv/bin/"} == {"{sys.executable} -m "}
