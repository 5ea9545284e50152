"""Lines as the description of the adapter protocol has them: a replay of a file and a gateway read them alike."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
import pytest

from broker.contract.events import NS_PER_S, AnyEvent, Kind, Notice, Sample, StateChange
from broker.contract.instants import FOR_EVER
from broker.contract.instants import parse as instant
from broker.contract.message import Message, Publication
from broker.plant.plant import NO_PLANT
from cli.messages.adapter_lines import AdapterLines
from cli.messages.recordings import Tally, store_messages
from edge.dialects import DIALECTS
from edge.dialects.dialect import Setup
from edge.gateways.gateway import Gateway
from services.query.answers import answer
from services.store.interface import Store
from services.store.sqlite.store import SqliteStore
from tests.readings.cases import RECORDINGS

LINES = RECORDINGS / "shdr-lines-of-the-wiki"
FILES = sorted(LINES.glob("*.txt"))
MILL = "fab/shop/line-1/mill-1"
BEGAN = instant("2026-11-24T06:00:00Z")
ENDED = BEGAN + 3_600 * NS_PER_S
KINDS: list[Kind] = ["state", "status", "count", "telemetry", "event"]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """SQLite alone: what is read does not depend on the engine."""
    opened = await SqliteStore.open(tmp_path / "corridor.db")
    yield opened
    await opened.close()


async def stored(store: Store) -> list[AnyEvent]:
    """Return what is stored, whenever it was received."""
    events = [msgspec.structs.replace(event, received_ms=0) for event in await store.events(KINDS, "", 0, FOR_EVER)]
    return sorted(events, key=lambda event: (event.at, event.kind, event.series))


async def replayed(file: Path, store: Store) -> Tally:
    tally = Tally()
    with AdapterLines(file, MILL) as lines:
        await store_messages(lines, store, NO_PLANT, tally, read_message=lines.read_message)
    return tally


class OneBatch:
    """A source of all lines of a file, in messages of so many lines."""

    def __init__(self, file: Path, at_once: int) -> None:
        lines = file.read_bytes().splitlines()
        parts = [lines[first : first + at_once] for first in range(0, len(lines), at_once)]
        self.messages: Sequence[Message] = [Message("shdr/x", b"\n".join(part), received_at=ENDED) for part in parts]
        self.disconnects = 0

    def release(self) -> None:
        """Do nothing: there is no more to read."""

    def acknowledge(self) -> None:
        """Do nothing: the test is over then."""

    async def batches(self) -> AsyncIterator["OneBatch"]:
        yield self


class Target:
    """Takes what is published."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def publish(self, *publications: Publication) -> None:
        self.messages += [Message(one.topic, one.payload, received_at=ENDED) for one in publications]


async def by_gateway(file: Path, store: Store, at_once: int) -> Tally:
    """Translate the lines by a gateway, and store what it publishes as a replay of it does."""
    target, tally = Target(), Tally()
    await Gateway(OneBatch(file, at_once), DIALECTS["shdr"].make(Setup(asset=MILL)), target, answering=target).run()
    await store_messages(target.messages, store, NO_PLANT, tally)
    return tally


WAYS = [replayed, partial(by_gateway, at_once=1), partial(by_gateway, at_once=100)]


@pytest.mark.parametrize("way", WAYS, ids=["replay", "gateway, line by line", "gateway, all at once"])
@pytest.mark.parametrize(
    ("name", "running_s", "produced"),
    [("no-zone", 1800, 1), ("device-prefix", 1800, 1), ("part-count-reset", 3600, 3), ("message-and-series", 3600, 0)],
)
async def test_states_and_pieces_are_those_of_the_lines(
    way: partial[object], name: str, running_s: float, produced: float, store: Store
) -> None:
    tally = await way(LINES / f"{name}.txt", store)  # type: ignore[misc]
    assert not tally.rejected
    found = await answer(store, NO_PLANT, MILL, BEGAN, ENDED, now=ENDED)
    assert (found.ledger["running_s"], found.ledger.get("produced", 0)) == (running_s, produced)


async def test_a_message_is_a_notice_and_a_series_as_many_samples(store: Store) -> None:
    await replayed(LINES / "message-and-series.txt", store)
    events = await stored(store)
    assert [event.code for event in events if isinstance(event, Notice)] == ["CHG_INSRT"]
    assert [event.value for event in events if isinstance(event, Sample) and event.signal == "current"] == [
        *(1.5, 2.5, 3.5, 4.5),
        *(1.5, 2.5, 3.5, 4.5),
    ]


ODD = """\
2026-11-24T06:00:00|avail|AVAILABLE|execution|ACTIVE
* device: mill-1
2026-11-24T06:00:01|@ASSET@|K1|CuttingTool|--multiline--AB
<CuttingTool>
</CuttingTool>
--multiline--AB
2026-11-24T06:00:02|vars|v1=10 v2=20
2026-11-24T06:00:03|mill-2:load|3|mill-1:load|4
2026-11-24T06:00:04|htemp|FAULT|HTEMP-1-HIGH|HTEMP|1|HIGH|Oil Temperature High
2026-11-24T06:00:05|execution|STOPPED
"""


@pytest.mark.parametrize("way", WAYS[1:], ids=["line by line", "all at once"])
@pytest.mark.parametrize("file", [*FILES, None], ids=lambda file: file.stem if file else "odd")
async def test_a_gateway_and_a_replay_store_the_same(way: partial[object], file: Path | None, tmp_path: Path) -> None:
    lines = file or tmp_path / "odd.txt"
    if file is None:
        lines.write_text(ODD)
    found = []
    for number, each in enumerate((replayed, way)):
        store = await SqliteStore.open(tmp_path / f"{number}.db")
        await each(lines, store)  # type: ignore[operator]
        found.append(await stored(store))
        await store.close()
    assert found[0] == found[1]
    assert any(isinstance(event, StateChange) for event in found[0])


async def test_an_asset_is_rejected_with_the_reason_and_the_lines_around_it_are_read(
    store: Store, tmp_path: Path
) -> None:
    (tmp_path / "odd.txt").write_text(ODD)
    tally = await replayed(tmp_path / "odd.txt", store)
    states = [event.state for event in await stored(store) if isinstance(event, StateChange)]
    assert [reason.partition(";")[0] for reason in tally.rejected.elements()] == ["ASSET of 'K1' is not read"]
    assert states == ["running", "down"]
