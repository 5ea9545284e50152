"""A device that invents names without end: what goes beyond the limits is rejected, and everything else goes on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent, Command, Notice, Sample
from broker.contract.instants import parse as instant
from broker.contract.message import Message
from broker.contract.topics import PREFIX
from broker.plant.plant import NO_PLANT
from services.ingest.service import ingest
from services.intake.limits import MOST_SERIES, Limits
from services.kpi.ledger_writer import LedgerWriter
from services.store import retiring
from services.store.interface import Batch
from services.store.sqlite.store import SqliteStore
from tests.ingest.test_other_sources import FOR_EVER, CountingStore, Log, LogBatch, Published

LINE = "sheffield/machining/line-1"
MILL = f"{LINE}/mill-1"
NOW = instant("2026-11-02T08:00:00Z")


class AtOnce(Log):
    """A log that yields all its messages together."""

    async def batches(self) -> AsyncIterator[LogBatch]:
        yield LogBatch(self, len(self.messages))


def message(topic: str, payload: bytes, machine: str = "mill-1") -> Message:
    return Message(topic=f"{PREFIX}/{LINE}/{machine}/{topic}", payload=payload, received_at=NOW)


def sample(signal: str, machine: str = "mill-1") -> AnyEvent:
    return Sample(asset=f"{LINE}/{machine}", at=0, signal=signal, value=1)


def test_what_was_named_goes_on_and_a_message_beyond_a_limit_counts_nothing() -> None:
    limits = Limits(machines=2, series=3, in_all=4)
    for signal in ("load", "speed", "load"):
        limits.admit([sample(signal)])
    with pytest.raises(ContractError, match="3 signals already"):
        limits.admit([sample("a"), sample("b")])
    limits.admit([sample("a")])
    limits.admit([sample("load", "mill-2")])
    with pytest.raises(ContractError, match="2 machines already"):
        limits.admit([sample("load", "mill-3")])
    with pytest.raises(ContractError, match="4 signals in all"):
        limits.admit([sample("speed", "mill-2")])
    assert limits.admit([sample("load"), sample("a"), sample("load", "mill-2")])


def test_ids_of_commands_are_no_series_and_of_them_so_many_are_stored_in_an_hour() -> None:
    limits = Limits(series=1, calls=3)

    def call(number: int, at: int) -> None:
        limits.admit([Command(asset=f"{LINE}/mill-1", at=at, name="start", id=f"{number}")])

    hour = 3_600 * 10**9
    for number in range(3):
        call(number, NOW)
    limits.admit([sample("load")])
    with pytest.raises(ContractError, match="1 signals already"):
        limits.admit([sample("speed")])
    for at in (NOW, NOW - hour):
        with pytest.raises(ContractError, match="3 commands, replies and bookings in an hour already"):
            call(3, at)
    call(3, NOW + hour)


def test_codes_of_events_are_series() -> None:
    limits = Limits(series=2)
    for code in ("e-1", "e-2", "e-1"):
        limits.admit([Notice(asset=MILL, at=NOW, code=code)])
    with pytest.raises(ContractError, match="2 signals already"):
        limits.admit([Notice(asset=MILL, at=NOW, code="e-3")])


async def test_of_one_machine_so_many_signals_are_stored_and_the_others_rejected_with_a_hint(tmp_path: Path) -> None:
    store = await CountingStore.open(tmp_path / "corridor.db")
    log = AtOnce(
        store,
        *(message(f"telemetry/signal-{number}", b"1") for number in range(MOST_SERIES + 2)),
    )
    await ingest(log, Published(), store)
    # A service that starts again counts what is stored.
    again = AtOnce(store, message("telemetry/signal-0", b"2"), message(f"telemetry/signal-{MOST_SERIES + 2}", b"1"))
    await ingest(again, Published(), store)
    reason = "the machine has 2,000 signals already; name signals and event codes for what they are"
    signals = {signal.signal for signal in await store.signals("")}
    rejected = await store.rejected(0, FOR_EVER)
    newest = await store.latest_before(["telemetry"], MILL, FOR_EVER)
    await store.close()
    assert signals == {f"signal-{number}" for number in range(MOST_SERIES)}
    assert [one.reason.partition(":")[0] for one in rejected] == [reason] * 3
    assert any(isinstance(event, Sample) and event.signal == "signal-0" and event.value == 2 for event in newest)


async def test_machines_of_the_store_count_but_not_retired_ones(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "corridor.db")
    await store.write(Batch(events=[sample("load", f"mill-{number}") for number in range(3)]))
    await retiring.retire(store, [each for each in await store.machines() if each.asset == f"{LINE}/mill-2"], NOW)
    limits = Limits(machines=3)
    limits.count(await Limits.stored(store))
    await store.close()
    limits.admit([sample("load", "mill-3")])
    with pytest.raises(ContractError, match="3 machines already"):
        limits.admit([sample("load", "mill-4")])


async def test_machines_beyond_the_limit_have_no_ledger_and_the_others_go_on(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "corridor.db")
    writer = LedgerWriter(store, NO_PLANT, lambda: NOW, limits=Limits(machines=2))
    rejected = await writer.persist([message("state", b'"running"', f"mill-{number}") for number in range(4)])
    rejected += await writer.persist([message("state", b'"idle"', "mill-1")])
    known = [machine.asset for machine in await store.machines()]
    await store.close()
    assert [one.topic.rpartition("/line-1/")[2] for one in rejected] == ["mill-2/state", "mill-3/state"]
    assert known == [f"{LINE}/mill-0", f"{LINE}/mill-1"] == sorted(writer.counted())
