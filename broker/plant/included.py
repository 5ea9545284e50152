"""Puts a plant together from several files: those that its `include` names are read as if they stood at its end.

The text of the whole is one valid plant file, for the store; places in it are found again in the files they came from.
"""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Final, NamedTuple

from broker.plant.toml_tables import Document, Mistake, nearest, shown

_INCLUDE: Final = re.compile(r"^include\s*=\s*\[[^\]]*\]", re.MULTILINE)


class Part(NamedTuple):
    """A part of the whole: the file, the line in the whole before its first, and its text."""

    source: str
    lines_before: int
    text: str


class Whole(NamedTuple):
    """A plant's whole text, with the parts that it was put together from, and what is wrong with `include`."""

    text: str
    parts: tuple[Part, ...]
    mistakes: tuple[Mistake, ...] = ()

    def located(self, mistake: Mistake) -> Mistake:
        """Return a mistake of the whole with the file and the line that it stands in."""
        part = next(part for part in reversed(self.parts) if part.lines_before < mistake.line or not part.lines_before)
        return Mistake(part.source, mistake.line - part.lines_before, mistake.key, mistake.problem, mistake.hint)


def whole(path: Path, text: str, only: Collection[str] | None = None) -> Whole:
    """Put a plant together.

    Args:
        path: its file; the names in `include` are relative to its folder.
        text: the file's text.
        only: of the included files those to take, by name; None for all.

    Raises:
        OSError: an included file exists, and cannot be read.
    """
    source = str(path)
    found = _INCLUDE.search(text)
    names, mistakes = _names(source, text) if found else ([], [])
    if found is None or mistakes:
        return Whole(text, (Part(source, 0, text),), tuple(mistakes))
    line = text.count("\n", 0, found.start()) + 1
    text = text[: found.start()] + re.sub("^", "# ", found[0], flags=re.MULTILINE) + text[found.end() :]
    parts = [Part(source, 0, text.rstrip("\n"))]
    for name in names:
        if only is not None and name not in only:
            continue
        inner = path.parent / name
        try:
            part = inner.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            there = sorted(file.name for file in path.parent.glob("*.toml"))
            mistakes.append(
                Mistake(
                    source, line, "include", f"there is no file {inner}", nearest(name, there, "the files here are")
                )
            )
            continue
        mistakes += _mistakes_alone(str(inner), part)
        before = parts[-1]
        parts.append(Part(str(inner), before.lines_before + before.text.count("\n") + 2, part.rstrip("\n")))
    return Whole("\n\n".join(part.text for part in parts) + "\n", tuple(parts), tuple(mistakes))


def _names(source: str, text: str) -> tuple[list[str], list[Mistake]]:
    document = Document(text, source)
    names = document.root.texts("include")
    return list(names), document.mistakes


def _mistakes_alone(source: str, text: str) -> list[Mistake]:
    """Return what is wrong with an included file by itself: it is not TOML, or has keys outside of tables."""
    document = Document(text, source)
    for key, value in document.root.values.items():
        if not isinstance(value, dict):
            document.root.wrong(
                key, f"{shown(key)} stands outside of every table", "write it in the file that includes this one"
            )
    return document.mistakes
