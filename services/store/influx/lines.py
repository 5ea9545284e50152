"""Line protocol: how tags, numbers and texts are written, and what a tag's value means.

A tag's value cannot hold everything that a text can: line ends would end the line, and a backslash at its end would
swallow what follows. Such characters (and %) are percent-encoded in tags, as in URLs. A tag that is left out is ''.
Fields of text hold any text. Numbers are floats always, for a field's type can never change.
"""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from msgspec.json import encode

from broker.contract.topics import LEVELS

_NOT_IN_TAGS: Final = re.compile(r"[\x00-\x1f\x7f\\%]")
_ESCAPED_IN_TAGS: Final = re.compile(r"([,= ])")

Tags = Iterable[tuple[str, str]]


def series(measurement: str, tags: Tags) -> str:
    """Return the beginning of a line: measurement and tags, ordered by name, empty ones left out."""
    return ",".join([measurement, *(f"{name}={_escaped(tag(value))}" for name, value in sorted(tags) if value)])


def asset_tags(asset: str) -> list[tuple[str, str]]:
    """Return the tags of an asset path: site, area, line, machine."""
    return list(zip(LEVELS, asset.split("/", len(LEVELS) - 1), strict=False))


def tag(value: str) -> str:
    """Return a text as it stands in a tag."""
    return _NOT_IN_TAGS.sub(lambda found: f"%{ord(found[0]):02X}", value)


def untag(value: str | None) -> str:
    """Return the text that a tag's value means."""
    if not value:
        return ""
    return unquote(value) if "%" in value else value


def number(value: float) -> str:
    """Return a number as a field's value: the shortest text that means exactly it."""
    return encode(float(value)).decode()  # in a fifth of the time of `repr`


def text(value: str) -> str:
    """Return a text as a field's value."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _escaped(value: str) -> str:
    return _ESCAPED_IN_TAGS.sub(r"\\\1", value)
