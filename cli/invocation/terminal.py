"""The terminal by rich: what is printed stands there as it is, a name with `[bold]` or `:smile:` in it too."""

from typing import Final

from rich.console import Console
from rich.text import Text

from cli.invocation.plain import plain

_FILE_WIDTH: Final = 200


def console() -> Console:
    """Return the terminal; what goes into a file is not cut."""
    found = Console(highlight=False, markup=False, emoji=False)
    return found if found.is_terminal else Console(highlight=False, markup=False, emoji=False, width=_FILE_WIDTH)


def titled(title: str, rest: str = "") -> Text:
    """Return a line that begins with a title in bold."""
    return Text.assemble((plain(title), "bold"), plain(rest))
