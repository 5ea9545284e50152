"""Answers about a range that ends now, without a query for each: from sums that events update.

They are what `answers.answer` gives, computed by the same functions; what those read from the store is held in memory.
The bottleneck of a line and the capabilities are those of when they were read last, as are orders before the range.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from broker.contract.events import AnyEvent, Job
from broker.contract.instants import FOR_EVER
from broker.contract.topics import Kind, is_under
from broker.plant.plant import Plant
from services.ledger.history import MINUTE
from services.ledger.indicators.bottleneck import Bottleneck
from services.ledger.indicators.capability import Capability, capabilities
from services.ledger.indicators.indicators import Context
from services.query.answers import Answer, build_answer
from services.query.contexts import bottleneck_of, complete, measurements, operations_of
from services.query.data_quality.never_reported import not_among, reported
from services.query.histories import as_of, histories
from services.query.planning import JOBS, planned_pieces
from services.query.ranges import Range, measure
from services.query.running_range import BEHIND_NS, RunningRange
from services.store.interface import Store
from services.store.retiring import retired


class Seen(NamedTuple):
    """What is read of an asset now and then: it takes all events of the range. `at`: when it was, nanoseconds."""

    at: int
    bottleneck: Bottleneck | None
    capabilities: tuple[Capability, ...]


class RunningAnswers:
    """The answers about all assets under one, from a start until now."""

    def __init__(self, plant: Plant, root: str, running: RunningRange, jobs: "_Jobs") -> None:
        self._plant = plant
        self.root = root
        self._running = running
        self._jobs = jobs
        self._reported: dict[str, set[str]] = {}
        self._fields: dict[str, frozenset[str]] = {}
        self.seen: dict[str, Seen] = {}

    @property
    def start(self) -> int:
        """From when, nanoseconds."""
        return self._running.start

    @property
    def is_outdated(self) -> bool:
        """Whether it is to be loaded again."""
        return self._running.is_outdated

    def put(self, event: AnyEvent, now: int) -> bool:
        """Add an event that has just arrived; return whether it can change an answer."""
        if not is_under(event.asset, self.root):
            return False
        changed = self._running.put(event, now)
        if changed:
            self.note(event)
        return changed

    def note(self, event: AnyEvent) -> None:
        """Add what an event shows besides sums: which fields its machine reports, its orders."""
        known = self._reported.setdefault(event.asset, set())
        if not known.issuperset(fields := reported(event)):
            known.update(fields)
            self._fields.clear()
        if isinstance(event, Job):
            self._jobs.put(event)

    def has_seen(self, asset: str) -> bool:
        """Return whether `see` was called for an asset."""
        return asset in self.seen

    async def see(self, store: Store, asset: str, now: int) -> None:
        """Read what is read of an asset now and then."""
        time_range = Range(asset, self.start, now, {}, {}, ())
        self.seen[asset] = Seen(
            now,
            await bottleneck_of(store, self._plant, time_range),
            tuple(capabilities(await measurements(store, time_range))),
        )

    def take_over(self, former: "RunningAnswers", *, since: int) -> None:
        """Take over what was read of assets since an instant for answers from nearly the same start."""
        self.seen |= {asset: seen for asset, seen in former.seen.items() if seen.at >= since}

    def ever_counted(self, machine: str) -> bool:
        """Return whether a machine has counted pieces; a count of 0 is one."""
        return not {"produced", "good"}.isdisjoint(self._reported.get(machine, ()))

    async def answer(self, store: Store, asset: str, now: int) -> Answer | None:
        """Return the indicators of an asset up to now; None where no machine's time is counted.

        Args:
            store: is asked for orders before the range, once each.
            asset: whose.
            now: the time, nanoseconds.
        """
        measured = self._running.measured(asset, now)
        if not measured.machines:
            return None
        seen = self.seen.get(asset, Seen(0, None, ()))
        context = await self._context(store, measured, seen)
        return build_answer(
            measured,
            self._plant,
            context,
            self._running.lasting(asset, now),
            asked_end=now,
            bottleneck=seen.bottleneck,
        )

    async def _context(self, store: Store, measured: Range, seen: Seen) -> Context:
        plant, asset = self._plant, measured.asset
        stages = plant.stages(asset)
        operations = operations_of(plant, measured)
        fields = self._fields_of(asset)
        has_output = not stages or bool(operations[-1].get("good", 0))
        known = Context(
            not_reported=not_among(fields, measured.total()),
            output_not_reported=not has_output
            and all("good" not in self._reported.get(machine, ()) for machine in stages[-1]),
        )
        return complete(
            known,
            plant,
            measured,
            operations,
            bottleneck=seen.bottleneck,
            capable=seen.capabilities,
            planned=await planned_pieces(_Orders(store, self._jobs), plant, measured),
        )

    def _fields_of(self, asset: str) -> frozenset[str]:
        """Return the fields that any machine under an asset has reported."""
        fields = self._fields.get(asset)
        if fields is None:
            under = (found for path, found in self._reported.items() if is_under(path, asset))
            fields = self._fields[asset] = frozenset().union(*under)
        return fields


async def load(store: Store, plant: Plant, root: str, start: int, now: int) -> RunningAnswers:
    """Return the answers about everything under an asset from a start until now, as the store has it."""
    checkpoint = max(start, (now - BEHIND_NS) // MINUTE * MINUTE)
    base = await measure(store, plant, root, start, checkpoint, now=now)
    gone = await retired(store)
    found = await histories(store, plant, root, checkpoint, now)
    jobs = [*await as_of(store, JOBS, root, start + 1), *await store.events(JOBS, root, start + 1, FOR_EVER)]
    loaded = RunningAnswers(plant, root, RunningRange(plant, base, found, gone), _Jobs(start))
    for event in (*jobs, *await store.latest_before(("count", "material", "labour"), root, FOR_EVER)):
        loaded.note(event)
    return loaded


class _Jobs:
    """Orders of machines since a time, with the last one before it; and what was read of those before."""

    def __init__(self, since: int) -> None:
        self.since = since
        self.before: dict[tuple[str, int, int, int | None], list[AnyEvent]] = {}
        self._of: dict[str, list[Job]] = {}

    def put(self, job: Job) -> None:
        """Add one; a later one at the same instant replaces the former."""
        jobs = self._of.setdefault(job.asset, [])
        place = bisect_left(jobs, job.at, key=_at)
        if place < len(jobs) and jobs[place].at == job.at:
            jobs[place] = job
        else:
            insort(jobs, job, key=_at)

    def under(self, asset: str) -> Iterable[Job]:
        """Return the orders of the machines under an asset, each machine's in order of time."""
        if asset in self._of:
            return self._of[asset]
        return [job for path, jobs in sorted(self._of.items()) if is_under(path, asset) for job in jobs]


