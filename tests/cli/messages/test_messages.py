"""Commands about messages: `check` and `contract` without a broker, `publish` and `tail` beside a real one."""

import asyncio
import json
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from broker.contract.kinds import TABLE
from broker.contract.topics import KINDS
from tests.cli.messages.processes import Corridor, Start, client, finished, line
from tests.cli.messages.sent import MILL, NOBODY, sent, write

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
    write(tmp_path / "good.jsonl", [sent("state", "off")])
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


@pytest.mark.slow
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
