"""When a machine was connected: late wills, clocks that are off, messages that were buffered, in any order."""

import asyncio
from itertools import pairwise

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st

from broker.contract.events import NOT_LIVE, NS_PER_MS, AnyEvent, Count, Job, Sample, StateChange, Status
from broker.plant.plant import NO_PLANT
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.recompute import recompute
from services.ledger.fields import TIME, Sums, add
from services.ledger.history import History
from services.query.ranges import measure
from services.store.sqlite.store import SqliteStore
from tests.ledger.deliveries import T0
from tests.ledger.oracle import MINUTE, NANO
from tests.ledger.stores import empty_store
from tests.ledger.test_against_oracle import read
from tests.properties import examples

MILL = "works/hall/line-1/mill-1"
FOR_EVER = 2**62


def after(minute: float) -> int:
    return T0 + round(minute * MINUTE)


def message(event: AnyEvent, received: float, sent: float | None = None) -> AnyEvent:
    """Return an event as received at a minute, with a time of its own or that of its receipt."""
    at = after(received if sent is None else sent)
    return msgspec.structs.replace(event, asset=MILL, at=at, received_ms=after(received) // NS_PER_MS)


def retained(event: AnyEvent, received: float) -> AnyEvent:
    """Return an event that was retained, without a time, as a broker hands it out at a minute."""
    return msgspec.structs.replace(event, asset=MILL, at=after(received), time_source="retained", received_ms=NOT_LIVE)


RUNNING = StateChange(asset=MILL, at=0, state="running")
OFFLINE, ONLINE = (Status(asset=MILL, at=0, online=online) for online in (False, True))
JOB = Job(asset=MILL, at=0, phase="start", order="wo-1")
COUNT = Count(asset=MILL, at=0, produced=1)
LOAD = Sample(asset=MILL, at=0, signal="load", value=1.0)
MESSAGES: st.SearchStrategy[AnyEvent] = st.sampled_from([RUNNING, COUNT, COUNT, OFFLINE, OFFLINE, ONLINE])


async def unknown(events: list[AnyEvent], *, upto: float = 60) -> float:
    """Return for how many minutes a machine was unknown, once it has reported a state at the first minute."""
    now = 0
    async with empty_store() as store:
        writer = LedgerWriter(store, NO_PLANT, lambda: now)
        for event in events:
            now = max(now, event.received_ms * NS_PER_MS)
            await writer.store_events([event])
            await writer.advance()
        now = after(upto)
        await writer.advance()
        live = await total(store)
        found = await measure(store, NO_PLANT, MILL, after(0), after(upto), now=now)
        assert found.total().get("unknown_s", 0) == live.get("unknown_s", 0)
        done = await recompute(store, NO_PLANT, "", 0, FOR_EVER, now=now)
        assert done.changed == 0, "live and recomputed are the same"
        await writer.store_events(events)
        assert await total(store) == live, "received again, it changes nothing"
    return live.get("unknown_s", 0) / MINUTE


async def total(store: SqliteStore) -> Sums:
    found: Sums = {}
    for row in await store.rows(MILL, after(0), FOR_EVER):
        add(found, {field: row.sums.get(field, 0) for field in TIME})
    return found


@pytest.mark.parametrize(
    ("situation", "events", "minutes"),
    [
        ("the will has the time of connecting", [message(ONLINE, 0), message(COUNT, 20), message(OFFLINE, 22, 0)], 40),
        ("the will has no time", [message(COUNT, 20), message(OFFLINE, 22)], 38),
        ("the clock is ahead", [message(COUNT, 20, 23), message(OFFLINE, 22)], 37),
        ("the clock is behind", [message(COUNT, 20, 15), message(OFFLINE, 22)], 38),
        ("a stale will", [message(COUNT, 20), message(OFFLINE, 22), message(COUNT, 25), message(COUNT, 30)], 3),
        ("back with a buffer", [message(OFFLINE, 22), message(COUNT, 40, 10), message(COUNT, 41, 41)], 19),
        ("back with a buffer alone", [message(OFFLINE, 22), message(COUNT, 40, 10)], 38),
        ("only telemetry comes", [message(OFFLINE, 22), message(LOAD, 30), message(LOAD, 31)], 8),
        ("a buffer of telemetry", [message(OFFLINE, 22), message(LOAD, 40, 10)], 38),
        (
            "telemetry by a clock that is ahead",
            [message(COUNT, 20, 23), message(OFFLINE, 22), message(LOAD, 21, 24)],
            37,
        ),
        ("an order known from the broker alone", [message(OFFLINE, 22), retained(JOB, 30)], 38),
        ("two wills", [message(OFFLINE, 20), message(COUNT, 30), message(OFFLINE, 40)], 30),
        ("online again", [message(OFFLINE, 20), message(ONLINE, 30)], 10),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_unknown_is_the_time_in_which_a_machine_was_not_connected(
    situation: str, events: list[AnyEvent], minutes: float
) -> None:
    assert await unknown([message(RUNNING, 0), *events]) == minutes, situation


# ---- In any order ----


@st.composite
def received(draw: st.DrawFn) -> list[AnyEvent]:
    """Messages in the order of their receipt, of a device whose clock is off, that buffers, and has wills."""
    received = 0
    offset = draw(st.sampled_from([0, 90 * NANO, -40 * NANO]))
    found: list[AnyEvent] = []
    for _ in range(draw(st.integers(2, 12))):
        received += draw(st.sampled_from([1, 7, 30, 60, 200, 400])) * NANO
        event: AnyEvent = draw(MESSAGES)
        state = draw(st.sampled_from(["running", "idle", "down"]))
        if isinstance(event, StateChange):
            event = msgspec.structs.replace(event, state=state)
        late = draw(st.sampled_from([0, 0, 0, 50, 120])) * NANO
        own = T0 + received + (draw(st.sampled_from([0, offset])) if isinstance(event, Status) else offset) - late
        at = max(own, T0)
        if all((each.at, each.kind) != (at, event.kind) for each in found):
            found.append(msgspec.structs.replace(event, at=at, received_ms=(T0 + received) // NS_PER_MS))
    return found


def expected_unknown(events: list[AnyEvent], end: int) -> int:
    """Return for how long it is unknown from T0 to the end: piece by piece, by the words of the rule."""
    counts_from = {
        id(event): max(
            [event.at, *(e.at for e in events if is_sign(e) and e.received_ms <= event.received_ms and e is not event)]
        )
        for event in events
        if isinstance(event, Status) and not event.online
    }
    states = sorted(event.at for event in events if isinstance(event, StateChange))
    instants = sorted({T0, end, *(event.at for event in events), *counts_from.values()})
    unknown = 0
    for begin, until in pairwise(instants):
        offline = max((at for at in counts_from.values() if at <= begin), default=None)
        alive = offline is None or any(offline < event.at <= begin for event in events if is_sign(event))
        if not alive or not states or states[0] > begin:
            unknown += until - begin
    return unknown


def is_sign(event: AnyEvent) -> bool:
    return not isinstance(event, Status) or event.online


@pytest.mark.slow
@examples(15)
@hypothesis.given(received(), st.data())
def test_any_order_of_arrival_gives_the_same_ledger(events: list[AnyEvent], data: st.DataObject) -> None:
    order = data.draw(st.permutations(events))
    size = data.draw(st.sampled_from([1, 3, 100]))
    end = max(event.at for event in events) + 10 * MINUTE

    async def stored(messages: list[AnyEvent]) -> tuple[int, object]:
        async with empty_store() as store:
            writer = LedgerWriter(store, NO_PLANT, lambda: end)
            for place in range(0, len(messages), size):
                await writer.store_events(messages[place : place + size])
            await writer.advance()
            await writer.finish()
            done = await recompute(store, NO_PLANT, "", 0, FOR_EVER, now=end)
            assert done.changed == 0
            measured = await measure(store, NO_PLANT, MILL, T0, end, now=end)
            return measured.total().get("unknown_s", 0), await read(store)

    in_order = asyncio.run(stored(events))
    assert in_order[0] == expected_unknown(events, end)
    assert asyncio.run(stored(order)) == in_order


@pytest.mark.slow
@examples(100)
@hypothesis.given(received(), st.data())
def test_a_history_is_the_same_in_any_order(events: list[AnyEvent], data: st.DataObject) -> None:
    histories = []
    for order in (events, data.draw(st.permutations(events))):
        history = History(T0)
        for event in order:
            history.put(event, event.at, 5 * MINUTE)
        histories.append(
            [history.state_at(at) for at in sorted({event.at + off for event in events for off in (0, 1)})]
        )
    assert histories[0] == histories[1]
