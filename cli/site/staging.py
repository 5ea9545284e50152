"""The folder that the site is built from: each page at its path in the repository, so that its links hold as they are.

Beside the pages it gets what they link to that is no page (pictures, examples, the licence), and the pages that are
written from descriptions.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Final

from broker.contract.documents import asyncapi
from cli.site import descriptions
from services.wall import openapi

LINK: Final = re.compile(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)|(?:src|href)=\"([^\"#:]+)\"")
GENERATED: Final = ("docs/reference/openapi.md", "docs/reference/asyncapi.md")
"""Pages of the site that are no files of the repository."""
STYLE: Final = "docs/site.css"


def pages(root: Path) -> list[str]:
    """Return the pages of a checkout by their paths in it, in the order of the alphabet."""
    found = [*root.glob("*.md"), *(root / "docs").rglob("*.md"), *(root / "examples").glob("*.md")]
    return sorted(page.relative_to(root).as_posix() for page in found)


def stage(root: Path, folder: Path) -> list[str]:
    """Write everything that the site is built from into an empty folder.

    Args:
        root: the checkout.
        folder: where it is written; must exist.

    Returns:
        The pages by their paths in `folder`, those that are generated among them.
    """
    found = pages(root)
    for page in found:
        text = (root / page).read_text(encoding="utf-8")
        _write(folder / page, text)
        for linked in _linked(text, root / page, root):
            target = folder / linked.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(linked, target)
    _write(folder / STYLE, (root / STYLE).read_text(encoding="utf-8"))
    http, messages = openapi.document(), asyncapi.document()
    _write(folder / "docs/reference/openapi.json", json.dumps(http, indent=2))
    _write(folder / "docs/reference/asyncapi.json", json.dumps(messages, indent=2))
    _write(folder / GENERATED[0], descriptions.of_http(http))
    _write(folder / GENERATED[1], descriptions.of_messages(messages))
    return [*found, *GENERATED]


def _linked(text: str, page: Path, root: Path) -> list[Path]:
    """Return the files of the checkout that a page links to and that are no pages."""
    named = {(page.parent / (link or source)).resolve() for link, source in LINK.findall(text)}
    return sorted(file for file in named if file.is_file() and file.suffix != ".md" and file.is_relative_to(root))


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
