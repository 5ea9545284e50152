"""Each file that SECURITY.md names is there, and so is each test whose name it says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = sorted({name for name in re.findall(r"`([\w./-]+)`", PAGE) if "/" in name and not name.startswith("./")})
LINKED = sorted(set(re.findall(r"\]\(([\w./-]+)\)", PAGE)))
QUOTED: list[tuple[str, str]] = re.findall(r"`(tests/[\w./]+)`: \*([\w ]+)\*", PAGE)


@pytest.mark.parametrize("name", [*NAMED, *LINKED])
def test_a_file_that_is_named_is_there(name: str) -> None:
    assert (ROOT / name).is_file()


@pytest.mark.parametrize(("file", "title"), QUOTED)
def test_a_test_that_is_named_is_there(file: str, title: str) -> None:
    assert f"test_{title.replace(' ', '_')}" in (ROOT / file).read_text(encoding="utf-8")


def test_the_page_is_found_from_the_readme_and_the_documents() -> None:
    assert len(QUOTED) >= 3
    assert "(SECURITY.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "(../SECURITY.md)" in (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
