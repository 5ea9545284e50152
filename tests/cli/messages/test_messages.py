import asyncio
import gzip
import json
import re
import shutil
import signal
import sys
import zlib
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiomqtt
import pytest

from broker.contract.events import NS_PER_MS, NS_PER_S
from broker.contract.instants import FOR_EVER
from broker.contract.kinds import TABLE
from broker.contract.message import Message
from broker.contract.recordings import recording
from broker.contract.topics import KINDS
from broker.mqtt.session import Publication
from broker.server.embedded import EmbeddedBroker
from cli.messages import recordings
from services.store.opening import open_store

NOW = 1_795_507_200 * NS_PER_S
MILL = "sheffield/machining/line-1/mill-1"
ROOT = Path(__file__).resolve().parents[3]
NOBODY = "mqtt://127.0.0.1:9"  # the port of `discard`: nobody listens there

Corridor = Callable[..., tuple[int, str, str]]
Start = Callable[..., Awaitable[Process]]


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a real broker."""
    async with EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as running:
        yield running.url


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Start `corridor ARGUMENTS…` as a process of its own; what still runs is ended after the test."""
    async with AsyncExitStack() as stack:

        async def run(*arguments: str) -> Process:
            command = [sys.executable, "-P", "-m", "cli.main", *arguments]
            environment = {"PYTHONPATH": str(ROOT), "CORRIDOR_DATA": str(tmp_path), "PYTHONUNBUFFERED": "1"}
            process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, env=environment)
            stack.push_async_callback(end, process)
            return process

        yield run


