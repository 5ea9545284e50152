"""The stored ledger against the oracle: any events, in any order and any batches, with restarts, repeats and failures.

`EXAMPLES` in the environment multiplies the number of examples: a long hunt sets it to 50.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import hypothesis
import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from broker.contract.events import AnyEvent
from broker.plant.plant import Plant
from services.kpi.fleet import ALL_AT_ONCE, AT_ONCE
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.machine import SILENT_NS, Change
from services.ledger.fields import Sums, add
from services.query.ranges import measure
from services.store.interface import Batch, LedgerRow, ReasonRow, Resolution, StoreError
from services.store.sqlite.store import SqliteStore
from tests.ledger import oracle
from tests.ledger.deliveries import (
    ASSETS,
    EVENTS,
    GAPS,
    MACHINES,
    PLANTS,
    T0,
    Step,
    came,
    deliveries,
    histories,
)
from tests.ledger.oracle import INTEGRALS, MINUTE, NANO, TIME_FIELDS
from tests.ledger.stores import empty_store
from tests.properties import examples

FOR_EVER = 2**62
# ---- Keeping ----


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


class Reported:
    """The published changes of rows, added up: they have to stay the sum of the rows, restarts or not."""

    def __init__(self) -> None:
        self.minutes: dict[tuple[str, int], Sums] = {}

    def __call__(self, changes: list[Change], _: Sequence[AnyEvent]) -> None:
        for machine, start, more, _is_new in changes:
            add(self.minutes.setdefault((machine, start), {}), more)

    def check(self, rows: Sequence[LedgerRow]) -> None:
        stored: dict[tuple[str, int], Sums] = {}
        for row in rows:
            add(stored.setdefault((row.asset, row.start), {}), row.sums)
        reported = {
            key: {field: amount for field, amount in sums.items() if amount} for key, sums in self.minutes.items()
        }
        stored = {key: {field: amount for field, amount in sums.items() if amount} for key, sums in stored.items()}
        assert {key: sums for key, sums in reported.items() if sums} == stored


class SamplingIntervals(NamedTuple):
    """After what silence no rows are made, and how many minutes of a machine, and of all, are made with a batch."""

    silent_ns: int
    at_once: tuple[int, int]


ALL_ROWS = SamplingIntervals(FOR_EVER, (AT_ONCE, ALL_AT_ONCE))
PACES = st.builds(
    SamplingIntervals,
    st.sampled_from([10 * MINUTE, 60 * MINUTE, 90 * MINUTE, SILENT_NS]),
    st.tuples(st.sampled_from([0, 5, 70, AT_ONCE]), st.sampled_from([0, 30, ALL_AT_ONCE])),
)


async def store_steps(
    store: SqliteStore,
    plant: Plant,
    steps: Sequence[Step],
    sampling: SamplingIntervals = ALL_ROWS,
    *,
    finish: bool = True,
) -> int:
    """Keep what comes as it comes; return the present at the end."""
    clock, reported = Clock(), Reported()

    def begin() -> LedgerWriter:
        return LedgerWriter(
            store, plant, clock, changed=reported, silent_ns=sampling.silent_ns, at_once=sampling.at_once
        )

    writer = begin()
    for step in steps:
        clock.now = step.now
        await writer.store_events(step.events)
        if step.then in ("advance", "another"):
            await writer.advance()
        if step.then == "catch up":
            await writer.catch_up()
        if step.then in ("restart", "another"):
            writer = begin()
    clock.now = max(step.now for step in steps)
    await writer.advance()
    if finish:
        await writer.finish()
    reported.check(await store.rows("", 0, FOR_EVER))
    return clock.now


class Written(NamedTuple):
    rows: list[LedgerRow]
    reasons: list[ReasonRow]


async def read(store: SqliteStore) -> Written:
    return Written(await store.rows("", 0, FOR_EVER), await store.reason_rows("", 0, FOR_EVER))


class FailingStore(SqliteStore):
    """A store that fails once where it is set to: before it has written, or after, as when an answer gets lost."""

    fails = ""

    async def write(self, batch: Batch) -> None:
        fails, self.fails = self.fails, ""
        if fails == "before":
            raise StoreError("the disk is full")
        await super().write(batch)
        if fails == "after":
            raise StoreError("the answer got lost")


# ---- Comparing ----


def differences(found: Sums, expected: dict[str, Fraction], pieces: int = 8) -> dict[str, tuple[int, Fraction]]:
    """Return the fields that differ; a quantity times a time may be off by 10⁻⁹ for each piece that it is made of."""
    fields = found.keys() | expected.keys()
    pairs = {field: (found.get(field, 0), expected.get(field, Fraction(0))) for field in fields}
    return {
        field: pair for field, pair in pairs.items() if abs(pair[0] - pair[1]) > (pieces if field in INTEGRALS else 0)
    }


async def check_rows(store: SqliteStore, plant: Plant, events: Sequence[AnyEvent], now: int) -> None:
    """Hold every minute row and reason row that the store has against the oracle's, and hours and days against them."""
    stored = await read(store)
    until = max([now, *(event.at for event in events)])
    for machine in {event.asset for event in events}:
        rows = {(row.start, row.product, row.shift): row for row in stored.rows if row.asset == machine}
        own = [event for event in events if event.asset == machine]
        end = max([now, *(event.at for event in own)])
        first = min((start for start, _, _ in rows), default=end)
        wanted = oracle.ledger(own, plant, T0 - 2 * MINUTE, until)
        for (_, start, *_), sums in wanted.rows.items():
            if start < first:
                assert sums.keys() <= {"unknown_s", "unknown_planned_s"}, f"{machine} has no row of {start - T0}"
        wanted = oracle.ledger(own, plant, first, end)
        for key in rows.keys() | {key[1:] for key in wanted.rows}:
            row = rows.get(key)
            place = (machine, (key[0] - T0) / MINUTE, *key[1:])
            wrong = differences(row.sums if row else {}, wanted.rows.get((machine, *key), {}))
            assert not wrong, f"{place}: (stored, right) {wrong}"
            if row is not None:
                assert row.order == wanted.orders.get((machine, *key), ""), f"{place}: order"
        reasons = {(r.start, r.state, r.reason): (r.seconds, r.entries) for r in stored.reasons if r.asset == machine}
        assert reasons == {key[1:]: amounts for key, amounts in wanted.reasons.items()}
    await check_resolutions(store)


