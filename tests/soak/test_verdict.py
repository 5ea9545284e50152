"""The verdict finds what was lost, doubled or changed, and a ledger that is not what its events make."""

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import get_args

import pytest

from broker.contract.events import NS_PER_S
from broker.contract.topics import Kind
from broker.plant.plant import NO_PLANT
from cli.soak.devices import Device
from cli.soak.outcome import Outcome, Settings
from cli.soak.report import summary
from cli.soak.verdict import Verdict, check, is_stored
from services.kpi.ledger_writer import LedgerWriter
from services.store.sqlite.store import SqliteStore

CYCLE = 40


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "corridor.db")
    yield opened
    await opened.close()


@pytest.fixture
async def devices(store: SqliteStore) -> list[Device]:
    """Two devices that have sent every kind of message, all of which is acknowledged and stored."""
    found = [Device(0), Device(1)]
    writer = LedgerWriter(store, NO_PLANT, lambda: time.time_ns() + 3 * 60 * NS_PER_S)
    for device in found:
        for n in range(CYCLE):
            device.clock_off_ns = (n - CYCLE) * NS_PER_S
            device.next()
            device.acknowledged[n] = 1
        await writer.store_events([event for n in range(CYCLE) for event in device.events(n)])
    return found


async def verdict_on(store: SqliteStore, devices: list[Device], folder: Path) -> Verdict:
    return await check(store, devices, folder)


def change(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "corridor.db")) as connection, connection:
        for statement in statements:
            assert connection.execute(statement).rowcount > 0


async def test_every_kind_of_the_contract_is_sent_and_all_is_stored(
    store: SqliteStore, devices: list[Device], tmp_path: Path
) -> None:
    kinds = {event.kind for device in devices for n in range(CYCLE) for event in device.events(n)}
    assert kinds == set(get_args(Kind)) - {"kpi"}
    verdict = await verdict_on(store, devices, tmp_path)
    assert verdict.is_good, verdict.shown
    assert verdict.acknowledged == verdict.sent == 2 * CYCLE
    assert verdict.rows > 0
    assert await is_stored(store, devices)


async def test_what_was_not_acknowledged_may_be_stored_or_not(
    store: SqliteStore, devices: list[Device], tmp_path: Path
) -> None:
    devices[0].next()
    assert (await verdict_on(store, devices, tmp_path)).is_good
    assert await is_stored(store, devices)


async def test_an_acknowledged_message_that_is_not_stored_is_lost(
    store: SqliteStore, devices: list[Device], tmp_path: Path
) -> None:
    devices[1].next()
    devices[1].acknowledged[-1] = 1
    assert not await is_stored(store, devices)
    change(tmp_path, "DELETE FROM quality")
    verdict = await verdict_on(store, devices, tmp_path)
    assert not verdict.is_good
    assert verdict.lost == 1 + 2 * 2


async def test_what_waits_behind_all_that_is_stored_is_not_drained_rather_than_lost(
    store: SqliteStore, devices: list[Device], tmp_path: Path
) -> None:
    for _ in range(CYCLE):
        devices[1].next()
        devices[1].acknowledged[-1] = 1
    verdict = await check(store, devices, tmp_path, drained=False)
    assert (verdict.lost, verdict.undrained) == (0, CYCLE)
    settings = Settings(1.0, 1.0, 2, "mosquitto", "sqlite", 1, tmp_path)
    reported = summary(Outcome(settings, verdict=verdict))
    assert reported.startswith("NOT DRAINED: 120 messages acknowledged, 0 lost")
    assert "40 not stored yet: this computer is too slow" in reported
    # One that lies before what its service has stored is lost all the same.
    change(tmp_path, "DELETE FROM meter")
    verdict = await check(store, devices, tmp_path, drained=False)
    assert (verdict.lost, verdict.undrained) == (4, CYCLE)
    assert summary(Outcome(settings, verdict=verdict)).startswith("NOT GOOD: ")
    verdict = await check(store, devices, tmp_path)
    assert (verdict.lost, verdict.undrained) == (4 + CYCLE, 0)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE meter SET total = total + 1", "changed"),
        ("UPDATE telemetry SET time = time + 1 WHERE value = 5", "strange"),
        ("UPDATE ledger_minute SET good = good + 1 WHERE good > 0", "differing"),
        ("DELETE FROM ledger_reason_minute WHERE reason = 'reason-4'", "differing"),
    ],
)
async def test_what_is_stored_otherwise_than_sent_is_found(
    store: SqliteStore, devices: list[Device], tmp_path: Path, statement: str, found: str
) -> None:
    change(tmp_path, statement)
    verdict = await verdict_on(store, devices, tmp_path)
    assert not verdict.is_good
    assert getattr(verdict, found) > 0
    assert verdict.shown
