"""A progress bar on standard error, where there is a terminal to show it on."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cli.invocation.plain import plain


@contextmanager
def shown(what: str, unit: tuple[str, float] | None = None) -> Iterator[Callable[[float, float], None]]:
    """Yield a function that takes how much is done, of how much; meanwhile a bar shows it, and the time left.

    Args:
        what: is being done.
        unit: of the rate: its name, and how much of what is done it is; None for no rate.
    """
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415  (it takes a while to load)
    from rich.markup import escape  # noqa: PLC0415
    from rich.progress import Progress, TextColumn  # noqa: PLC0415

    columns = (*Progress.get_default_columns(), TextColumn("{task.fields[rate]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(escape(plain(what)), total=None, rate="")

        def report(done: float, total: float) -> None:
            bar.update(task, completed=done, total=total)
            if unit and (speed := bar.tasks[0].speed):
                name, size = unit
                bar.update(task, rate=f"{speed / size:.2g} {name}/s")

        yield report
