"""The InfluxDB engine: rejected lines, servers that go away, and what it stores."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from broker.contract.events import AnyEvent, Command, Count, Sample, StateChange
from services.ledger.fields import NANO
from services.store.influx.address import parse
from services.store.influx.ledger_reading import LedgerReading
from services.store.influx.ledger_rows import LEDGER
from services.store.influx.ledger_writing import FOREIGN_DIRTY_NS, LedgerWriting
from services.store.influx.names import SCHEMA_METADATA
from services.store.influx.store import InfluxStore
from services.store.interface import Batch, Bucket, LedgerRow, Machine, ReasonRow, StoreError
from services.store.opening import open_store
from tests.store.conftest import MILL, samples, stored
from tests.store.influx.influxd import Influxd

pytestmark = pytest.mark.influx

NOON = 1_764_158_400 * NANO
MINUTE = 60 * NANO
HOUR = 60 * MINUTE
FOR_EVER = 2**62


@pytest.fixture
async def store(influx_url: str) -> AsyncIterator[InfluxStore]:
    opened = await InfluxStore.open(parse(influx_url))
    yield opened
    await opened.close()


@pytest.fixture
def own_influxd(tmp_path: Path) -> Iterator[Influxd]:
    """Run a server that the test may kill."""
    server = Influxd(tmp_path / "influxd")
    yield server
    server.kill()


def row(minute: int, sums: dict[str, int], product: str = "-") -> LedgerRow:
    return LedgerRow(MILL, NOON + minute * MINUTE, product, "-", sums)


# ---- What the server rejects ----


async def test_a_line_that_the_server_rejects_is_returned_alone_and_the_rest_is_stored(store: InfluxStore) -> None:
    bad = Sample(asset=MILL, at=NOON + 77, signal="load", value=float("nan"))
    state = StateChange(asset=MILL, at=NOON, state="idle")
    await store.write(Batch(events=[*samples(200, first=NOON).events, bad, state]))
    # At its instant stands what was there before.
    assert await stored(store) == 200
    assert await store.events(["state"], MILL, 0, FOR_EVER) == [state]
    (rejected,) = await store.rejected(0, FOR_EVER)
    assert "unable to parse" in rejected.reason
    assert rejected.topic == "telemetry,area=machining,line=line-1,machine=mill-2,signal=load,site=sheffield"
    assert rejected.payload.endswith(f" value=null {NOON + 77}".encode())


async def test_a_field_of_another_type_is_rejected_and_the_rest_is_stored(store: InfluxStore, influxd: Influxd) -> None:
    await store.server.write(store.buckets.raw, [f'state,machine=x code="four" {NOON}'])
    state = StateChange(asset=MILL, at=NOON, state="idle")
    await store.write(Batch(events=[state, *samples(5).events]))
    assert await stored(store) == 5
    (rejected,) = await store.rejected(0, FOR_EVER)
    assert "field type conflict" in rejected.reason


async def test_a_row_of_the_ledger_is_never_left_out(store: InfluxStore) -> None:
    await store.server.write(store.buckets.minutes, [f'ledger,machine=x good="one" {NOON}'])
    with pytest.raises(StoreError, match=r"rejects a row of the ledger: .*field type conflict"):
        await store.write(Batch(rows=[row(0, {"good": NANO})]))


async def test_points_older_than_the_bucket_s_retention_are_dropped(store: InfluxStore, influxd: Influxd) -> None:
    influxd.query(f'ALTER RETENTION POLICY "autogen" ON "{store.buckets.raw}" DURATION 1d SHARD DURATION 1h')
    now = time.time_ns()
    young, old = (StateChange(asset=MILL, at=at, state="idle") for at in (now, now - 48 * HOUR))
    await store.write(Batch(events=[old, young]))
    assert await store.events(["state"], "", 0, FOR_EVER) == [young]
    assert await store.rejected(0, FOR_EVER) == []


# ---- Servers that are away, or not set up ----


async def test_a_missing_database_is_an_error_with_a_hint(influxd: Influxd, influx_url: str) -> None:
    store = await open_store(influx_url)
    influxd.drop_store(influx_url.rpartition("/")[2])
    for attempt in (store.write(samples(1)), store.write(Batch(rows=[row(0, {"good": 1})])), store.machines()):
        with pytest.raises(StoreError, match=r"has no 'test-.*set it up with: corridor store init"):
            await attempt
    await store.close()
    with pytest.raises(StoreError, match="corridor store init"):
        await open_store(influx_url)


async def test_a_server_that_is_away_is_reported_and_used_again(own_influxd: Influxd) -> None:
    store = await open_store(own_influxd.make_store("corridor"))
    await store.write(samples(1))
    own_influxd.kill()
    with pytest.raises(StoreError, match="cannot be reached"):
        await store.write(samples(2))
    with pytest.raises(StoreError, match="cannot be reached"):
        await store.events(["telemetry"], "", 0, FOR_EVER)
    own_influxd.start()
    await store.write(samples(3))
    assert await stored(store) == 3
    await store.close()


async def test_killed_in_mid_write_it_loses_nothing_that_was_acknowledged(own_influxd: Influxd) -> None:
    store = await open_store(own_influxd.make_store("corridor"))
    acknowledged: list[int] = []
    moved = asyncio.Event()

    async def write(batch: int) -> None:
        rows = [row(batch, {"good": batch + 1}), row(batch + 70, {"good": batch + 1})]
        await store.write(Batch(events=samples(50, first=50 * batch).events, rows=rows))
        acknowledged.append(batch)
        moved.set()

    for round_ in range(3):
        first = len(acknowledged)
        while len(acknowledged) < first + 5:
            await write(len(acknowledged))
        async with asyncio.TaskGroup() as group:
            for batch in range(first + 5, first + 15):
                group.create_task(_as_far_as_it_goes(write(batch)))
            while len(acknowledged) < first + 5 + round_:
                moved.clear()
                await moved.wait()
            own_influxd.kill()
        own_influxd.start()
        acknowledged.sort()
        assert acknowledged == list(range(len(acknowledged)))
        events = {event.at for event in await store.events(["telemetry"], "", 0, FOR_EVER)}
        assert events >= {at for batch in acknowledged for at in range(50 * batch, 50 * batch + 50)}
        for resolution in ("minute", "hour", "day"):
            (total,) = (await store.totals("", 0, FOR_EVER, resolution)).values()
            assert total["good"] >= 2 * sum(batch + 1 for batch in acknowledged)
    await store.close()


async def _as_far_as_it_goes(write: object) -> None:
    try:
        await write  # type: ignore[misc]
    except StoreError:
        return


async def test_an_error_within_an_answer_that_calls_itself_good_is_an_error(store: InfluxStore) -> None:
    with pytest.raises(StoreError, match="undefined function"):
        await store.server.query(store.buckets.raw, "SELECT no_such_function(value) FROM telemetry")
    with pytest.raises(StoreError, match="error parsing query"):
        await store.server.query(store.buckets.raw, "SELECT")


async def test_too_large_an_answer_is_an_error(influx_url: str) -> None:
    store = await InfluxStore.open(parse(influx_url), row_limit=10)
    await store.write(Batch(events=samples(11).events, rows=[row(minute, {"good": 1}) for minute in range(11)]))
    for attempt in (store.events(["telemetry"], "", 0, FOR_EVER), store.rows("", 0, FOR_EVER)):
        with pytest.raises(StoreError, match="more than 10 rows; ask for a shorter time"):
            await attempt
    assert len(await store.events(["telemetry"], "", 0, 10)) == 10
    await store.close()


async def test_too_long_a_query_ends_with_an_error(store: InfluxStore) -> None:
    hasty = InfluxStore(store.address, query_limit_s=1e-6)
    with pytest.raises(StoreError, match=r"took more than 1e-06 s; ask for a shorter time"):
        await hasty.events(["telemetry", "state"], "", 0, FOR_EVER)
    await hasty.close()


@pytest.mark.slow
async def test_an_answer_of_many_pieces_is_whole(store: InfluxStore) -> None:
    await store.write(samples(25_000))
    assert [event.at for event in await store.events(["telemetry"], "", 0, FOR_EVER)] == list(range(25_000))


async def test_a_store_of_a_newer_schema_is_rejected(store: InfluxStore, influx_url: str) -> None:
    await store.set_metadata(SCHEMA_METADATA, "2")
    with pytest.raises(StoreError, match="made by a newer version of Corridor"):
        await open_store(influx_url)


# ---- Two points that are one event ----


async def test_a_machine_that_is_real_where_it_was_simulated_has_one_event_an_instant(store: InfluxStore) -> None:
    def events(*, simulated: bool, value: float) -> list[AnyEvent]:
        return [Sample(asset=MILL, at=at, signal="load", value=value, simulated=simulated) for at in range(3)]

    await store.write(Batch(events=events(simulated=True, value=1.0)))
    await store.write(Batch(events=events(simulated=False, value=2.0)[1:]))
    expected = [*events(simulated=True, value=1.0)[:1], *events(simulated=False, value=2.0)[1:]]
    assert await store.events(["telemetry"], MILL, 0, FOR_EVER) == expected
    assert await store.events(["telemetry"], MILL, 0, FOR_EVER, limit=2) == expected[:2]
    assert await store.latest_before(["telemetry"], MILL, 2) == expected[1:2]
    assert await store.downsampled(MILL, "load", 0, 3, 1) == [Bucket(0, 1.0, 5 / 3, 2.0, 3)]


async def test_counts_of_both_variants_merge_whoever_came_first(store: InfluxStore) -> None:
    for count in (
        Count(asset=MILL, at=NOON, simulated=True, produced=5),
        Count(asset=MILL, at=NOON, simulated=False, good=3),
        Count(asset=MILL, at=NOON, simulated=True, scrap=2),
    ):
        await store.write(Batch(events=[count]))
    expected = [Count(asset=MILL, at=NOON, simulated=True, produced=5, good=3, scrap=2)]
    assert await store.events(["count"], MILL, 0, FOR_EVER) == expected
    assert await store.latest_before(["count"], MILL, FOR_EVER) == expected


async def test_a_signal_of_numbers_and_texts_is_downsampled_as_it_is(store: InfluxStore) -> None:
    for value in (1.0, "high", 3.0):
        await store.write(Batch(events=[Sample(asset=MILL, at=5, signal="load", value=value)]))
    await store.write(Batch(events=[Sample(asset=MILL, at=6, signal="load", value="low")]))
    assert await store.downsampled(MILL, "load", 0, 10, 1) == [Bucket(0, 3.0, 3.0, 3.0, 2, "low")]


async def test_two_services_know_the_same_machine(influx_url: str) -> None:
    ingest, kpi = await open_store(influx_url), await open_store(influx_url)
    await ingest.write(samples(5, first=NOON))
    await kpi.write(Batch(events=[StateChange(asset=MILL, at=NOON - 9, state="idle")]))
    await ingest.write(samples(5, first=NOON + 5))
    await kpi.write(Batch(events=[StateChange(asset=MILL, at=NOON + 2, state="down")]))
    assert await ingest.machines() == await kpi.machines() == [Machine(MILL, NOON - 9, NOON + 9, simulated=False)]
    await ingest.close()
    await kpi.close()


# ---- The ledger ----


async def test_whoever_dies_between_minute_and_hour_leaves_answers_exact(store: InfluxStore, influx_url: str) -> None:
    await store.write(Batch(rows=[row(minute, {"running_s": MINUTE}) for minute in range(130)]))
    dead = LedgerWriting(store.server, store.buckets)  # and none of its marks is ever cleared
    await dead.write([row(5, {"down_s": MINUTE}), row(6, {})], [ReasonRow(MILL, NOON, "down", "jam", 5, 1)], 1)
    other = await InfluxStore.open(parse(influx_url))
    expected = {(MILL, "-", "-"): {"running_s": 128 * MINUTE, "down_s": MINUTE}}
    for resolution in ("minute", "hour", "day"):
        assert await other.totals("", 0, FOR_EVER, resolution) == expected
    await other.apply_retention(events_before=0, minutes_before=0)
    reading = LedgerReading(store.server, store.buckets, 1_000)
    stored_hours = await reading.stored(LEDGER, "", NOON, NOON + HOUR, "hour")
    assert [found.sums for found in stored_hours] == [{"running_s": 58 * MINUTE, "down_s": MINUTE}]
    assert (await other.reasons("", NOON, NOON + HOUR))[0].seconds == 5
    await other.close()


async def test_marks_are_cleared_and_a_mark_of_another_writer_only_when_it_is_old(store: InfluxStore) -> None:
    now = time.time_ns()
    one, other = (LedgerWriting(store.server, store.buckets) for _ in range(2))
    reading = LedgerReading(store.server, store.buckets, 1_000)
    await one.write([row(0, {"good": 1})], [], now)
    await other.refresh_all_rollups(now + FOREIGN_DIRTY_NS // 2)
    assert await reading.marked("", 0, FOR_EVER, "hour") == {(MILL, NOON): now / NANO}
    await other.refresh_all_rollups(now + FOREIGN_DIRTY_NS + NANO)
    for resolution in ("hour", "day"):
        assert await reading.marked("", 0, FOR_EVER, resolution) == {}
        assert len(await reading.stored(LEDGER, "", 0, FOR_EVER, resolution)) == 1
    await one.write([row(1, {"good": 1})], [], now + FOREIGN_DIRTY_NS + NANO)
    assert set(await reading.marked("", 0, FOR_EVER, "day")) == {(MILL, NOON // (24 * HOUR) * 24 * HOUR)}


async def test_hours_stay_when_their_minutes_have_expired(store: InfluxStore, influxd: Influxd) -> None:
    await store.write(Batch(rows=[row(minute, {"good": NANO}) for minute in range(90)]))
    await store.apply_retention(events_before=0, minutes_before=0)
    influxd.query(f"DELETE FROM ledger WHERE time < {NOON + HOUR}", store.buckets.minutes)
    await LedgerWriting(store.server, store.buckets)._mark_dirty({(MILL, NOON)}, 1)
    await store.apply_retention(events_before=0, minutes_before=0)
    expected = {(MILL, "-", "-"): {"good": 90 * NANO}}
    assert await store.totals("", NOON, NOON + 2 * HOUR, "hour") == expected
    assert await store.totals("", 0, FOR_EVER, "day") == expected


async def test_closing_leaves_hours_and_days_for_dashboards(influx_url: str, influxd: Influxd) -> None:
    store = await open_store(influx_url)
    rows = [row(minute, {"running_s": MINUTE, "good": NANO // 2}) for minute in range(61)]
    await store.write(Batch(rows=rows, reasons=[ReasonRow(MILL, NOON, "down", "", MINUTE, NANO)]))
    await store.close()
    database = f"{influx_url.rpartition('/')[2]}_hour"
    (hours,) = influxd.query('SELECT running_s, good, machine FROM "ledger"', database)
    assert hours["values"] == [[NOON, 3_600, 30, "mill-2"], [NOON + HOUR, 60, 0.5, "mill-2"]]
    (days,) = influxd.query('SELECT running_s, good FROM "ledger_day"', database)
    assert days["values"] == [[NOON // (24 * HOUR) * 24 * HOUR, 3_660, 30.5]]
    (reasons,) = influxd.query('SELECT seconds, entries, state, reason FROM "ledger_reason"', database)
    assert reasons["values"] == [[NOON, 60, 1, "down", None]]


# ---- What stands on disk is a contract ----


async def test_measurements_tags_and_fields_are_as_documented(store: InfluxStore, influxd: Influxd) -> None:
    await store.write(
        Batch(
            events=[
                Sample(asset=MILL, at=NOON, signal="load", value=0.5, unit="%"),
                StateChange(asset=MILL, at=NOON, state="down", reason="jam", simulated=True),
                Command(asset=MILL, at=NOON, name="start", id="1"),
            ],
            rows=[row(0, {"good": NANO})],
        )
    )
    raw = store.buckets.raw
    (found,) = influxd.query("SELECT * FROM state", raw)
    assert dict(zip(found["columns"], found["values"][0], strict=True)) == {
        "time": NOON,
        "site": "sheffield",
        "area": "machining",
        "line": "line-1",
        "machine": "mill-2",
        "simulated": "true",
        "state": "down",
        "code": 5,
        "reason": "jam",
    }
    (found,) = influxd.query("SELECT value, signal, simulated FROM telemetry", raw)
    assert found["values"] == [[NOON, 0.5, "load", None]]
    (found,) = influxd.query("SELECT unit, kind, signal FROM signal", raw)
    assert found["values"][0][1:] == ["%", "number", "load"]
    (found,) = influxd.query('SELECT good, "rows", product, shift FROM ledger', store.buckets.minutes)
    assert found["values"] == [[NOON, 1, 1, "-", "-"]]
    types = {
        kind
        for database in store.buckets
        for one in influxd.query("SHOW FIELD KEYS", database)
        for _, kind in one["values"]
    }
    assert types == {"float", "string"}


async def test_a_rejected_line_is_stored_as_it_was(store: InfluxStore, influxd: Influxd) -> None:
    await store.write(Batch(events=[Sample(asset=MILL, at=1, signal="x", value=float("inf"))]))
    (found,) = influxd.query("SELECT payload FROM rejected", store.buckets.raw)
    assert base64.b64decode(found["values"][0][1]).startswith(b"telemetry,")


@pytest.mark.parametrize("gone", ["", "_ledger", "_hour"])
async def test_dropped_databases_are_reported_and_used_again_once_recreated(
    store: InfluxStore, influxd: Influxd, gone: str
) -> None:
    batch = Batch(events=samples(5).events, rows=[row(0, {"good": 1})])
    await store.write(batch)
    name = store.address.database
    influxd.query(f'DROP DATABASE "{name}{gone}"')
    for _ in range(2):
        with pytest.raises(StoreError, match=r"has no .* \(database not found.*corridor store init"):
            await store.check()
    if gone != "_hour":
        with pytest.raises(StoreError, match="database not found"):
            await store.write(Batch(events=samples(5).events, rows=[row(1, {"good": 1})]))
    influxd.make_store(name)
    await store.write(batch)
    assert await stored(store) == 5
    assert await store.rows(MILL, 0, FOR_EVER) != []
    await store.check()


async def test_a_dropped_retention_policy_is_reported_and_used_again_once_recreated(
    store: InfluxStore, influxd: Influxd
) -> None:
    name = store.address.database
    await store.write(samples(5))
    influxd.query(f'DROP RETENTION POLICY "autogen" ON "{name}"')
    with pytest.raises(StoreError, match="retention policy not found"):
        await store.write(samples(5))
    influxd.query(f'CREATE RETENTION POLICY "autogen" ON "{name}" DURATION INF REPLICATION 1 DEFAULT')
    await store.write(samples(5))
    assert await stored(store) == 5
