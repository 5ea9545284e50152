"""Whatever one message of a thousand makes a stage raise, it alone is rejected; a failing machine holds up no other."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from broker.contract import codec
from broker.contract.events import AnyEvent, Count, StateChange
from broker.contract.instants import parse as instant
from broker.contract.message import Message
from broker.contract.topics import PREFIX
from broker.plant.plant import NO_PLANT
from services.kpi import ledger_writer as keeping
from services.kpi import machine as machines
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.published.windows import Windows
from services.kpi.recompute import recompute
from services.ledger import rows
from services.ledger.columnar.columns import ColumnBuilder, Slice
from services.ledger.fields import NANO
from services.ledger.history import History
from services.ledger.readings.cumulative import Cumulative
from services.ledger.rows import Rows
from services.ledger.rules import Rules
from services.store.interface import Batch, LedgerRow, RowError
from services.store.sqlite.store import SqliteStore

LINE = "sheffield/machining/line-1"
MACHINES = [f"{LINE}/mill-{number}" for number in range(1, 9)]
GUILTY = 666
START = instant("2026-11-24T08:00:00Z")
NOW = instant("2026-11-24T09:00:00Z")
FOR_EVER = 2**62
MESSAGES = [
    Message(
        f"{PREFIX}/{MACHINES[number % len(MACHINES)]}/count",
        json.dumps({"ts": START // 1_000_000 + 1_000 * number, "produced": number}).encode(),
        received_at=NOW,
    )
    for number in range(1_000)
]


class UnforeseenError(Exception):
    """Nobody has thought of it."""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "corridor.db")
    yield opened
    await opened.close()


def is_guilty(event: AnyEvent) -> bool:
    return isinstance(event, Count) and event.produced == GUILTY


def decoding(patch: pytest.MonkeyPatch) -> None:
    def decode(message: Message, *, prefix: str) -> list[AnyEvent]:
        events = codec.decode(message, prefix=prefix)
        if any(map(is_guilty, events)):
            raise UnforeseenError
        return events

    patch.setattr(keeping, "decode", decode)


def putting(patch: pytest.MonkeyPatch) -> None:
    put = History.put

    def failing(self: History, event: AnyEvent, now: int, short_ns: int) -> set[int]:
        touched = put(self, event, now, short_ns)
        if is_guilty(event):
            raise UnforeseenError
        return touched

    patch.setattr(History, "put", failing)


def rebuilding(patch: pytest.MonkeyPatch) -> None:
    build = rows.build

    def failing(history: History, start: int, end: int, rules: Rules) -> Rows:
        readings = history.cumulative.counter("produced")
        if readings is not None and GUILTY * NANO in readings.entries:
            raise UnforeseenError
        return build(history, start, end, rules)

    patch.setattr(machines, "build", failing)


def storing(patch: pytest.MonkeyPatch) -> None:
    """Let the message mean an event with a text that SQLite cannot hold."""

    def decode(message: Message, *, prefix: str) -> list[AnyEvent]:
        events = codec.decode(message, prefix=prefix)
        if any(map(is_guilty, events)):
            return [StateChange(asset=events[0].asset, at=events[0].at, state="down", reason="\ud800")]
        return events

    patch.setattr(keeping, "decode", decode)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "kind"),
    [
        (decoding, "UnforeseenError"),
        (putting, "UnforeseenError"),
        (rebuilding, "UnforeseenError"),
        (storing, "RowError"),
    ],
)
async def test_of_a_thousand_messages_one_is_rejected(
    stage: Callable[[pytest.MonkeyPatch], None], kind: str, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(monkeypatch)
    windows = Windows(store, NO_PLANT)
    writer = LedgerWriter(store, NO_PLANT, lambda: NOW, changed=windows.apply)
    rejected = await writer.persist(MESSAGES)
    assert [one.payload for one in rejected] == [MESSAGES[GUILTY].payload]
    assert kind in rejected[0].reason
    assert [one.payload for one in await store.rejected(0, FOR_EVER)] == [MESSAGES[GUILTY].payload]
    stored = await store.events(["count"], "", 0, FOR_EVER)
    assert {event.produced for event in stored if isinstance(event, Count)} == {*range(1_000)} - {GUILTY}
    assert await writer.advance() == NOW
    assert not writer.failing
    # The ledger is that of the others, and a further batch goes on from it.
    clean = LedgerWriter(await SqliteStore.open(store.path.with_name("clean.db")), NO_PLANT, lambda: NOW)
    await clean.persist([*MESSAGES[:GUILTY], *MESSAGES[GUILTY + 1 :]])
    await clean.advance()
    assert await store.rows("", 0, FOR_EVER) == await clean._store.rows("", 0, FOR_EVER)
    await clean._store.close()


@pytest.mark.slow
@pytest.mark.parametrize("stage", [putting, rebuilding])
@pytest.mark.parametrize("by", ["start", "tick", "message"])
async def test_a_machine_whose_stored_events_raise_holds_up_no_other(
    stage: Callable[[pytest.MonkeyPatch], None], by: str, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    guilty = MACHINES[GUILTY % len(MACHINES)]
    now = NOW
    writer = LedgerWriter(store, NO_PLANT, lambda: now)
    await writer.persist(MESSAGES)
    stage(monkeypatch)
    if by != "tick":
        writer = LedgerWriter(store, NO_PLANT, lambda: now)
    now += 60 * NANO
    if by == "message":
        more = [
            Message(
                f"{PREFIX}/{machine}/count",
                json.dumps({"ts": now // 1_000_000, "produced": 2_000}).encode(),
                received_at=now,
            )
            for machine in MACHINES
        ]
        assert await writer.persist(more) == []
        assert len(await store.events(["count"], "", now, FOR_EVER)) == len(MACHINES)
    assert await writer.advance() == now
    if stage is rebuilding:
        assert writer.failing == {guilty: "UnforeseenError"}
        assert sorted(writer.counted()) == sorted(set(MACHINES) - {guilty})
    windows = Windows(store, NO_PLANT)
    await windows.roll(writer, now)
    reported = {each.topic: json.loads(each.payload) for each in windows.due(now) if each.payload}
    notes = reported[f"{PREFIX}/{LINE}/kpi/hour"]["notes"]
    assert any(f"the ledger of {guilty} stands still" in note for note in notes) == (stage is rebuilding)
    for machine in set(MACHINES) - {guilty}:
        assert max((await store.watermark(machine)).values()) >= NOW
        assert f"{PREFIX}/{machine}/kpi/hour" in reported


@pytest.mark.slow
async def test_recomputing_sets_a_machine_aside_that_raises(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    guilty = MACHINES[GUILTY % len(MACHINES)]
    writer = LedgerWriter(store, NO_PLANT, lambda: NOW)
    await writer.persist(MESSAGES)
    await writer.advance()
    right = await store.rows("", 0, FOR_EVER)
    await store.write(Batch(rows=[LedgerRow(row.asset, row.start, row.product, row.shift, {}) for row in right]))
    put = ColumnBuilder.put

    def failing(self: ColumnBuilder, of: Slice, *what: Any) -> Cumulative:
        if of.asset == guilty:
            raise UnforeseenError
        return put(self, of, *what)

    monkeypatch.setattr(ColumnBuilder, "put", failing)
    done = await recompute(store, NO_PLANT, "", START - 60 * NANO, NOW, now=NOW)
    assert done.failed == {guilty: "UnforeseenError"}
    assert done.machines == len(MACHINES) - 1
    rebuilt = [row for row in await store.rows("", 0, FOR_EVER) if row.sums]
    assert rebuilt == [row for row in right if row.asset != guilty]


@pytest.mark.slow
async def test_rows_that_the_store_cannot_hold_set_their_machine_aside(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = LedgerWriter(store, NO_PLANT, lambda: NOW)
    build = rows.build

    def unstorable(history: History, start: int, end: int, rules: Rules) -> Rows:
        made = build(history, start, end, rules)
        readings = history.cumulative.counter("produced")
        if readings is not None and GUILTY * NANO in readings.entries:
            return Rows(made.sums, dict.fromkeys(made.sums, "\ud800"), made.reasons)
        return made

    await writer.store_events([StateChange(asset=machine, at=START, state="running") for machine in MACHINES])
    await store.write(Batch(events=[Count(asset=MACHINES[0], at=START, produced=GUILTY)]))
    monkeypatch.setattr(machines, "build", unstorable)
    writer = LedgerWriter(store, NO_PLANT, lambda: NOW + 60 * NANO)
    await writer.advance()
    assert writer.failing.keys() == {MACHINES[0]}
    for machine in MACHINES[1:]:
        assert max((await store.watermark(machine)).values()) >= NOW


async def test_a_window_that_fails_holds_up_no_other(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = Windows(store, NO_PLANT)
    writer = LedgerWriter(store, NO_PLANT, lambda: NOW, changed=windows.apply)
    await writer.persist(MESSAGES)
    payload = Windows._payload

    def failing(self: Windows, key: Any, *how: Any) -> Any:
        if key[0] == MACHINES[0]:
            raise UnforeseenError
        return payload(self, key, *how)

    monkeypatch.setattr(Windows, "_payload", failing)
    await windows.roll(writer, await writer.advance())
    published = {each.topic for each in windows.due(NOW) if each.payload}
    assert f"{PREFIX}/{MACHINES[0]}/kpi/hour" not in published
    assert {f"{PREFIX}/{asset}/kpi/hour" for asset in (*MACHINES[1:], LINE)} <= published


async def test_what_fails_of_changed_rows_is_read_again(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = Windows(store, NO_PLANT)
    writer = LedgerWriter(store, NO_PLANT, lambda: NOW, changed=windows.apply)

    def failing(self: Windows, changes: list[machines.Change], events: list[AnyEvent]) -> None:
        raise UnforeseenError

    with monkeypatch.context() as patch:
        patch.setattr(Windows, "_apply", failing)
        assert await writer.persist(MESSAGES) == []
    await windows.roll(writer, await writer.advance())
    published = {each.topic for each in windows.due(NOW) if each.payload}
    assert {f"{PREFIX}/{asset}/kpi/hour" for asset in (*MACHINES, LINE)} <= published


async def test_a_row_that_sqlite_cannot_hold_is_no_reason_to_wait_for_the_store(store: SqliteStore) -> None:
    for batch in (
        Batch(events=[StateChange(asset=MACHINES[0], at=2**63, state="down")]),
        Batch(events=[StateChange(asset=MACHINES[0], at=NOW, state="down", reason="\udfff")]),
        Batch(rows=[LedgerRow(MACHINES[0], NOW, "\ud800", "-", {"good": 1})]),
    ):
        with pytest.raises(RowError, match="cannot hold"):
            await store.write(batch)
