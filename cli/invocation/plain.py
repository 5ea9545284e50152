"""Texts that devices, files and servers gave, for a terminal: it is to show them, never to obey them."""


def plain(text: str) -> str:
    """Return a text on one line, without anything that a terminal obeys (escapes, cursor, direction of writing)."""
    return text if text.isprintable() else "".join(map(_shown, text))


def plain_lines(text: str) -> str:
    """Return the same of a text of ours that has lines."""
    return "\n".join(map(plain, text.split("\n")))


def _shown(char: str) -> str:
    return char if char.isprintable() else ascii(char)[1:-1]
