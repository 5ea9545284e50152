"""Where a key stands in the text of a TOML file: `tomllib` returns values without their lines.

A key is found from its table's header down to its place in an inline table or array, in the text itself.
"""

import re
import tomllib
from typing import Any, Final

Path = tuple[str | int, ...]
"""Where a value stands: keys, and places in arrays counted from 0."""


def dotted(path: Path) -> str:
    """Write a path as TOML would; places in arrays are counted from 1, as people count."""
    written = ""
    for part in path:
        if isinstance(part, int):
            written += f"[{part + 1}]"
        else:
            written += ("." if written else "") + (part if _BARE.match(part) else f'"{part}"')
    return written


def line_of(text: str, path: Path) -> int:
    """Return the line in which a key stands, or the nearest thing around it that is written."""
    places = _places(text)
    # Take the longest beginning of the path that has a line of its own, then look for the rest within its value.
    length = next((n for n in range(len(path), 0, -1) if path[:n] in places), 0)
    offset = places.get(path[:length], 0)
    for part in path[length:]:
        inner = _element(text, offset, part) if isinstance(part, int) else _inline_key(text, offset, part)
        if inner is None:
            break
        offset = inner
    return text.count("\n", 0, offset) + 1


def _places(text: str) -> dict[Path, int]:
    """Return where each header and each key at the start of a line stands, as an offset into the text."""
    places: dict[Path, int] = {}
    arrays: dict[Path, int] = {}
    table: Path = ()
    offset = 0
    for line in text.splitlines(keepends=True):
        if header := _HEADER.match(line):
            table = _under_arrays(_parts(header[2]), arrays)
            if header[1] == "[[":
                arrays[table] = arrays.get(table, -1) + 1
                places.setdefault(table, offset)
                table = (*table, arrays[table])
            for length in range(1, len(table) + 1):
                places.setdefault(table[:length], offset)
        elif assignment := _ASSIGNMENT.match(line):
            path = (*table, *_parts(assignment[1]))
            for length in range(len(table) + 1, len(path)):
                places.setdefault(path[:length], offset)
            # The key's own offset is at its `=`, so that its value is found from there.
            places.setdefault(path, offset + assignment.end() - 1)
        offset += len(line)
    return places


def _under_arrays(path: Path, arrays: dict[Path, int]) -> Path:
    """Put the running place of each array of tables that a header's path passes through."""
    result: Path = ()
    for part in path[:-1]:
        result = (*result, part)
        if result in arrays:
            result = (*result, arrays[result])
    return (*result, path[-1])


def _parts(written: str) -> Path:
    """Return the keys of a dotted key, as TOML reads them."""
    try:
        value: Any = tomllib.loads(f"{written} = 0")
    except tomllib.TOMLDecodeError:  # a line within a text of several lines, that only looks like a key
        return (written,)
    parts: list[str | int] = []
    while isinstance(value, dict):
        key, value = next(iter(value.items()))
        parts.append(key)
    return tuple(parts)


def _element(text: str, offset: int, place: int) -> int | None:
    """Return where the element of an array begins whose value follows the offset."""
    depth, count, at_start = 0, 0, False
    for token in _TOKEN.finditer(text, offset):
        mark = token[0]
        if mark[0] == "#":
            continue
        if depth == 1 and at_start and count == place and mark not in "],":
            return token.start()
        at_start = (depth == 0 and mark == "[") or (depth == 1 and mark == ",")
        count += depth == 1 and mark == ","
        depth += (mark in "[{") - (mark in "]}")
        if depth < 0 or (depth == 0 and mark == "]"):
            return None
    return None


def _inline_key(text: str, offset: int, key: str) -> int | None:
    """Return where a key of an inline table stands whose opening brace follows the offset, on the same line."""
    end = text.find("\n", offset)
    line = text[offset : len(text) if end < 0 else end]
    found = re.search(rf"""(?<![A-Za-z0-9_-])["']?{re.escape(key)}["']?\s*=""", line)
    return offset + found.end() - 1 if found else None


_BARE: Final = re.compile(r"[A-Za-z0-9_-]+\Z", re.ASCII)
_KEY: Final = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_DOTTED: Final = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_HEADER: Final = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]")
_ASSIGNMENT: Final = re.compile(rf"\s*({_DOTTED})\s*=")
_TOKEN: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{},]|[^\s\[\]{},#]')