async def check_resolutions(store: SqliteStore) -> None:
    resolutions: tuple[Resolution, ...] = ("minute", "hour", "day")
    totals = [await store.totals("", 0, FOR_EVER, resolution) for resolution in resolutions]
    assert totals[0] == totals[1] == totals[2]


async def check_range(
    store: SqliteStore, plant: Plant, events: Sequence[AnyEvent], asset: str, start: int, end: int, now: int
) -> None:
    """Hold the answer to a range question against the oracle's."""
    found = await measure(store, plant, asset, start, end, now=now)
    under = [event for event in events if f"{event.asset}/".startswith(f"{asset}/" if asset else "")]
    end = max(min(end, max([now, *(event.at for event in under)])), start)
    assert (found.start, found.end) == (start, end)
    received = {event.asset for event in under}
    declared = {machine for machine in plant.machines() if f"{machine}/".startswith(f"{asset}/" if asset else "")}
    silent = declared - {event.asset for event in events}
    counted = oracle.counted(under) | silent or received
    assert set(found.machines) == counted
    wanted = oracle.ledger(under, plant, start, end, silent)
    parts: dict[tuple[str, str, str], dict[str, Fraction]] = {}
    for (machine, _, product, shift), sums in wanted.rows.items():
        part = parts.setdefault((machine, product, shift), {})
        for field, amount in sums.items():
            if field not in TIME_FIELDS or machine in counted:
                part[field] = part.get(field, Fraction(0)) + amount
    for key in found.parts.keys() | parts.keys():
        wrong = differences(found.parts.get(key, {}), parts.get(key, {}), pieces=2_000)
        assert not wrong, f"{key} over {(start - T0) / MINUTE} to {(end - T0) / MINUTE}: (measured, right) {wrong}"
    reasons: dict[tuple[str, str, str], tuple[int, int]] = {}
    for (machine, _, state, reason), (seconds, entries) in wanted.reasons.items():
        before = reasons.get((machine, state, reason), (0, 0))
        reasons[machine, state, reason] = (before[0] + seconds, before[1] + entries)
    assert {key: amounts for key, amounts in found.reasons.items() if any(amounts)} == reasons
    for machine in counted:
        time = sum(amount for field, amount in found.of_machine(machine).items() if field in TIME_FIELDS)
        assert time == end - start, "every nanosecond is in exactly one field"


# ---- Properties ----


@examples(60)
@hypothesis.given(PLANTS, histories().flatmap(deliveries), PACES)
def test_stored_rows_are_those_of_the_oracle(plant: Plant, steps: list[Step], sampling: SamplingIntervals) -> None:
    async def run() -> None:
        async with empty_store() as store:
            now = await store_steps(store, plant, steps, sampling._replace(silent_ns=FOR_EVER))
            await check_rows(store, plant, came(steps), now)

    asyncio.run(run())


@st.composite
def questions(draw: st.DrawFn, events: list[AnyEvent], now: int) -> tuple[str, int, int]:
    """A range of any asset, that begins and ends anywhere."""
    instants = sorted({T0 - 90 * MINUTE, *(event.at for event in events), now, now + 30 * MINUTE})
    start, end = (
        draw(st.sampled_from(instants)) + draw(st.sampled_from([0, 0, 1, -1, 17 * NANO, MINUTE, 45 * MINUTE]))
        for _ in range(2)
    )
    return draw(st.sampled_from(ASSETS)), min(start, end), max(start, end)


