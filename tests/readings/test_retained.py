"""Retained messages without a time: last known, never now, whatever restarts; and `check` says what is stored."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from broker.contract import events
from broker.contract.events import AnyEvent
from broker.contract.kinds import TABLE, stored
from broker.contract.message import Message
from broker.contract.topics import PREFIX
from broker.mqtt.session import Publication, Session
from broker.plant.plant import NO_PLANT
from broker.server.embedded import EmbeddedBroker, Kind
from services.ingest.service import filters, ingest
from services.intake.routing import kpi_filters
from services.kpi.service import serve_productivity
from services.store.interface import LedgerRow, Store
from services.store.sqlite.store import SqliteStore
from tests.cli.conftest import Corridor
from tests.cli.conftest import corridor as corridor  # noqa: PLC0414
from tests.readings.cases import Case, replay

MILL, SAW = "fab/shop/line-1/mill-1", "fab/shop/line-1/saw-1"
NOON = 1_795_521_600_000_000_000
MINUTE = 60_000_000_000
FOR_EVER = 2**62
MS = 1_000_000
MARKERS: tuple[events.Kind, ...] = ("state", "telemetry")
BROKERS = [pytest.param("mosquitto", marks=pytest.mark.mosquitto), "nats"]
SAMPLES = {
    "state": '{"state":"running"}',
    "status": "offline",
    "job": '{"phase":"start","order":"wo-old","product":"bolt"}',
    "count": '{"produced":5,"good":5}',
    "meter/electricity": '{"total":7,"unit":"kW.h"}',
    "labour": '{"present":9}',
    "material/steel": '{"consumed":3,"unit":"kg"}',
    "quality/bore": '{"value":12.0}',
    "part": '{"part":"p-7","result":"good"}',
    "event": '{"code":"e-204","severity":"alarm"}',
    "telemetry/load": "21.5",
    "adjust": '{"id":"a-1","good":-5,"scrap":5}',
}
"""What a machine reported last, a long time ago, of every kind that it can report."""


def test_the_samples_are_of_every_kind_of_report() -> None:
    assert {kind.partition("/")[0] for kind in SAMPLES} == {entry.kind for entry in stored()} - {"cmd", "reply"}


def message(kind: str, payload: str, at: int, *, retained: bool = False) -> Message:
    return Message(f"{PREFIX}/{MILL}/{kind}", payload.encode(), 1, retained=retained, received_at=at)


def reported(kind: str, minute: int, **fields: object) -> Message:
    """Return a live message with a time of its own."""
    at = NOON + minute * MINUTE
    return message(kind, json.dumps({"ts": at // 1_000_000, **fields}), at)


HISTORY = [
    reported("status", 0, status="online"),
    reported("status", 1, status="offline"),
    reported("status", 2, status="online"),
    reported("job", 0, phase="start", order="wo-old", product="bolt", ideal_cycle=30),
    reported("job", 3, phase="end", order="wo-old"),
    reported("state", 0, state="idle"),
    reported("state", 3, state="running"),
    reported("count", 3, produced=800, good=800),
    reported("count", 9, produced=810, good=810),
    reported("meter/electricity", 3, total=100, unit="kW.h"),
    reported("labour", 3, present=2),
    reported("material/steel", 3, consumed=100, unit="kg"),
    reported("quality/bore", 3, value=13.0),
    reported("event", 3, code="e-204", severity="alarm", active=False),
    reported("telemetry/load", 3, value=1.5),
]


async def everything(store: Store) -> tuple[Sequence[AnyEvent], Sequence[LedgerRow]]:
    return await store.events(tuple(TABLE), "", 0, FOR_EVER), await store.rows("", 0, NOON + 20 * MINUTE)


@pytest.mark.slow
async def test_it_changes_nothing_where_its_kind_is_stored(store: Store) -> None:
    await replay(HISTORY, store)
    events, rows = await everything(store)
    now = NOON + 20 * MINUTE
    for kind, payload in SAMPLES.items():
        await replay([message(kind, payload, now, retained=True)] * 2, store)
        found = await everything(store)
        assert found[0] == events, kind
        assert found[1][: len(rows)] == rows, kind


@pytest.mark.parametrize("kind", SAMPLES)
async def test_check_says_whether_it_is_stored_where_nothing_is(kind: str, tmp_path: Path, corridor: Corridor) -> None:
    store = await SqliteStore.open(tmp_path / "corridor.db")
    await replay([message("status", "online", NOON)] if kind == "state" else [], store)
    before = len((await everything(store))[0])
    for minute in (1, 2):
        await replay([message(kind, SAMPLES[kind], NOON + minute * MINUTE, retained=True)], store)
    added = len((await everything(store))[0]) - before
    await store.close()
    _, out, _ = await asyncio.to_thread(corridor, "check", f"{MILL}/{kind}", SAMPLES[kind], "--retained")
    assert "no ts, and retained: it is the last known value, not that of now" in out
    assert ("it is stored where" in out, "it is not stored" in out) == (added == 1, added == 0)


async def test_the_first_count_that_has_an_age_is_the_base(store: Store) -> None:
    await replay(
        [
            message("count", '{"produced":5}', NOON, retained=True),
            message("count", '{"produced":800}', NOON + MINUTE),
            message("count", '{"produced":3}', NOON + 2 * MINUTE, retained=True),
            message("count", '{"produced":802}', NOON + 3 * MINUTE),
        ],
        store,
    )
    rows = await store.rows(MILL, 0, FOR_EVER)
    assert sum(row.sums.get("produced", 0) for row in rows) == 2_000_000_000


async def test_a_state_counts_where_the_machine_is_online_and_reported_another_last(store: Store) -> None:
    old = message("state", "down", NOON + 20 * MINUTE, retained=True)
    await replay([*HISTORY, old, msgspec.structs.replace(old, received_at=NOON + 30 * MINUTE)], store)
    states = await store.events(["state"], MILL, NOON + 10 * MINUTE, FOR_EVER)
    assert [(event.at, getattr(event, "state", "")) for event in states] == [(NOON + 20 * MINUTE, "down")]


@pytest.mark.slow
async def test_the_recording_of_an_old_retained_count_has_the_answer_worked_out_by_hand(store: Store) -> None:
    case = Case.read("old-retained-count")
    await replay(case.messages, store)
    case.check(await case.ask(store))


# ---- With real brokers, and services that restart ----


@asynccontextmanager
async def services(url: str, store: SqliteStore, *, persistent: bool, ahead_ns: int = 0) -> AsyncIterator[None]:
    """Run the services that store, until a message that is sent now is stored, and to the end of the context.

    With `ahead_ns`, at a time that is later by so much.
    """

    def now() -> int:
        return time.time_ns() + ahead_ns

    async with (
        Session(url, client_id="kpi", filters=kpi_filters(), persistent=persistent, now=now) as kpi,
        Session(url, client_id="ingest", filters=filters(), persistent=persistent) as others,
    ):
        tasks = [
            asyncio.create_task(serve_productivity(kpi, kpi, store, NO_PLANT, now)),
            asyncio.create_task(ingest(others, others, store)),
        ]
        try:
            await arrived(url, store)
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


async def arrived(url: str, store: SqliteStore) -> None:
    """Wait until all that the services have been sent so far is stored."""
    since = time.time_ns()
    stamp = json.dumps({"ts": since // MS, "value": 1, "state": "off"})
    async with Session(url, client_id="marker") as session, asyncio.timeout(20):
        await session.publish(
            *(Publication(f"{PREFIX}/{SAW}/{kind}", stamp.encode()) for kind in ("state", "telemetry/load"))
        )
        while True:
            found = await store.events(MARKERS, SAW, since // MS * MS, FOR_EVER)
            if {event.kind for event in found} == set(MARKERS):
                return
            await asyncio.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("persistent", [True, False])
@pytest.mark.parametrize("kind", BROKERS)
async def test_nothing_of_it_is_stored_when_services_and_broker_restart(
    kind: Kind, persistent: bool, tmp_path: Path
) -> None:
    store = await SqliteStore.open(tmp_path / "corridor.db")
    old = [Publication(f"{PREFIX}/{MILL}/{topic}", SAMPLES[topic].encode(), retain=True) for topic in SAMPLES]
    # With times of their own, so that one which the broker sends again changes nothing; after all that is retained.
    soon = time.time_ns() // MS + 5_000
    sent: list[tuple[str, dict[str, object]]] = [
        ("status", {"status": "online"}),
        ("state", {"state": "running"}),
        ("job", {"phase": "end", "order": "wo-old"}),
        ("count", {"produced": 812, "good": 812}),
        ("count", {"produced": 813, "good": 813}),
    ]
    newer = [
        Publication(f"{PREFIX}/{MILL}/{name}", json.dumps({"ts": soon + number, **payload}).encode())
        for number, (name, payload) in enumerate(sent)
    ]
    async with EmbeddedBroker(tmp_path / "broker", port=0, kind=kind) as broker:
        async with services(broker.url, store, persistent=persistent):
            async with Session(broker.url, client_id="device") as device:
                await device.publish(*old)
                await device.publish(*newer)
            await arrived(broker.url, store)
        before = await store.events(tuple(TABLE), MILL, 0, FOR_EVER)
        assert {event.kind for event in before} == {entry.kind for entry in stored()} - {"cmd", "reply"}
        async with services(broker.url, store, persistent=persistent):
            assert await store.events(tuple(TABLE), MILL, 0, FOR_EVER) == before
    async with (
        EmbeddedBroker(tmp_path / "broker", port=0, kind=kind) as broker,
        services(broker.url, store, persistent=persistent),
    ):
        assert await store.events(tuple(TABLE), MILL, 0, FOR_EVER) == before
    rows = await store.rows(MILL, 0, FOR_EVER)
    assert sum(row.sums.get("produced", 0) for row in rows) == 808_000_000_000
    await store.close()