async def end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def finished(process: Process) -> tuple[int, str, str]:
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def line(process: Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().rstrip()


def client(url: str) -> aiomqtt.Client:
    at = urlsplit(url)
    assert at.hostname
    assert at.port
    return aiomqtt.Client(at.hostname, at.port)


def write(file: Path, messages: Sequence[Message]) -> Path:
    file.write_bytes(b"".join(map(recording.to_line, messages)))
    return file


def reported_state(kind: str, payload: str, at_ms: float = 0, **how: Any) -> Message:
    return Message(f"corridor/v1/{MILL}/{kind}", payload.encode(), received_at=NOW + round(at_ms * NS_PER_MS), **how)


def lines_in(file: Path) -> int:
    data = file.read_bytes()
    return (zlib.decompressobj(wbits=31).decompress(data) if file.suffix == ".gz" else data).count(b"\n")


# ---- check ----


@pytest.mark.parametrize("topic", [f"{MILL}/state", f"corridor/v1/{MILL}/state"])
def test_check_says_what_a_message_means(corridor: Corridor, topic: str) -> None:
    status, out, err = corridor("check", topic, '{"state":"down","reason":"spindle-overheat"}')
    assert (status, err) == (0, "")
    assert out.startswith(f"{MILL}  state  down (spindle-overheat)\n")
    assert "no ts: the time of receipt counts" in out
    assert "publish it retained" in out


@pytest.mark.parametrize(
    ("kind", "payload", "words"),
    [
        ("telemetry/temp", "21.5", "temp 21.5"),
        ("telemetry/door", "true", "door true"),
        ("telemetry/tool", '{"value":"T4\\u001b[2J"}', "tool 'T4\\x1b[2J'"),
        ("telemetry", '{"values":{"a":1,"b":2},"unit":"Cel"}', "a 1 Cel, b 2 Cel"),
        ("telemetry/x", '{"dt":500,"values":[1,3,2]}', "x 3 samples over 1 s, 1…3"),
        ("telemetry", json.dumps({"values": {f"s{n}": n for n in range(20)}}), "and 12 more"),
        ("count", '{"produced":812,"first_pass":800}', "produced 812, first pass 800"),
        ("job", TABLE["job"].examples["job"], "wo-1042 starts, bracket-7, 200 planned, 42 s a piece"),
        ("meter/electricity", '{"total":5123.4,"unit":"kW.h"}', "electricity 5123.4 kW.h"),
        ("quality/bore", '{"value":3,"lower":1,"upper":2,"part":"b-77"}', "bore 3 above 1…2 (part b-77)"),
        ("labour", '{"present":3,"working":2}', "3 present, 2 working"),
        ("material/steel", '{"consumed":12.5,"unit":"kg"}', "steel consumed 12.5 kg"),
        ("event", '{"code":"e-204","severity":"alarm","text":"door"}', "alarm e-204 raised: door"),
        ("status", "offline", "offline"),
        ("cmd/go", '{"id":1,"args":[2]}', "go [2] (call 1)"),
        ("reply/go", '{"id":1,"ok":false}', "go failed (call 1)"),
        ("kpi/shift", TABLE["kpi"].examples["kpi/shift"], "oee 55.0%"),
        ("state", "", "the retained message is cleared"),
    ],
)
def test_check_puts_every_kind_into_words(corridor: Corridor, kind: str, payload: str, words: str) -> None:
    status, out, _ = corridor("check", f"{MILL}/{kind}", payload)
    assert status == 0
    assert words in out.splitlines()[0]


def test_check_of_indicators_of_a_line(corridor: Corridor) -> None:
    status, out, _ = corridor("check", "sheffield/machining/line-1/kpi/shift", TABLE["kpi"].examples["kpi/shift"])
    assert (status, out.split("  ")[:2]) == (0, ["sheffield/machining/line-1", "kpi/shift"])


def test_check_says_what_is_wrong_and_how_to_fix_it(corridor: Corridor) -> None:
    status, out, err = corridor("check", f"{MILL}/state", "Running")
    assert (status, out) == (1, "")
    assert err.splitlines()[0] == "rejected: unknown state 'Running'"
    assert err.splitlines()[1].startswith("hint: use one of running, ")


def test_check_as_json(corridor: Corridor) -> None:
    status, out, err = corridor("check", f"{MILL}/telemetry/temp", '{"ts":"nope","value":1}', "--json")
    reported = json.loads(out)
    assert (status, err, reported["ok"], reported["events"]) == (1, "", False, [])
    assert reported["problem"] == "time 'nope' is not RFC 3339"
    status, out, err = corridor("check", f"{MILL}/telemetry/temp", "21.5", "--json", "--retained")
    reported = json.loads(out)
    assert (status, err, reported["ok"]) == (0, "", True)
    event = reported["events"][0]
    assert (event["kind"], event["asset"], event["signal"], event["value"]) == ("telemetry", MILL, "temp", 21.5)
    assert event["time_source"] == "retained"


# ---- contract ----


def test_the_contract_is_one_json_document(corridor: Corridor) -> None:
    status, out, err = corridor("contract")
    assert (status, err) == (0, "")
    assert json.loads(out)["kinds"].keys() == KINDS


def test_the_contract_is_an_asyncapi_document(corridor: Corridor, tmp_path: Path) -> None:
    status, out, err = corridor("contract", "--asyncapi")
    assert (status, err) == (0, "")
    assert json.loads(out)["asyncapi"].startswith("3.")
    status, out, err = corridor("contract", "--asyncapi", "--out", str(tmp_path))
    assert (status, out) == (1, "")
    assert "--out" in err


def test_the_contract_is_written_a_file_for_each_kind(corridor: Corridor, tmp_path: Path) -> None:
    status, out, _ = corridor("contract", "--out", str(tmp_path / "schemas"))
    assert (status, out) == (0, "")
    files = {
        file.name.partition(".")[0]: json.loads(file.read_text("utf-8")) for file in (tmp_path / "schemas").iterdir()
    }
    assert files.keys() == KINDS
    assert files["state"]["$id"] == "urn:corridor:v1:state"


# ---- publish and tail ----


def test_publish_rejects_what_is_not_of_the_contract_before_it_connects(corridor: Corridor) -> None:
    status, _, err = corridor("publish", f"{MILL}/state", "Running", "--broker", NOBODY)
    assert status == 1
    assert "unknown state 'Running'" in err
    assert "--force" in err


@pytest.mark.parametrize(
    "arguments",
    [("publish", f"{MILL}/state", "off"), ("tail",), ("record", "a.jsonl"), ("replay", "good.jsonl")],
)
def test_a_broker_that_is_not_there_is_one_clear_line(
    corridor: Corridor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "good.jsonl", [reported_state("state", "off")])
    status, out, err = corridor(*arguments, "--broker", NOBODY)
    assert (status, out) == (1, "")
    assert "127.0.0.1:9" in err
    assert len(err.splitlines()) == 1


def test_a_forced_topic_with_a_wildcard_is_rejected(corridor: Corridor) -> None:
    status, _, err = corridor("publish", "a/#", "off", "--force", "--broker", NOBODY)
    assert status == 1
    assert "wildcard" in err


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_what_is_published_is_tailed(broker: str, start: Start) -> None:
    async with client(broker) as other:
        await other.subscribe("#", qos=1)
        code, out, err = await finished(await start("publish", f"{MILL}/state", "down", "--broker", broker))
        assert (code, out, err) == (0, "", f"published to corridor/v1/{MILL}/state, retained\n")
        code, _, err = await finished(
            await start("publish", f"{MILL}/telemetry/t", "1", "--qos", "0", "--broker", broker)
        )
        assert (code, err) == (0, f"published to corridor/v1/{MILL}/telemetry/t\n")
        code, _, _ = await finished(await start("publish", "no/contract", "\u00e4", "--force", "--broker", broker))
        assert code == 0
        came = [await anext(other.messages) for _ in range(3)]
    assert [(str(m.topic), m.payload, m.qos) for m in came] == [
        (f"corridor/v1/{MILL}/state", b"down", 1),
        (f"corridor/v1/{MILL}/telemetry/t", b"1", 0),
        ("no/contract", "\u00e4".encode(), 1),
    ]
    tail = await start("tail", "--broker", broker)
    first = await line(tail)  # what is retained comes first, and shows that it listens
    assert re.match(rf"\d\d:\d\d:\d\d\.\d{{3}}  {MILL} +  state      down \(retained\)", first)
    mosquitto_pub = shutil.which("mosquitto_pub")
    assert mosquitto_pub
    at = urlsplit(broker)
    publish = [mosquitto_pub, "-h", str(at.hostname), "-p", str(at.port), "-q", "1"]
    await asyncio.create_subprocess_exec(*publish, "-t", f"corridor/v1/{MILL}/telemetry/temp", "-m", "21.5")
    assert (await line(tail)).endswith("telemetry  temp 21.5")
    await asyncio.create_subprocess_exec(*publish, "-t", "corridor/v1/x/y", "-m", "1")
    assert "rejected   topic has 2 levels" in await line(tail)


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_tail_as_json_ends_after_its_time(broker: str, start: Start) -> None:
    async with client(broker) as other:
        await other.publish(f"corridor/v1/{MILL}/status", "online", qos=1, retain=True)
        await other.publish("corridor/v1/sheffield/kpi/shift", TABLE["kpi"].examples["kpi/shift"], qos=1, retain=True)
    code, out, err = await finished(await start("tail", f"{MILL}/#", "--json", "--for", "500ms", "--broker", broker))
    assert (code, err) == (0, "")
    (reported,) = [json.loads(text) for text in out.splitlines()]
    assert (reported["topic"], reported["retained"], reported["events"][0]["online"]) == (
        f"corridor/v1/{MILL}/status",
        True,
        True,
    )


@pytest.mark.mosquitto
async def test_tail_ends_quietly_when_nobody_reads_on(broker: str, start: Start) -> None:
    async with client(broker) as other:
        await other.publish(f"corridor/v1/{MILL}/status", "online", qos=1, retain=True)
        tail = await start("tail", "--broker", broker)
        assert "online" in await line(tail)
        assert tail.stdout is not None
        tail._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]  # as `head -1` does
        for _ in range(2):
            await other.publish(f"corridor/v1/{MILL}/status", "online", qos=1)
        assert tail.stderr is not None
        assert await tail.stderr.read() == b""
        assert await tail.wait() == 0


