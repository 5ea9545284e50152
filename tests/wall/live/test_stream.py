"""The stream: a snapshot, then what changed and nothing else; a slow client is sent less often, never too much."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from typing import Any

import pytest

from broker.contract.codec import decode
from broker.contract.events import AnyEvent
from broker.contract.message import Message
from broker.plant.plant_file import parse
from services.store.interface import Store
from services.wall.live import live_state as live_state_module
from services.wall.live import stream as stream_module
from services.wall.live.live_state import LiveState
from services.wall.live.plant_sheet import sheet
from services.wall.live.server_sent import event
from services.wall.live.stream import Scope, Stream
from tests.wall.works import CMM, LINE, MILL, NOW, PLANT, Clock, make_parts


def message(kind: str, body: Any, machine: str = MILL) -> Message:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Message(f"corridor/v1/{machine}/{kind}", payload, received_at=NOW)


def read(text: bytes) -> tuple[str, Any]:
    """Return an event's name and data."""
    lines = dict(line.split(": ", 1) for line in text.decode().strip().split("\n"))
    return lines.get("event", ""), json.loads(lines.get("data", "null"))


async def following(events: AsyncIterator[bytes], name: str) -> Any:
    """Return the data of the next event of a name."""
    async for text in events:
        reported, data = read(text)
        if reported == name:
            return data
    raise AssertionError(f"the stream ended before {name}")


@asynccontextmanager
async def stream_of(store: Store) -> AsyncIterator[tuple[Stream, Any]]:
    parts = make_parts(store, PLANT, Clock(NOW))
    task = asyncio.create_task(parts.stream.run())
    try:
        async with asyncio.timeout(30):
            yield parts.stream, parts.live_state
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.slow
async def test_a_lost_broker_is_reported(store: Store) -> None:
    async with stream_of(store) as (stream, _), aclosing(stream.events(Scope())) as events:
        assert (await following(events, "snapshot"))["health"]["broker"] is True
        stream.connected = lambda: False
        assert (await following(events, "changes"))["health"]["broker"] is False


async def test_a_snapshot_comes_first_and_has_all_that_a_page_needs(store: Store) -> None:
    async with stream_of(store) as (stream, live_state):
        live_state.receive(message("state", b"running"))
        async with aclosing(stream.events(Scope(MILL, details=True))) as events:
            assert await anext(events) == b"retry: 2000\n\n"
            name, reported = read(await anext(events))
            assert name == "snapshot"
            assert reported["facts"][MILL]["state"]["state"] == "running"
            assert reported["facts"][LINE]["state"]["tally"] == {"running": 1, "unknown": 1}
            assert reported["plant"]["titles"][MILL] == "Mill one"
            assert reported["plant"]["zones"] == {"leeds": "Europe/London"}
            assert reported["plant"]["flows"] == {LINE: {"stages": [[MILL], [CMM]], "buffers": [8]}}
            assert reported["plant"]["signals"][MILL]["spindle-temp"]["high"] == 55
            assert reported["now"] == NOW / 1_000_000


def test_a_line_whose_asset_declares_its_stages_has_its_flow_on_the_page() -> None:
    plant = parse(f'[asset."{LINE}"]\nstages = [["mill-1", "mill-2"], ["cmm-1"]]\n[asset."{MILL}"]\n', "test.toml")
    flows = sheet(plant, LiveState(), Scope(), None)["flows"]
    assert flows == {LINE: {"stages": [[MILL, f"{LINE}/mill-2"], [CMM]], "buffers": ()}}


