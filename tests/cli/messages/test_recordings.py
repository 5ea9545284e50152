"""Recordings: what a broker sends is recorded, and replayed in order and at its pace, or into a store."""

import asyncio
import gzip
import signal
import zlib
from pathlib import Path
from typing import Any

import pytest

from broker.contract.events import NS_PER_S
from broker.contract.instants import FOR_EVER
from broker.contract.kinds import TABLE
from broker.contract.message import Message
from broker.contract.recordings import recording
from broker.contract.topics import KINDS
from broker.mqtt.session import Publication
from cli.messages import recordings
from services.store.opening import open_store
from tests.cli.messages.processes import Corridor, Start, client, finished
from tests.cli.messages.sent import MILL, NOBODY, NOW, sent, write


def lines_in(file: Path) -> int:
    data = file.read_bytes()
    return (zlib.decompressobj(wbits=31).decompress(data) if file.suffix == ".gz" else data).count(b"\n")


@pytest.mark.slow
@pytest.mark.mosquitto
@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
async def test_a_recording_of_a_broker_is_what_came(broker: str, start: Start, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    async with client(broker) as other:
        await other.publish(f"corridor/v1/{MILL}/state", "running", qos=1, retain=True)
        record = await start("record", str(file), "--broker", broker)
        assert record.stderr is not None
        assert b"recording corridor/v1/#" in await record.stderr.readline()
        await other.publish(f"corridor/v1/{MILL}/telemetry/x", b"\xff", qos=1)
        await other.publish("elsewhere", b"1", qos=1)
        await other.publish(f"corridor/v1/{MILL}/telemetry/x", b"2", qos=0)
        while lines_in(file) < 3:  # noqa: ASYNC110  (a file does not announce that it grew)
            await asyncio.sleep(0.01)
    record.send_signal(signal.SIGINT)
    code, _, err = await finished(record)
    assert (code, err.startswith("3 messages in "), file.name in err) == (0, True, True)
    with recording.Recording(file) as read:
        messages = list(read)
    assert [(m.topic.rpartition("/")[2], m.payload, m.qos, m.retained) for m in messages] == [
        ("state", b"running", 1, True),
        ("x", b"\xff", 1, False),
        ("x", b"2", 0, False),
    ]


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_an_existing_recording_is_left_as_it_is(broker: str, start: Start, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [sent("state", "off")])
    before = file.read_bytes()
    code, out, err = await finished(await start("record", str(file), "--broker", broker))
    assert (code, out, err) == (1, "", f"corridor: {file} exists; choose another name, or remove it\n")
    assert file.read_bytes() == before


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_a_replay_to_a_broker_is_in_order_of_time(broker: str, start: Start, tmp_path: Path) -> None:
    shuffled = [
        sent("telemetry/x", "3", 400, qos=0),
        sent("state", "running", 0),
        sent("kpi/shift", "{}", 100),
        Message("corridor/v1/$rejected", b"{}", received_at=NOW),
        sent("telemetry/x", "2", 200, retained=True),
    ]
    file = write(tmp_path / "a.jsonl", shuffled)
    async with client(broker) as other:
        await other.subscribe("#", qos=1)
        code, out, err = await finished(await start("replay", str(file), "--broker", broker, "--speed", "2"))
        came = [await anext(other.messages) for _ in range(3)]
    assert [(str(m.topic).rpartition("/")[2], m.payload, m.qos) for m in came] == [
        ("state", b"running", 1),
        ("x", b"2", 1),
        ("x", b"3", 0),
    ]
    assert (code, out) == (0, "")
    assert err.splitlines()[0] == "left out 2 messages of Corridor's own"
    assert err.splitlines()[1].startswith("3 messages in ")
    async with client(broker) as late:  # what was retained, or is so by contract, is there for whoever comes later
        await late.subscribe("#", qos=1)
        stored = {str(m.topic): m.payload for m in [await anext(late.messages) for _ in range(2)]}
    assert stored == {f"corridor/v1/{MILL}/state": b"running", f"corridor/v1/{MILL}/telemetry/x": b"2"}


class Skip(asyncio.SelectorEventLoop):
    """An event loop whose time goes on only when everybody waits for it."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__()
        select = self._selector.select  # type: ignore[attr-defined]

        def skip(timeout: float | None = None) -> Any:
            self.now += timeout or 0.0
            return select(0)

        self._selector.select = skip  # type: ignore[attr-defined]

    def time(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("speed", "at_s"), [(1.0, [0.0, 60.0, 3600.0]), (60.0, [0.0, 1.0, 60.0]), (0.0, [0.0, 0.0, 0.0])]
)
def test_a_replay_to_a_broker_keeps_the_pace(speed: float, at_s: list[float]) -> None:
    loop = Skip()
    published: list[tuple[float, bytes]] = []

    class Listener:
        async def publish(self, *publications: Publication) -> None:
            published.extend((round(loop.time(), 3), publication.payload) for publication in publications)

    messages = [sent("telemetry/x", str(number), at * 1000) for number, at in enumerate([0.0, 60.0, 3600.0])]
    tally = recordings.Tally()
    listener: Any = Listener()
    loop.run_until_complete(recordings.play(messages, listener, speed, tally))
    loop.close()
    assert published == list(zip(at_s, [b"0", b"1", b"2"], strict=True))
    assert tally.messages == 3


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_a_replay_as_fast_as_it_goes(broker: str, start: Start, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [sent("telemetry/x", str(n), n * 60_000) for n in range(1200)])
    async with client(broker) as other:
        await other.subscribe("#", qos=1)
        code, _, err = await finished(await start("replay", str(file), "--broker", broker, "--speed", "0"))
        assert (code, err.startswith("1200 messages in ")) == (0, True)
        assert [int((await anext(other.messages)).payload) for _ in range(1200)] == list(range(1200))


def test_a_broken_recording_is_reported_before_anything_is_played(corridor: Corridor, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(recording.to_line(sent("state", "off")) + b"{}\n")
    status, _, err = corridor("replay", str(file), "--broker", NOBODY)
    assert status == 1
    assert err.startswith(f"corridor: {file}:2: ")
    write(file, [Message("a/#", b"1")])
    status, _, err = corridor("replay", str(file), "--broker", NOBODY)
    assert (status, "message 1" in err, "wildcard" in err) == (1, True, True)


def test_replay_needs_to_know_where_to(corridor: Corridor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = str(write(tmp_path / "a.jsonl", []))
    assert corridor("replay", file)[0] == 2
    status, _, err = corridor("replay", file, "--store", f"sqlite:///{tmp_path}/a.db", "--broker", NOBODY)
    assert (status, "either --broker URL or --store URL" in err) == (2, True)
    monkeypatch.setenv("CORRIDOR_BROKER", NOBODY)
    assert corridor("replay", file, "--store", f"sqlite:///{tmp_path}/a.db")[0] == 0


def test_a_missing_recording_is_one_clear_line(corridor: Corridor, tmp_path: Path) -> None:
    status, _, err = corridor("replay", str(tmp_path / "none.jsonl"), "--store", f"sqlite:///{tmp_path}/a.db")
    assert (status, err) == (1, f"corridor: {tmp_path}/none.jsonl: No such file or directory\n")


SHIFT = [
    sent("job", TABLE["job"].examples["job"]),
    sent("state", "running", 0),
    sent("count", '{"produced":0,"good":0}', 0),
    sent("telemetry/temp", "21.5", 30_000),
    sent("telemetry/temp", "21,5", 31_000),
    sent("state", "Running", 32_000),
    sent("state", "Stopped", 33_000),
    sent("count", '{"produced":10,"good":9}', 599_000),
    sent("state", '{"state":"down","reason":"spindle"}', 600_000),
    sent("state", "running", 900_000),
    sent("kpi/shift", TABLE["kpi"].examples["kpi/shift"], 900_000),
    sent("state", "off", 1_800_000),
    sent("status", "online", 3_600_000),
]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_replay_into_a_store_keeps_events_ledger_and_rejections(
    corridor: Corridor, tmp_path: Path, packed: bool, backwards: bool
) -> None:
    file = write(tmp_path / "a.jsonl", SHIFT[::-1] if backwards else SHIFT)
    if packed:
        file.write_bytes(gzip.compress(file.read_bytes()))
    url = f"sqlite:///{tmp_path}/a.db"
    for _ in range(2):  # playing it again changes nothing
        status, out, err = corridor("replay", str(file), "--store", url)
        assert (status, out) == (0, "")
        assert any(line.startswith("rejected 1 ×: '21,5' has a decimal comma; ") for line in err.splitlines())
        assert err.splitlines()[-1].startswith("13 messages, 9 events, 3 rejected in ")
        assert asyncio.run(stored(url)) == (
            9,
            3,
            {"running_s": 1500, "down_s": 300, "off_s": 1800, "produced": 10, "good": 9, "failures": 1},
        )


async def stored(url: str) -> tuple[int, int, dict[str, float]]:
    """Return how many events and rejections a store holds, and some sums of the hour."""
    store = await open_store(url)
    events = await store.events(sorted(KINDS), "", 0, FOR_EVER)  # type: ignore[arg-type]  # they are kinds
    rejected = await store.rejected(0, FOR_EVER)
    totals = await store.totals("", NOW, NOW + 3_600 * NS_PER_S)
    await store.close()
    shown = ("running_s", "down_s", "off_s", "produced", "good", "failures")
    sums = {field: sum(found.get(field, 0) for found in totals.values()) / NS_PER_S for field in shown}
    return len(events), len(rejected), sums


def test_what_comes_before_a_broken_line_is_stored(corridor: Corridor, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", SHIFT)
    file.write_bytes(file.read_bytes() + b'{"at":17')
    status, _, err = corridor("replay", str(file), "--store", f"sqlite:///{tmp_path}/a.db")
    assert (status, "the last line is cut off" in err) == (1, True)
    assert asyncio.run(stored(f"sqlite:///{tmp_path}/a.db"))[:2] == (9, 3)