class _Orders:
    """Orders as a store gives them (`interface.Events`): from memory, those before the range from the store."""

    def __init__(self, store: Store, jobs: _Jobs) -> None:
        self._store = store
        self._jobs = jobs

    async def events(
        self,
        kinds: Sequence[Kind],
        asset: str,
        start: int,
        end: int,
        *,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[AnyEvent]:
        """Return orders with start ≤ at < end."""
        found: dict[tuple[str, int], AnyEvent] = {}
        if start < self._jobs.since:
            key = (asset, start, end, limit)
            older = self._jobs.before.get(key)
            if older is None:
                older = self._jobs.before[key] = await self._store.events(
                    kinds, asset, start, end, limit=limit, newest_first=newest_first
                )
            found = {(event.asset, event.at): event for event in older}
        found |= {(job.asset, job.at): job for job in self._jobs.under(asset) if start <= job.at < end}
        return sorted(found.values(), key=_at, reverse=newest_first)[:limit]

    async def latest_before(self, _kinds: Sequence[Kind], asset: str, at: int) -> list[AnyEvent]:
        """Return of each machine the newest order before an instant."""
        return [*{job.asset: job for job in self._jobs.under(asset) if job.at < at}.values()]


def _at(event: AnyEvent) -> int:
    return event.at
