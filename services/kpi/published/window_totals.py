"""The windows of published indicators: the asset and time range of each, and which have changed."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

import msgspec

from services.ledger.fields import Sums
from services.ledger.indicators.indicators import Context

KINDS: Final = ("hour", "shift")
"""Of every asset path; `order` besides of machines and lines."""
LAST: Final = "last-"
"""What the name of a window that is over begins with."""
REPEAT_NS: Final = 10_000_000_000
"""An indicator that no event touches still changes with time: it is published again after this long."""
LINE: Final = 2
"""So many slashes has the path of a line."""

Key = tuple[str, str]
"""Asset path and window: `hour`, `last-hour`, …"""


class Window(msgspec.Struct):
    """The sum of an asset over a time range, and when it was last published.

    Attributes:
        start: nanoseconds.
        end: nanoseconds; of a running order later than any.
        sums: of its rows.
        name: of the shift or order.
        context: what its indicators need besides.
        published: when.
        read: when the context was.
    """

    start: int
    end: int
    sums: Sums
    name: str = ""
    context: Context = Context()
    published: int = 0
    read: int = 0

    def is_as_long_as(self, other: "Window") -> bool:
        """Return whether it has the same time range as another."""
        return (self.start, self.end) == (other.start, other.end)

    def is_old(self, now: int) -> bool:
        """Return whether it should be published again though no event changed it."""
        return now - self.published >= REPEAT_NS


class WindowTotals:
    """The running and the last windows of every asset path.

    Attributes:
        running: those published longest ago first.
        ended: None where nothing is known of it.
        touched: those that have changed since they were published, in order.
        members: the machines under each asset.
        lines: those of each line.
    """

    def __init__(self) -> None:
        self.running: dict[Key, Window] = {}
        self.ended: dict[Key, Window | None] = {}
        self.touched: dict[Key, None] = {}
        self.members: dict[str, list[str]] = {}
        self.lines: dict[str, list[str]] = {}
        self._keys: dict[str, tuple[Key, ...]] = {}

    def add(self, machines: Iterable[str]) -> None:
        """Be of these machines, and of what they belong to."""
        self.members = {}
        for machine in machines:
            for path in paths(machine):
                self.members.setdefault(path, []).append(machine)
        self.lines = {path: found for path, found in self.members.items() if path.count("/") == LINE}
        self._keys.clear()

    def under(self, path: str) -> list[str]:
        """Return the machines under an asset."""
        return self.members.get(path, [])

    def window(self, key: Key) -> Window | None:
        """Return a window, whether it is running or over."""
        return self.running.get(key) or self.ended.get(key)

    def parts(self, path: str, order: str) -> list[Window]:
        """Return the windows of an order on the machines of a line, or on a machine."""
        keys = [(machine, kind) for machine in self.lines.get(path, [path]) for kind in ("order", LAST + "order")]
        windows = [window for key in keys if (window := self.window(key)) is not None]
        return [window for window in windows if window.name == order]

    def touch(self, *keys: Key) -> None:
        """Note that windows have changed."""
        for key in keys:
            self.touched[key] = None

    def at(self, path: str, at: int) -> list[tuple[Key, Window]]:
        """Return the hours and shifts of an asset that hold an instant."""
        found: list[tuple[Key, Window]] = []
        for of_running, of_ended in _keys(path):
            running = self.running.get(of_running)
            if running is not None and running.start <= at < running.end:
                found.append((of_running, running))
            ended = self.ended.get(of_ended)
            if ended is not None and ended.start <= at < ended.end:
                found.append((of_ended, ended))
        return found

    def since(self, machine: str, at: int) -> dict[Key, Window]:
        """Return the windows of a machine, its line, area and site that end after an instant."""
        keys = [(path, kind) for path in paths(machine) for kind in (*KINDS, "order")]
        windows = {key: self.running.get(key) for key in keys}
        windows |= {(path, LAST + kind): self.ended.get((path, LAST + kind)) for path, kind in keys}
        return {key: found for key, found in windows.items() if found is not None and at <= found.end}

    def possible(self, assets: Iterable[str]) -> Iterator[Key]:
        """Yield all windows that there may be of assets."""
        for path in assets:
            keys = self._keys.get(path)
            if keys is None:
                keys = self._keys[path] = self._keys_of(path)
            yield from keys

    def is_there(self, key: Key) -> bool:
        """Return whether there is a window, running or over."""
        return key in self.running or self.ended.get(key) is not None

    def _keys_of(self, path: str) -> tuple[Key, ...]:
        machines = self.members.get(path, [])
        kinds = (*KINDS, "order") if path in self.lines or machines == [path] else KINDS
        return tuple((path, beginning + kind) for kind in kinds for beginning in ("", LAST))

    def drop_others(self) -> None:
        """Drop the windows of assets that have no machine any more."""
        for windows in (self.running, self.ended, self.touched):
            for key in [key for key in windows if key[0] not in self.members]:
                del windows[key]

    def clear(self, asset: str) -> None:
        """Drop the hours and shifts of an asset."""
        for kind in KINDS:
            self.running.pop((asset, kind), None)
            self.ended.pop((asset, LAST + kind), None)

    def reset(self) -> None:
        """Drop all windows."""
        self.running.clear()
        self.ended.clear()
        self.touched.clear()


@lru_cache(maxsize=32_768)
def paths(machine: str) -> tuple[str, ...]:
    """Return the asset paths that a machine belongs to, itself first: machine, line, area, site."""
    levels = machine.split("/")
    return tuple("/".join(levels[:depth]) for depth in range(len(levels), 0, -1))


@lru_cache(maxsize=32_768)
def _keys(path: str) -> tuple[tuple[Key, Key], ...]:
    """Return the keys of an asset's hours and shifts: of the running and the last one."""
    return tuple(((path, kind), (path, LAST + kind)) for kind in KINDS)
