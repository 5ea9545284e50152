"""The machines that the ledger writer has in memory: their newest histories, read from the store and dropped again.

A machine is *live* (rows are made of it as time goes by), *behind* (`services.kpi.due`), or has long been *silent*:
then it costs nothing until it reports. One whose events or rows fail is set aside, and holds up no other.
"""

import itertools
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from broker.contract.instants import FOR_EVER
from broker.plant.plant import Plant
from services.kpi.due import Behind, Due
from services.kpi.machine import Machine, silent_from
from services.kpi.rebuilding import first_minute
from services.kpi.turns import Turns
from services.ledger.history import KINDS, MINUTE, History, lookback_ns
from services.ledger.rules import Rules
from services.query.histories import histories
from services.store import failures, retiring
from services.store.interface import LedgerRow, ReasonRow, Store

HORIZON_NS: Final = 60 * MINUTE
"""How much of each machine's past is held in memory; older minutes are read from the store when a late event comes."""
AT_ONCE: Final = 1_000
"""So many minutes of a machine are made with a batch, …"""
ALL_AT_ONCE: Final = 3_000
"""… and of all machines so many; the others fall behind. It is some tenths of a second."""
USUAL: Final = 2
"""Minutes that are made of every machine with each batch and tick: the running one, and the one before."""
SHARE: Final = 8
"""Machines that report for the first time are looked up together if they are so large a part of all."""


