"""TOML text for the mapping files that are suggested: whatever a device calls its values can stand there."""

import msgspec


def quoted(text: str) -> str:
    """Return a text as a string of TOML: that of JSON, in which DEL need not be escaped."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")


def comment(text: str) -> str:
    """Return a text as a comment, in one line."""
    return "# " + "".join(one if one.isprintable() else " " for one in text)
