"""The KPI service with a real broker and a foreign client, killed in the middle; and the same by recording and command.

A client publishes with Eclipse Paho, as a device maker would; what the service publishes and keeps is held against the
answers that a clean replay of the same messages gives.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiomqtt
import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from broker.contract.instants import parse as instant
from broker.contract.message import Message
from broker.contract.recordings.recording import to_line
from broker.contract.topics import PREFIX, REJECTED, Kind
from broker.plant.plant import NO_PLANT
from broker.server.embedded import EmbeddedBroker
from cli import main
from cli.running.services import run_kpi
from services.kpi.ledger_writer import LedgerWriter
from services.query.answers import answer
from services.store.opening import default_url
from services.store.sqlite.store import SqliteStore

ROOT = Path(__file__).resolve().parents[2]
SITE = "sheffield"
LINE = f"{SITE}/machining/line-1"
MILL = f"{LINE}/mill-1"
SAW = f"{LINE}/saw-1"
FOR_EVER = 2**62
MS = 1_000_000


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[str]:
    async with EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as running:
        yield running.url


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "corridor.db")
    yield opened
    await opened.close()


@contextmanager
def device(url: str) -> Iterator[Callable[[str, str], None]]:
    """A foreign client; yields what publishes at QoS 1 and returns when the broker has it."""
    at = urlsplit(url)
    assert at.hostname
    assert at.port
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect(at.hostname, at.port)
    client.loop_start()

    def publish(topic: str, payload: str) -> None:
        client.publish(topic, payload, qos=1, retain=True).wait_for_publish(20)

    try:
        yield publish
    finally:
        client.disconnect()
        client.loop_stop()
        client._sock_close()  # loop_stop leaves its sockets to the garbage collector


@asynccontextmanager
async def listening(url: str, *topics: str) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
    """Subscribe; yields (topic, decoded payload) as they come."""
    at = urlsplit(url)
    assert at.hostname
    assert at.port
    async with aiomqtt.Client(at.hostname, at.port) as client:
        for topic in topics:
            await client.subscribe(topic, qos=1)

        async def received() -> AsyncIterator[tuple[str, Any]]:
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                yield str(message.topic), json.loads(message.payload)

        yield received()


@asynccontextmanager
async def serving(url: str, store: SqliteStore) -> AsyncIterator[None]:
    """Run the service within this process."""
    service = asyncio.create_task(run_kpi(url, store, NO_PLANT))
    try:
        yield
    finally:
        service.cancel()
        with suppress(asyncio.CancelledError):
            await service


def reported_state(machine: str, kind: str, at: int, **payload: object) -> tuple[str, str]:
    return f"{PREFIX}/{machine}/{kind}", json.dumps({"ts": at // MS, **payload})


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_a_state_that_another_client_publishes_changes_the_indicators_of_every_level(
    broker: str, store: SqliteStore
) -> None:
    kpis = [f"{PREFIX}/{asset}/kpi/hour" for asset in (MILL, LINE, "sheffield/machining", SITE)]
    began = time.time_ns() // MS * MS
    async with serving(broker, store), listening(broker, *kpis) as received:
        with device(broker) as publish:
            await asyncio.to_thread(publish, *reported_state(MILL, "state", began, state="running"))
            missing = set(kpis)
            async for topic, payload in received:
                if payload["indicators"]["availability"] == 1:
                    missing.discard(topic)
                if not missing:
                    break
            await asyncio.to_thread(publish, *reported_state(MILL, "state", time.time_ns(), state="down", reason="jam"))
            missing = set(kpis)
            async for topic, payload in received:
                # What is published stands until then; the same question then has the same answer, digit by digit.
                asset = topic.removeprefix(f"{PREFIX}/").removesuffix("/kpi/hour")
                start, end = instant(payload["start"]), instant(payload["end"])
                right = await answer(store, NO_PLANT, asset, start, end, now=end)
                if payload["indicators"]["availability"] not in (None, 1) and payload["indicators"] == right.indicators:
                    assert payload["coverage"] == right.coverage
                    missing.discard(topic)
                if not missing:
                    break
    async with listening(broker, *kpis) as received:
        retained = [(await anext(received))[0] for _ in kpis]
    assert sorted(retained) == sorted(kpis)


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_garbage_is_rejected_with_its_reason_where_everyone_can_see_it(broker: str, store: SqliteStore) -> None:
    now = time.time_ns()
    garbage = [
        (f"{PREFIX}/{MILL}/state", '{"state":"broken"}', "Invalid enum value 'broken'"),
        (f"{PREFIX}/{MILL}/count", "\x01\x02", "does not parse"),
        (f"{PREFIX}/{MILL}/job", '{"phase":"start"}', "a job that starts needs its order"),
        (*reported_state(MILL, "count", now + 600 * 1_000 * MS, produced=1), "ahead of its receipt"),
    ]
    async with (
        serving(broker, store),
        listening(broker, f"{PREFIX}/{REJECTED}", f"{PREFIX}/{MILL}/kpi/hour") as received,
    ):
        with device(broker) as publish:
            # Once a good message shows in the indicators, the service listens.
            await asyncio.to_thread(publish, *reported_state(MILL, "state", now, state="running"))
            await anext(received)
            for topic, payload, _ in garbage:
                await asyncio.to_thread(publish, topic, payload)
            rejected: list[dict[str, Any]] = []
            async for topic, document in received:
                if topic == f"{PREFIX}/{REJECTED}":
                    rejected.append(document)
                if len(rejected) == len(garbage):
                    break
    for document, (topic, payload, reason) in zip(rejected, garbage, strict=True):
        assert document["topic"] == topic
        assert reason in document["reason"]
        assert document["bytes"] == len(payload)
    stored = await store.rejected(0, FOR_EVER)
    assert sorted(one.reason for one in stored) == sorted(document["reason"] for document in rejected)
    assert len(await store.events(["state", "count", "job"], "", 0, FOR_EVER)) == 1


def _stream(now: int) -> list[tuple[str, str]]:
    """Two hours of two machines: states, an order, counts with a reset, a connection that breaks."""
    start = (now - 7_200_000 * MS) // MS * MS
    messages: list[tuple[str, str]] = []
    for minute in range(1, 118):
        at = start + minute * 60_000 * MS + minute * MS
        words = ("running", "down", "running", "starved", "setup")
        for machine in (MILL, SAW):
            if minute % 7 == 1:
                messages.append(reported_state(machine, "state", at, state=words[minute // 7 % 5], reason="tool"))
            messages.append(reported_state(machine, "count", at + MS, produced=minute % 50, good=minute % 50 // 2))
        if minute % 40 == 5:
            messages.append(
                reported_state(MILL, "job", at, phase="start", order=f"wo-{minute}", product="pin", ideal_cycle=20)
            )
        if minute % 30 in (10, 12):
            messages.append(reported_state(SAW, "status", at, status="online" if minute % 30 == 12 else "offline"))
    return messages


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_a_service_killed_in_the_middle_loses_and_doubles_nothing(broker: str, tmp_path: Path) -> None:
    stream = _stream(time.time_ns())
    store = await SqliteStore.open(tmp_path / "corridor.db")
    kinds: Sequence[Kind] = ("state", "count", "job", "status")

    async def stored() -> int:
        return len(await store.events(kinds, "", 0, FOR_EVER))

    async def until(reached: int) -> None:
        while await stored() < reached:  # noqa: ASYNC110  (what is waited for is in another process)
            await asyncio.sleep(0.02)

    async def start() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "cli.main", "kpi", "serve", "--broker", broker, "--data", str(tmp_path)),
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stderr=asyncio.subprocess.DEVNULL,
        )

    service = await start()
    try:
        with device(broker) as publish:
            await asyncio.to_thread(publish, *stream[0])
            await until(1)
            for place, (topic, payload) in enumerate(stream[1:], start=1):
                await asyncio.to_thread(publish, topic, payload)
                if place in (60, 150):
                    await until(place // 2)
                    service.send_signal(signal.SIGKILL)
                    await service.wait()
                if place in (100, 151):
                    service = await start()
        await until(len(stream))
        service.send_signal(signal.SIGTERM)
        assert await service.wait() == 0
        assert await stored() == len(stream)
        now = time.time_ns()
        clean = await SqliteStore.open(tmp_path / "clean.db")
        writer = LedgerWriter(clean, NO_PLANT, lambda: now)
        messages = [Message(topic, payload.encode(), 1, retained=False, received_at=now) for topic, payload in stream]
        assert await writer.persist(messages) == []
        last = now - 120_000 * MS  # the last minutes are still under way
        assert await store.rows("", 0, last) == await clean.rows("", 0, last)
        assert await store.reason_rows("", 0, last) == await clean.reason_rows("", 0, last)
        await clean.close()
    finally:
        if service.returncode is None:
            service.kill()
            await service.wait()
        await store.close()


# ---- By recording and command ----

NOON = instant("2026-11-24T12:00:00Z")
PLANT = """
[calendar.day]
time-zone = "Europe/London"
shifts = [{ name = "day", start = "11:30", end = "14:00", breaks = [{ start = "12:40", end = "12:55" }] }]
[asset.sheffield]
calendar = "day"
"""


def _corridor(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as end:
        main.run(arguments, main.COMMANDS)
    assert end.value.code == 0
    return capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("asset", [MILL, LINE, SITE])
def test_a_recording_shuffled_and_doubled_gives_the_same_answer(
    asset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORRIDOR_DATA", str(tmp_path))
    plant = tmp_path / "plant.toml"
    plant.write_text(PLANT, encoding="utf-8")
    messages = [
        Message(topic, payload.encode(), 1, retained=False, received_at=json.loads(payload)["ts"] * MS)
        for topic, payload in _stream(NOON + 7_200_000 * MS)
    ]
    rng = random.Random(4)
    shuffled = list(messages)
    rng.shuffle(shuffled)
    doubled = [*messages, *shuffled]
    rng.shuffle(doubled)
    answers: list[Any] = []
    for name, recorded in {"plain": messages, "shuffled": shuffled, "doubled": doubled}.items():
        file = tmp_path / f"{name}.jsonl"
        file.write_bytes(b"".join(map(to_line, recorded)))
        url = default_url(tmp_path / name)
        _corridor(capsys, "replay", str(file), "--store", url, "--plant", str(plant))
        span = ("--from", "2026-11-24T12:10:30.123Z", "--to", "2026-11-24T13:45:00.5Z")
        answers.append(json.loads(_corridor(capsys, "kpi", "show", asset, *span, "--store", url, "--json")))
    assert answers[0]["machines"] == ([MILL] if asset == MILL else [MILL, SAW])
    assert answers[0]["ledger"]["produced"] > 0
    assert answers[1] == answers[0]
    assert answers[2] == answers[0]
