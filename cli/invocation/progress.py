"""A progress bar on standard error, where there is a terminal to show it on."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cli.invocation.plain import plain


@contextmanager
def shown(what: str) -> Iterator[Callable[[float, float], None]]:
    """Yield a function that takes how much is done, of how much; meanwhile a bar shows it."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415  (it takes a while to load)
    from rich.markup import escape  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(escape(plain(what)), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
