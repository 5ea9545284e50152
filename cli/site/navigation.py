"""The site's navigation, by Diátaxis: a folder is a section, and a page stands there under its own heading.

Within a section pages stand in the order in which `docs/README.md` names them; those that it does not name follow by
their headings.
"""

import posixpath
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from cli.site.staging import LINK

INDEX: Final = "docs/README.md"
SECTIONS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "Tutorials": ("docs/tutorials", {}),
    "How-to": ("docs/how-to", {"Connect": "docs/how-to/connect"}),
    "Reference": ("docs/reference", {"Dialects": "docs/reference/dialects"}),
    "Explanation": ("docs/explanation", {}),
    "Decisions": ("docs/decisions", {}),
}
"""Each section's title, its folder, and the folders below it with a title of their own."""


def navigation(folder: Path, pages: Sequence[str]) -> list[dict[str, Any]]:
    """Return MkDocs' `nav` of all pages.

    Args:
        folder: where the pages are.
        pages: their paths in it.
    """
    ordered = _ordered(folder, pages)
    titled = {page: {_title(folder / page): page} for page in ordered}
    made: list[dict[str, Any]] = [{"Start": ["README.md", {"All documents": INDEX}]}]
    taken = {"README.md", INDEX}
    for section, (path, below) in SECTIONS.items():
        entries: list[dict[str, Any]] = [titled[page] for page in ordered if posixpath.dirname(page) == path]
        for title, inner in below.items():
            inside = [titled[page] for page in ordered if posixpath.dirname(page) == inner]
            entries += [{title: inside}] if inside else []
        taken |= {page for page in ordered if posixpath.dirname(page) in {path, *below.values()}}
        made += [{section: entries}] if entries else []
    return [*made, {"Project": [titled[page] for page in ordered if page not in taken]}]


def _ordered(folder: Path, pages: Sequence[str]) -> list[str]:
    """Return the pages in the order in which the index names them, then the others by their headings."""
    text = (folder / INDEX).read_text(encoding="utf-8")
    named = [posixpath.normpath(posixpath.join("docs", link)) for link, _ in LINK.findall(text)]
    places = {page: number for number, page in reversed(list(enumerate(named)))}
    return sorted(pages, key=lambda page: (places.get(page, len(named)), _title(folder / page).casefold()))


def _title(page: Path) -> str:
    """Return a page's heading, without Markdown's signs."""
    with page.open(encoding="utf-8") as lines:
        heading = next((line for line in lines if line.startswith("# ")), f"# {page.stem}")
    return heading.removeprefix("# ").strip().replace("`", "")