@examples(40)
@hypothesis.given(PLANTS, histories().flatmap(deliveries), PACES, st.data())
def test_a_range_of_any_asset_is_that_of_the_oracle(
    plant: Plant, steps: list[Step], sampling: SamplingIntervals, data: st.DataObject
) -> None:
    """Whatever of the ledger is written by then."""

    async def run() -> None:
        async with empty_store() as store:
            now = await store_steps(store, plant, steps, sampling, finish=data.draw(st.booleans()))
            for _ in range(4):
                asset, start, end = data.draw(questions(came(steps), now))
                await check_range(store, plant, came(steps), asset, start, end, now)

    asyncio.run(run())


@examples(15)
@hypothesis.given(PLANTS, histories().flatmap(deliveries))
def test_rows_are_the_same_as_those_of_all_events_at_once_in_order(plant: Plant, steps: list[Step]) -> None:
    async def run() -> None:
        async with empty_store() as store, empty_store() as at_once:
            now = await store_steps(store, plant, steps)
            await store_steps(at_once, plant, [Step(oracle.winners(came(steps)), now, "advance")])
            assert await read(store) == await read(at_once)

    asyncio.run(run())


class KeepingLedger(RuleBasedStateMachine):
    """A ledger writer in use: events near and far, repeats, time that passes, restarts, and a store that fails."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="oracle-"))
        self.loop = asyncio.Runner()
        self.clock = Clock()
        self.clock.now = T0
        self.reported = Reported()
        self.stored: list[AnyEvent] = []

    @initialize(plant=PLANTS, sampling=PACES)
    def begin(self, plant: Plant, sampling: SamplingIntervals) -> None:
        self.plant, self.at_once = plant, sampling.at_once
        self.store = self.loop.run(FailingStore.open(self.folder / "corridor.db"))
        self.restart()

    @rule()
    def restart(self) -> None:
        self.writer = LedgerWriter(
            self.store, self.plant, self.clock, changed=self.reported, silent_ns=FOR_EVER, at_once=self.at_once
        )

    @rule()
    def catch_up(self) -> None:
        self.write_with_retry(self.writer.catch_up)

    @rule(
        events=st.lists(
            st.tuples(EVENTS, st.sampled_from(MACHINES[:2]), GAPS, st.sampled_from([1, 1, -1])), min_size=1
        ),
        place=st.integers(0),
    )
    def store_steps(self, events: list[tuple[AnyEvent, str, int, int]], place: int) -> None:
        """Keep a batch around the present, or around any earlier event."""
        instants = [self.clock.now, *(event.at for event in self.stored)]
        at = instants[place % len(instants)]
        batch: list[AnyEvent] = []
        for event, machine, gap, direction in events:
            at = max(at + direction * gap, T0)
            batch.append(msgspec.structs.replace(event, asset=machine, at=at))
        self.clock.now = max(self.clock.now, max(event.at for event in batch) - 4 * MINUTE)
        self.write(batch)

    @precondition(lambda self: self.stored)
    @rule(first=st.integers(0), size=st.integers(1, 5))
    def repeat(self, first: int, size: int) -> None:
        first %= len(self.stored)
        self.write(self.stored[first : first + size])

    @rule(gap=GAPS)
    def advance(self, gap: int) -> None:
        self.clock.now += gap
        self.write_with_retry(self.writer.advance)

    @rule(when=st.sampled_from(["before", "after"]))
    def fail(self, when: str) -> None:
        self.store.fails = when

    @precondition(lambda self: self.stored)
    @rule(asset=st.sampled_from(ASSETS), first=st.integers(0), last=st.integers(0), off=GAPS)
    def ask(self, asset: str, first: int, last: int, off: int) -> None:
        instants = [self.clock.now, *(event.at for event in self.stored)]
        start, end = sorted((instants[first % len(instants)] - off, instants[last % len(instants)]))
        self.loop.run(check_range(self.store, self.plant, self.stored, asset, start, end, self.clock.now))

    def write(self, batch: list[AnyEvent]) -> None:
        self.write_with_retry(lambda: self.writer.store_events(batch))
        self.stored += batch

    def write_with_retry(self, write: Callable[[], Coroutine[Any, Any, object]]) -> None:
        try:
            self.loop.run(write())
        except StoreError:
            # A listener to changes cannot know what of them is written, and reads the store.
            self.reported.minutes.clear()
            for row in self.loop.run(self.store.rows("", 0, FOR_EVER)):
                self.reported([Change(row.asset, row.start, row.sums, is_new=True)], ())
            self.loop.run(write())

    def teardown(self) -> None:
        try:
            self.write_with_retry(self.writer.advance)
            self.write_with_retry(self.writer.finish)
            # After a write that failed the writer began from the store again: what was due is found by the next tick.
            self.write_with_retry(self.writer.advance)
            self.write_with_retry(self.writer.finish)
            if self.stored:
                self.loop.run(check_rows(self.store, self.plant, self.stored, self.clock.now))
            self.reported.check(self.loop.run(self.store.rows("", 0, FOR_EVER)))
        finally:
            self.loop.run(self.store.close())
            self.loop.close()
            shutil.rmtree(self.folder)


def test_a_ledger_writer_in_use_stores_the_ledger_of_the_oracle() -> None:
    run_state_machine_as_test(
        KeepingLedger,
        settings=examples(25, stateful_step_count=15),
    )