# ---- record and replay ----


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
        while lines_in(file) < 3:  # noqa: ASYNC110  (a file tells nobody that it grew)
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
    file = write(tmp_path / "a.jsonl", [reported_state("state", "off")])
    before = file.read_bytes()
    code, out, err = await finished(await start("record", str(file), "--broker", broker))
    assert (code, out, err) == (1, "", f"corridor: {file} exists; choose another name, or remove it\n")
    assert file.read_bytes() == before


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_a_replay_to_a_broker_is_in_order_of_time(broker: str, start: Start, tmp_path: Path) -> None:
    shuffled = [
        reported_state("telemetry/x", "3", 400, qos=0),
        reported_state("state", "running", 0),
        reported_state("kpi/shift", "{}", 100),
        Message("corridor/v1/$rejected", b"{}", received_at=NOW),
        reported_state("telemetry/x", "2", 200, retained=True),
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

    messages = [reported_state("telemetry/x", str(number), at * 1000) for number, at in enumerate([0.0, 60.0, 3600.0])]
    tally = recordings.Tally()
    listener: Any = Listener()
    loop.run_until_complete(recordings.play(messages, listener, speed, tally))
    loop.close()
    assert published == list(zip(at_s, [b"0", b"1", b"2"], strict=True))
    assert tally.messages == 3


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_a_replay_as_fast_as_it_goes(broker: str, start: Start, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [reported_state("telemetry/x", str(n), n * 60_000) for n in range(1200)])
    async with client(broker) as other:
        await other.subscribe("#", qos=1)
        code, _, err = await finished(await start("replay", str(file), "--broker", broker, "--speed", "0"))
        assert (code, err.startswith("1200 messages in ")) == (0, True)
        assert [int((await anext(other.messages)).payload) for _ in range(1200)] == list(range(1200))


def test_a_broken_recording_is_reported_before_anything_is_played(corridor: Corridor, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(recording.to_line(reported_state("state", "off")) + b"{}\n")
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
    reported_state("job", TABLE["job"].examples["job"]),
    reported_state("state", "running", 0),
    reported_state("count", '{"produced":0,"good":0}', 0),
    reported_state("telemetry/temp", "21.5", 30_000),
    reported_state("telemetry/temp", "21,5", 31_000),
    reported_state("state", "Running", 32_000),
    reported_state("state", "Stopped", 33_000),
    reported_state("count", '{"produced":10,"good":9}', 599_000),
    reported_state("state", '{"state":"down","reason":"spindle"}', 600_000),
    reported_state("state", "running", 900_000),
    reported_state("kpi/shift", TABLE["kpi"].examples["kpi/shift"], 900_000),
    reported_state("state", "off", 1_800_000),
    reported_state("status", "online", 3_600_000),
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
