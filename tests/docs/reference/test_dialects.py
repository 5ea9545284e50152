"""The pages of the dialects are those that are generated, and every dialect has them."""

from pathlib import Path

import pytest

from edge.dialects import DIALECTS
from tests.docs.reference.dialect_pages import OWN_PAGES, ROOT, pages

PAGES = dict(pages())


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_page_is_as_it_is_generated(file: Path) -> None:
    assert file.read_text("utf-8") == PAGES[file], "python -m tests.docs.reference.dialect_pages"


def test_there_is_no_page_of_a_dialect_that_is_not_there() -> None:
    pages = {file.stem for file in (ROOT / "docs/reference/dialects").glob("*.md")}
    assert pages == DIALECTS.keys() - OWN_PAGES.keys()
    assert {file.stem for file in (ROOT / "docs/how-to/connect").glob("*.md")} == DIALECTS.keys()


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_a_dialect_reports_what_it_loses_what_was_seen_and_what_to_set(name: str) -> None:
    entry = DIALECTS[name]
    assert entry.loses
    assert entry.seen
    assert entry.device