class Fleet:
    """The machines of a ledger, by asset path.

    Args:
        store: where they are read from.
        plant: calendars, ideal cycles and the limit of micro-stops.
        now: the present, nanoseconds since 1970-01-01 UTC.
        silent_ns: after so long without an event a machine costs nothing.
        at_once: how many minutes of one machine, and of all, are made with a batch.

    Attributes:
        machines: all that are known, but for those that are retired or fail.
        live: those of which rows are made as time goes by.
        due: what is due of those that are behind.
        failing: machines of which no rows can be made, and why: their events are stored, their ledger stands still.
    """

    def __init__(
        self, store: Store, plant: Plant, now: Callable[[], int], *, silent_ns: int, at_once: tuple[int, int]
    ) -> None:
        self._store, self._plant, self._now = store, plant, now
        self._silent_ns, self._at_once = silent_ns, at_once
        self.machines: dict[str, Machine] = {}
        self.live: dict[str, Machine] = {}
        self.due = Due(store)
        self.failing: dict[str, str] = {}
        self._heeded: tuple[str | None, int] = (None, 0)
        self._turns, self._turns_of_all = Turns(), Turns()

    async def start(self) -> None:
        """Restore all machines that the store knows, so that their ledger goes on from where it ended."""
        self.machines.clear()
        self.live.clear()
        self.failing.clear()
        await self.due.read()
        self._heeded = (None, 0)
        origin = self._now() - HORIZON_NS
        try:
            await self._load("", origin)
        except Exception as error:
            if not failures.is_unforeseen(error):
                raise
            self.machines.clear()
            self.live.clear()
            for machine in await self._store.machines():
                await self.restore(machine.asset, origin)
        self.due.behind = {asset: behind for asset, behind in self.due.behind.items() if asset in self.machines}
        await self.drop_retired(self._now())

    def turn_of_all(self, share: int) -> dict[str, Machine]:
        """Return the machines whose turn it is, one in `share`, be they live or not."""
        return {asset: self.machines[asset] for asset in self._turns_of_all.next(share, self.machines)}

    def turn(self, share: int) -> list[str]:
        """Return the live machines whose turn it is, one in `share`."""
        return self._turns.next(share, self.live)

    def silent(self) -> dict[str, Machine]:
        """Return the machines that have long been silent: their rows end at `until`, and what is in force goes on."""
        silent = self.machines.keys() - self.live.keys() - self.due.behind.keys()
        return {asset: self.machines[asset] for asset in silent}

    # ---- Out of the store ----

    async def restore(self, asset: str, origin: int, depth: int = 0) -> None:
        """Read a machine's history, with so many readings before it; what fails of it sets it aside, and no other."""
        try:
            await self._load(asset, origin, depth=depth)
        except Exception as error:
            if not failures.is_unforeseen(error):
                raise
            self.set_aside(asset, error)

    async def _restore_together(self, assets: Sequence[str], origin: int) -> None:
        """Read the histories of new machines at once; where that fails of one, each is left to be read by itself."""
        try:
            await self._load(_common(assets), origin, frozenset(assets))
        except Exception as error:
            if not failures.is_unforeseen(error):
                raise
            for asset in assets:
                self.machines.pop(asset, None)
                self.live.pop(asset, None)

    async def _load(self, asset: str, origin: int, wanted: Collection[str] = (), *, depth: int = 0) -> None:
        """Read the history of one machine ('': of all) since `origin`, with the rows made since.

        With `wanted`, of these machines under `asset` alone, be they known to the store or not. With `depth`, of one
        machine, with so many readings before the history.
        """
        now = self._now()
        watermark = await self._store.watermark(asset)
        if wanted:
            watermark = {path: start for path, start in watermark.items() if path in wanted}
        if asset in watermark and now - watermark[asset] <= self._at_once[0] * MINUTE:
            origin = min(origin, watermark[asset])
        origin -= origin % MINUTE
        reported = await histories(self._store, self._plant, asset, origin, FOR_EVER, depth=depth)
        for event in await self._store.events(("adjust",), asset, -FOR_EVER, origin):
            # There may be nothing of it but bookings of long ago.
            of_machine = reported.setdefault(event.asset, History(origin, self._plant.silent_ns(event.asset)))
            of_machine.newest = max(of_machine.newest, event.at)
        paths = dict.fromkeys(wanted or (*reported, *watermark, *((asset,) if asset else ())))
        for path in paths:
            # Some have no events: they are new, or their events are past retention.
            history = reported.get(path, History(origin, self._plant.silent_ns(path)))
            machine = Machine(path, history, Rules.of(self._plant, path), watermark.get(path))
            await self._place(machine, origin, now, is_new=path not in reported)
        rows: dict[str, tuple[list[LedgerRow], list[ReasonRow]]] = {
            path: ([], []) for path in paths if path in self.live
        }
        for row in await self._store.rows(asset, origin, FOR_EVER):
            if row.asset in rows:
                rows[row.asset][0].append(row)
        for reason in await self._store.reason_rows(asset, origin, FOR_EVER):
            if reason.asset in rows:
                rows[reason.asset][1].append(reason)
        for path, read in rows.items():
            self.machines[path].restore(*read)

    async def _place(self, machine: Machine, origin: int, now: int, *, is_new: bool) -> None:
        """Find whether a machine is live, behind or silent, given its history since `origin`."""
        path = machine.asset
        self.machines[path] = machine
        self.live.pop(path, None)
        if path in self.due.behind:
            return
        if machine.reach is None and not is_new:
            await self._load_rowless(path, origin)
        elif machine.reach is None or machine.reach >= origin:
            self.live[path] = machine
        elif machine.until < min(now, silent_from(machine.history.newest, self._silent_ns)):
            self.due.behind[path] = Behind(machine.reach, machine.reach)

    async def _load_rowless(self, asset: str, origin: int) -> None:
        """Read all events of a machine that has no row yet: no time had passed since its first."""
        first = await first_minute(self._store, asset)
        if first is not None and first < origin:
            self.due.behind[asset] = Behind(first, first)
            return
        machine = self.live[asset] = self.machines[asset]
        if first is not None:
            machine = Machine(asset, History(origin, machine.rules.silent_ns), machine.rules, None)
            self.machines[asset] = self.live[asset] = machine
            now = self._now()
            for event in await self._store.events(KINDS, asset, -FOR_EVER, FOR_EVER):
                machine.due |= machine.put(event, machine.wanted(now, self._silent_ns, event.at))

    async def restore_made(self, asset: str, origin: int) -> None:
        """Read the history of a machine whose rows have just been made.

        Where there is none, as of a booking that is void, it is not behind for want of one, or it would be for ever.
        """
        await self.restore(asset, origin)
        machine = self.machines.get(asset)
        if machine is not None and machine.reach is None and self.due.behind.pop(asset, None) is not None:
            self.live[asset] = machine

    async def _wake(self, machine: Machine) -> None:
        """Let rows of a machine be made again that was silent, from its newest on."""
        if machine.reach is not None and machine.reach not in machine.rows:
            asset, start = machine.asset, machine.reach
            machine.restore(
                await self._store.rows(asset, start, start + MINUTE),
                await self._store.reason_rows(asset, start, start + MINUTE),
            )
        self.live[machine.asset] = machine

    # ---- What is made at once, and what falls behind ----

    async def make_ready(self, time_ranges: dict[str, tuple[int, int]], now: int) -> None:
        """See that of each machine what events between these times touch is in memory, or put it off."""
        for asset in time_ranges.keys() & self.due.retired.keys():
            self._bring_back(asset)
            self._heeded = (None, 0)  # an event of the time before it was retired does not end that
        left = self._at_once[1]
        back = lookback_ns(self._plant.microstop_limit_ns)  # an event can touch what was before it
        near = now - self._at_once[0] * MINUTE
        new = [asset for asset in time_ranges if asset not in self.machines]
        if len(new) > 1 + len(self.machines) // SHARE:  # each by itself is some fifty questions to an InfluxDB
            oldest_at = min(
                (time_ranges[asset][0] - back for asset in new if time_ranges[asset][0] - back >= near), default=now
            )
            await self._restore_together(new, min(oldest_at, now - HORIZON_NS))
        for asset, (oldest, newest) in time_ranges.items():
            touched_from = (oldest - back) // MINUTE * MINUTE
            if asset not in self.machines:
                await self.restore(asset, min(touched_from if touched_from >= near else now, now - HORIZON_NS))
            if asset in self.failing:
                continue
            machine = self.machines[asset]
            start = min(touched_from, *machine.due) if machine.due else touched_from
            start = start if machine.reach is None else min(start, machine.until)
            left = self.put_off(asset, start, machine.wanted(now, self._silent_ns, newest), left, now)
            if asset in self.due.behind:
                continue
            if touched_from < machine.history.origin:
                await self.restore(asset, touched_from)
            if asset not in self.live and asset in self.machines:
                await self._wake(self.machines[asset])
        await self.due.note()

    def put_off(self, asset: str, start: int, end: int, left: int, now: int) -> int:
        """Let a machine fall behind if more is to be made of it than is left; return what is left after it."""
        behind = self.due.behind.get(asset)
        start -= start % MINUTE
        if behind is not None:
            behind.received = now
            behind.begin(start)
            return left
        minutes = (end - start) // MINUTE
        if minutes <= USUAL:
            return left
        if minutes <= min(left, self._at_once[0]):
            return left - minutes
        until = self.machines[asset].until
        self.fall_behind(asset, start, until if start + MINUTE < until else start, now)
        return left

    def put_off_late(self, assets: Iterable[str], now: int) -> None:
        """Let those live machines fall behind of which more minutes have passed than are made at once."""
        left = self._at_once[1]
        for asset in assets:
            machine = self.live[asset]
            if machine.reach is not None:
                left = self.put_off(asset, machine.until, machine.wanted(now, self._silent_ns), left, now)

    def fall_behind(self, asset: str, start: int, until: int, now: int) -> None:
        """Let a machine fall behind: its rows from `start` on are due, and those up to `until` may be stale."""
        machine = self.machines[asset]
        self.due.behind[asset] = Behind(start, until, now)
        self.live.pop(asset, None)
        machine.rows.clear()
        machine.reasons.clear()

    # ---- What is left out ----

    def set_aside(self, asset: str, error: Exception) -> None:
        """Leave out a machine whose events or rows fail."""
        failures.note("the ledger of a machine", error, asset=asset)
        self.machines.pop(asset, None)
        self.live.pop(asset, None)
        behind = self.due.behind.pop(asset, None)
        if behind is not None:
            self.due.stuck[asset] = (behind.start, behind.until)
        self.failing[asset] = failures.in_words(error)

    def drop_past(self, asset: str, now: int) -> None:
        """Drop what is long past of a machine, and let it cost nothing once it has long been silent."""
        machine = self.machines[asset]
        before = now - HORIZON_NS
        if asset in self.live:
            if before - machine.history.origin >= HORIZON_NS // 2:
                machine.drop_before(before)
            if min(now, machine.until or now) >= silent_from(machine.history.newest, self._silent_ns):
                machine.drop_before(machine.until)
                del self.live[asset]
        elif asset in self.due.behind:
            machine.history.drop_before(before - before % MINUTE, self._plant.microstop_limit_ns)

    async def drop_retired(self, now: int) -> None:
        """Leave out machines that have been retired, and add those that have reported since."""
        note = await self._store.metadata(retiring.NOTE)
        if note == self._heeded[0] and (not self.due.retired or abs(now - self._heeded[1]) < MINUTE):
            return
        self._heeded = (note, now)
        since = await retiring.retired(self._store)
        for asset, at in since.items():
            if asset in self.machines and self.machines[asset].history.newest <= at:
                self._retire(asset, at)
        for asset in self.due.retired.keys() - since.keys():
            self._bring_back(asset)
            await self.restore(asset, now - HORIZON_NS)
        await self.due.note()

    def _retire(self, asset: str, at: int) -> None:
        machine, behind = self.machines.pop(asset), self.due.behind.pop(asset, None)
        self.live.pop(asset, None)
        start, until = at - at % MINUTE, machine.until  # rows may reach a little beyond
        if behind is not None:
            start, until = min(start, behind.start), max(until, behind.until)
        self.due.retired[asset] = (min(start, until), until)

    def _bring_back(self, asset: str) -> None:
        start, until = self.due.retired.pop(asset, (0, 0))
        if start < until:
            self.due.behind[asset] = Behind(start, until)


def _common(assets: Sequence[str]) -> str:
    """Return the longest asset path that all these are under; '' if there is none."""
    levels = zip(*(asset.split("/") for asset in assets), strict=False)
    return "/".join(level[0] for level in itertools.takewhile(lambda level: len(set(level)) == 1, levels))
