"""Machines' histories from a store: their events over a range, with what held when it began."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from broker.contract.events import AnyEvent, Job
from broker.contract.instants import FOR_EVER
from broker.contract.topics import Kind
from broker.plant.plant import Plant
from services.ledger import presence
from services.ledger.history import HOLDING, KINDS, MINUTE, READ, History, lookahead_ns, lookback_ns
from services.ledger.readings.cumulative import Cumulative
from services.ledger.rules import Rules
from services.ledger.state_timeline import ReportedState
from services.query.data_quality.signs import add_first_signs
from services.store import failures
from services.store.interface import Events, Store

_READ: Final[tuple[Kind, ...]] = (*READ, "job")
AROUND: Final = (50, 1_000, 20_000)
"""So many readings before and after a range are read if those in it depend on them; more, if still more are needed."""


async def histories(
    store: Store, plant: Plant, asset: str, start: int, end: int, *, depth: int = 0
) -> dict[str, History]:
    """Return the history of each machine under `asset`, complete from `start` to a little after `end`.

    Args:
        store: where the events are.
        plant: ideal cycles, and what else the readings of counters are classified by.
        asset: an asset path.
        start: from when every event is in the history; before, only what held then and what reaches into it.
        end: until when; what follows within the length of a micro-stop is read too, for it decides what a stop was.
        depth: so many older readings and orders of each machine are read in any case.
    """
    short_ns = plant.microstop_limit_ns
    since, until = start - lookback_ns(short_ns), min(end + lookahead_ns(short_ns), FOR_EVER)
    found: dict[str, History] = {}
    for events in (await as_of(store, HOLDING, asset, since), await store.events(KINDS, asset, since, until)):
        _put(found, events, start, plant.silent_ns)
    for path, history in found.items():
        await add_first_signs(store, path, history, until)
        history.since, history.known = since, history.state_at(since - 1)
        if history.known.state == "unknown" and history.states.at(since - 1) is not None:
            history.known = await last_known_state(store, path, since)
        cumulative = history.cumulative
        cumulative.begins_at(since)
        cumulative.classify_all(Rules.of(plant, path).limits)
        if depth:
            await _read_before(store, path, cumulative, since, depth)
        await read_around(store, path, cumulative, (since, start), (end, until))
    return found


async def read_around(
    store: Store, machine: str, cumulative: Cumulative, first: tuple[int, int], last: tuple[int, int]
) -> list[AnyEvent]:
    """Read the older and the newer readings without which it is not certain what those of a range are.

    Args:
        store: where they are.
        machine: whose.
        cumulative: its readings, classified; they are again with what is read.
        first: from when all are known, and where the range begins.
        last: where the range ends, and until when all are known.

    Returns:
        What was read: readings, and the orders then.
    """
    (since, start), (end, until) = first, last
    found: list[AnyEvent] = []
    for size in AROUND:
        if not cumulative.lacks_past(start):
            break
        found += await _read_before(store, machine, cumulative, since, size)
    for size in AROUND:
        if until >= FOR_EVER or not cumulative.lacks_future(start, end):
            break
        newer = await store.events(_READ, machine, until, FOR_EVER, limit=size)
        _load(cumulative, newer)
        found += newer
        if len(newer) < size:
            break
    return found


async def _read_before(store: Store, machine: str, cumulative: Cumulative, since: int, size: int) -> list[AnyEvent]:
    """Read so many readings and orders before an instant, and return them."""
    older = await store.events(_READ, machine, -FOR_EVER, since, limit=size, newest_first=True)
    begins = -FOR_EVER
    if len(older) == size:
        begins = older[-1].at + 1  # of that instant, some may be missing
        older = [event for event in older if event.at >= begins]
        older += await as_of(store, ("job",), machine, begins)
    _load(cumulative, older)
    cumulative.begins_at(begins)
    return older


def _load(cumulative: Cumulative, events: Iterable[AnyEvent]) -> None:
    for event in events:
        cumulative.load(event)
    cumulative.classify_all(cumulative.limits)


async def as_of(store: Events, kinds: Sequence[Kind], asset: str, at: int) -> list[AnyEvent]:
    """Return what `Store.latest_before` does, and with the end of an order the jobs that show whether it ran."""
    found = await store.latest_before(kinds, asset, at)
    older: list[AnyEvent] = []
    for event in found:
        older += await jobs_reported_before(store, event)
    return [*older, *found]


async def jobs_reported_before(store: Events, end: AnyEvent) -> list[AnyEvent]:
    """Return, if this is the end of an order, the machine's jobs before it, from the newest start on."""
    if not isinstance(end, Job) or end.phase != "end" or not end.order:
        return []
    limit = 8
    while True:
        jobs = await store.events(("job",), end.asset, -FOR_EVER, end.at, limit=limit, newest_first=True)
        for place, job in enumerate(jobs):
            if isinstance(job, Job) and job.phase == "start":
                return jobs[place::-1]
        if len(jobs) < limit:
            return jobs[::-1]
        limit *= 8


async def last_known_state(store: Store, machine: str, at: int) -> ReportedState:
    """Return a machine's newest state before `at` that was not unknown, looking further and further back."""
    length = 60 * MINUTE
    while True:
        since = at - length
        older = await store.latest_before(("state", "status"), machine, since)
        found = {machine: History(at)}
        _put(found, [*older, *await store.events(("state", "status"), machine, since, at)], at)
        history = found[machine]
        for instant in set(history.states.times).intersection(history.statuses.times):
            # A state that was reported as the machine went offline is known from the next sign of life on.
            _put(found, await store.events(HOLDING, machine, instant + 1, at, limit=1), at)
        found[machine].since = since
        known = found[machine].last_known_state(at)
        if known.state != "unknown" or not any(event.kind == "state" for event in older):
            return known
        length *= 8


def _put(
    found: dict[str, History],
    events: Iterable[AnyEvent],
    origin: int,
    silent_ns: Callable[[str], int | None] = lambda _: presence.AS_MARKED,
) -> None:
    for event in events:
        history = found.get(event.asset)
        if history is None:
            history = found[event.asset] = History(origin, silent_ns(event.asset))
        try:
            history.load(event)
        except Exception as error:  # noqa: BLE001  (one stored event must not stop all machines from starting)
            failures.note("reading a stored event", error, asset=event.asset, kind=event.kind)