async def test_then_come_changes_and_only_those(store: Store) -> None:
    async with stream_of(store) as (stream, live_state):
        live_state.receive(message("state", b"running"))
        async with aclosing(stream.events(Scope(details=True))) as events:
            await following(events, "snapshot")
            live_state.receive(message("telemetry/load", b"1"))
            live_state.receive(message("telemetry/load", b"2"))
            stream.touch()
            reported = await following(events, "changes")
            assert reported["facts"] == {MILL: {"signal/load": [NOW // 1_000_000, 2.0, ""]}}


async def test_what_a_page_does_not_show_is_not_sent(store: Store) -> None:
    async with stream_of(store) as (stream, live_state), aclosing(stream.events(Scope(CMM, details=True))) as events:
        await following(events, "snapshot")
        live_state.receive(message("telemetry/load", b"1", MILL))
        live_state.receive(message("count", {"produced": 1}, MILL))
        live_state.receive(message("telemetry/load", b"1", CMM))
        live_state.receive(message("state", b"down", MILL))  # the current state is always sent
        stream.touch()
        reported = await following(events, "changes")
        while MILL not in reported.get("facts", {}):
            reported = await following(events, "changes")
        assert set(reported["facts"][MILL]) == {"state"}
        assert set(reported["facts"][CMM]) == {"signal/load"}


async def test_a_client_that_does_not_read_gets_one_change_for_all_that_it_missed(store: Store) -> None:
    async with (
        stream_of(store) as (stream, live_state),
        aclosing(stream.events(Scope(details=True))) as slow,
        aclosing(stream.events(Scope(details=True))) as quick,
    ):
        await following(slow, "snapshot")
        await following(quick, "snapshot")
        for value in range(3):
            live_state.receive(message("telemetry/load", str(value).encode()))
            stream.touch()
            reported = await following(quick, "changes")
            while "facts" not in reported:
                reported = await following(quick, "changes")
            assert reported["facts"][MILL]["signal/load"][1] == value
        reported = await following(slow, "changes")
        assert reported["facts"][MILL]["signal/load"][1] == 2


async def test_messages_are_shown_with_what_they_mean_or_how_to_fix_them(store: Store) -> None:
    async with stream_of(store) as (stream, live_state):
        live_state.receive(message("state", b"runing"))
        async with aclosing(stream.events(Scope(messages=True))) as events:
            reported = await following(events, "snapshot")
            assert reported["refusals"][0]["problem"] == "unknown state 'runing'"
            assert "running" in reported["refusals"][0]["cure"]
            live_state.receive(message("telemetry/load", {"value": 41.5, "unit": "%"}))
            live_state.receive(Message("corridor/v1/x", b"\xff\xfe", received_at=NOW))
            stream.touch()
            shown = await following(events, "messages")
            while len(shown) < 2:
                shown += await following(events, "messages")
            assert shown[-2]["means"][0] | {} == {
                "kind": "telemetry",
                "signal": "load",
                "value": 41.5,
                "unit": "%",
                "time_source": "receipt",
                "at": NOW // 1_000_000,
            }
            assert shown[-1]["payload"].startswith("base64 ")
            assert shown[-1]["cure"]


@pytest.mark.slow
async def test_health_is_sent_as_it_changes(store: Store) -> None:
    async with stream_of(store) as (stream, live_state), aclosing(stream.events(Scope())) as events:
        await following(events, "snapshot")
        live_state.receive(message("telemetry/load", b"1"))
        stream.touch()
        reported = await following(events, "changes")
        while "health" not in reported:
            reported = await following(events, "changes")
        assert reported["health"]["newest"] == NOW // 1_000_000
        assert reported["health"]["refused_hour"] == 0


async def test_streams_end_when_the_wall_does(store: Store) -> None:
    parts = make_parts(store, PLANT, Clock(NOW))
    task = asyncio.create_task(parts.stream.run())
    async with aclosing(parts.stream.events(Scope())) as events:
        await following(events, "snapshot")
        assert parts.stream.clients == 1
        await asyncio.sleep(0)  # so that the stream's task has begun
        task.cancel()
        async with asyncio.timeout(5):
            left = [text async for text in events]
        assert all(read(text)[0] == "changes" for text in left)
    assert parts.stream.clients == 0


def test_a_scope_takes_what_is_under_its_asset_and_how_everything_stands() -> None:
    scope = Scope(LINE, details=True)
    assert scope.wants(MILL, "signal/load")
    assert scope.wants(LINE, "state")
    assert scope.wants("leeds/shop/line-10/mill-1", "state")
    assert not scope.wants("leeds/shop/line-10/mill-1", "count")
    assert not scope.wants(MILL, "device")
    assert not Scope().wants(MILL, "alarm/e-1")
    assert Scope(devices=True).wants(MILL, "device")


async def test_two_hundred_viewers_share_what_is_made_once_for_each_message(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def counted(name: str, number: int, data: Any) -> bytes:
        made.append(name)
        return event(name, number, data)

    decoded: list[str] = []

    def decoding(received: Message, **how: Any) -> list[AnyEvent]:
        decoded.append(received.topic)
        return decode(received, **how)

    monkeypatch.setattr(stream_module, "event", counted)
    monkeypatch.setattr(live_state_module, "decode", decoding)
    scope = Scope(MILL, details=True, messages=True)
    async with stream_of(store) as (stream, live_state), AsyncExitStack() as stack:
        live_state.receive(message("state", b"running"))
        viewers = [await stack.enter_async_context(aclosing(stream.events(scope))) for _ in range(200)]
        for viewer in viewers:
            await anext(viewer)
        snapshots = [await anext(viewer) for viewer in viewers]
        assert len({id(text) for text in snapshots}) == made.count("snapshot")
        assert made.count("snapshot") < len(viewers) / 10
        made.clear()
        live_state.receive(message("state", b"down"))
        stream.touch()
        for viewer in viewers:
            reported = {}
            while "changes" not in reported or "messages" not in reported:
                name, data = read(await anext(viewer))
                reported[name] = data
            assert reported["changes"]["facts"][MILL]["state"]["state"] == "down"
            assert len(reported["messages"]) == 2
        assert made.count("messages") < len(viewers) / 10
        assert made.count("changes") < len(viewers) / 10
        assert stream.clients == len(viewers)
    assert decoded == [message("state", b"running").topic] * 2
