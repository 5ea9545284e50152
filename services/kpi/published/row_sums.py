"""Sums of ledger rows for windows: of many assets read together, with a few questions rather than some for each."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

from services.ledger.fields import Sums, add
from services.store import failures
from services.store.interface import Resolution, Store
from services.store.resolutions import layers

MANY: Final = 8
"""From so many assets on, one question for all machines costs less than one for each asset."""

_TimeRange = tuple[int, int, Resolution]


class RowSums:
    """Reads sums of rows by machine."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._of_all: dict[_TimeRange, dict[str, Sums]] | None = None

    @contextmanager
    def together(self, assets: int) -> Iterator[None]:
        """Read for so many assets together, if they are many; nothing may be written meanwhile."""
        self._of_all = {} if assets >= MANY else None
        try:
            yield
        finally:
            self._of_all = None

    async def read(self, asset: str, machines: Collection[str], start: int, end: int) -> Iterator[tuple[str, Sums]]:
        """Return machine and sums over start ≤ t < end (whole minutes) of machines under an asset.

        A machine comes once for each resolution at which its rows are read.
        """
        found: list[tuple[str, Sums]] = []
        for time_range in layers(start, end):
            sums = await self._sums(asset, time_range)
            found += [(machine, sums[machine]) for machine in machines if machine in sums]
        return iter(found)

    async def _sums(self, asset: str, time_range: _TimeRange) -> dict[str, Sums]:
        if self._of_all is None:
            return await self._ask(asset, time_range)
        if time_range not in self._of_all:
            try:
                self._of_all[time_range] = await self._ask("", time_range)
            except Exception as error:
                if not failures.is_unforeseen(error):
                    raise
                failures.note("reading the sums of all machines", error)
                self._of_all = None  # a machine that fails must not hold up all others
                return await self._ask(asset, time_range)
        return self._of_all[time_range]

    async def _ask(self, asset: str, time_range: _TimeRange) -> dict[str, Sums]:
        by_machine: dict[str, Sums] = {}
        for (machine, _, _), sums in (await self._store.totals(asset, *time_range)).items():
            add(by_machine.setdefault(machine, {}), sums)
        return by_machine
