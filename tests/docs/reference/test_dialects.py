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
    for folder in ("docs/reference/dialects", "docs/how-to/connect"):
        assert {file.stem for file in (ROOT / folder).glob("*.md")} == DIALECTS.keys() - OWN_PAGES.keys()


@pytest.mark.parametrize("name", sorted(DIALECTS.keys() - OWN_PAGES.keys()))
def test_a_dialect_reports_what_it_loses_what_was_seen_and_what_to_set(name: str) -> None:
    entry = DIALECTS[name]
    assert entry.loses
    assert entry.seen
    assert entry.device
