"""Whatever one message, machine or question makes a stage of the wall raise, all others are shown and answered."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from typing import Any

import httpx
import pytest

from broker.contract import codec
from broker.contract.events import AnyEvent, Sample
from broker.contract.lenient.leniency import DeclaredText
from broker.contract.message import Message
from broker.contract.topics import PREFIX
from services.query import answers
from services.query.states import current_state
from services.query.states.current_state import CurrentState
from services.wall.addresses import Parts
from services.wall.answers import answering
from services.wall.application import application
from services.wall.live import facts, group_states, live_state, received_messages
from services.wall.live.live_state import LiveState
from services.wall.live.machine_state import Machine
from services.wall.live.stream import Scope, Stream
from tests.wall.works import CMM, LINE, MILL, NOW

GUILTY = 66.0
Patch = pytest.MonkeyPatch


class UnforeseenError(Exception):
    """Nobody has thought of it."""


def is_guilty(event: AnyEvent) -> bool:
    return isinstance(event, Sample) and event.value == GUILTY


def decoding(patch: Patch) -> None:
    def decode(message: Message, *, prefix: str, is_text: DeclaredText) -> list[AnyEvent]:
        events = codec.decode(message, prefix=prefix, is_text=is_text)
        if any(map(is_guilty, events)):
            raise UnforeseenError
        return events

    patch.setattr(live_state, "decode", decode)


def writing(patch: Patch) -> None:
    """Let the message mean a text that JSON cannot hold."""

    def decode(message: Message, *, prefix: str, is_text: DeclaredText) -> list[AnyEvent]:
        events = codec.decode(message, prefix=prefix, is_text=is_text)
        if any(map(is_guilty, events)):
            return [Sample(asset=MILL, at=NOW, signal="load", value="\ud800")]
        return events

    patch.setattr(live_state, "decode", decode)


def working_out(patch: Patch) -> None:
    fact_of = facts.fact_of

    def failing(event: AnyEvent) -> tuple[str, Any]:
        if is_guilty(event):
            raise UnforeseenError
        return fact_of(event)

    patch.setattr(live_state, "fact_of", failing)


def ticking(patch: Patch) -> None:
    tick = LiveState._tick_machine

    def failing(self: LiveState, path: str, machine: Machine, *how: Any) -> None:
        if path == MILL:
            raise UnforeseenError
        tick(self, path, machine, *how)

    patch.setattr(LiveState, "_tick_machine", failing)


def grouping(patch: Patch) -> None:
    of_group = current_state.of_group

    def failing(machines: list[tuple[str, CurrentState]], former: CurrentState | None) -> Any:
        if any(state.state == "running" for _, state in machines):
            raise UnforeseenError
        return of_group(machines, former)

    patch.setattr(group_states, "of_group", failing)


def showing(patch: Patch) -> None:
    meaning = received_messages._meaning

    def failing(event: AnyEvent) -> dict[str, Any]:
        if is_guilty(event):
            raise UnforeseenError
        return meaning(event)

    patch.setattr(received_messages, "_meaning", failing)


def message(kind: str, payload: bytes, machine: str = MILL) -> Message:
    return Message(f"{PREFIX}/{machine}/{kind}", payload, received_at=NOW)


async def following(events: AsyncIterator[bytes], name: str) -> Any:
    async for text in events:
        lines = dict(line.split(": ", 1) for line in text.decode().strip().split("\n"))
        if lines.get("event") == name:
            return json.loads(lines["data"])
    raise AssertionError(f"the stream ended before {name}")


async def all_shown(stream: Stream, wanted: set[str]) -> None:
    """Wait until a page that is opened now, and shows messages, has these facts of the measuring machine."""
    async with aclosing(stream.events(Scope("", details=True, devices=True, messages=True))) as events:
        seen = set((await following(events, "snapshot"))["facts"].get(CMM, ()))
        while not seen >= wanted:
            seen |= set((await following(events, "changes")).get("facts", {}).get(CMM, ()))


@pytest.mark.slow
@pytest.mark.parametrize("stage", [decoding, writing, working_out, ticking, grouping, showing])
async def test_a_message_that_raises_ends_no_stream_and_hides_no_other(
    stage: Callable[[Patch], None], parts: Parts, monkeypatch: Patch
) -> None:
    stage(monkeypatch)
    stream, picture = parts.stream, parts.live_state
    task = asyncio.create_task(stream.run())
    async with asyncio.timeout(30), aclosing(stream.events(Scope("", details=True, messages=True))) as open_page:
        await following(open_page, "snapshot")
        picture.receive(message("state", b"running"))
        picture.receive(message("telemetry/load", b"66"))
        picture.receive(message("telemetry/load", b"1", CMM))
        stream.touch()
        changed = await following(open_page, "changes")
        while "signal/load" not in changed.get("facts", {}).get(CMM, {}):
            changed = await following(open_page, "changes")
        assert changed["facts"][MILL]["state"]["state"] == "running"
        received = await following(open_page, "messages")
        assert received[-1]["topic"] == f"{PREFIX}/{CMM}/telemetry/load"
        picture.receive(message("count", b'{"produced":1}', CMM))
        stream.touch()
        await all_shown(stream, {"signal/load", "count"})
        changed = await following(open_page, "changes")
        while "count" not in changed.get("facts", {}).get(CMM, {}):
            changed = await following(open_page, "changes")
        assert not task.done()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.mark.slow
async def test_a_question_that_raises_takes_no_other_its_answer(parts: Parts, monkeypatch: Patch) -> None:
    answer = answers.answer

    async def failing(store: Any, plant: Any, asset: str, *how: Any, **more: Any) -> Any:
        if asset == MILL:
            raise UnforeseenError
        return await answer(store, plant, asset, *how, **more)

    monkeypatch.setattr(answering, "answer", failing)
    task = asyncio.create_task(parts.stream.run())
    transport = httpx.ASGITransport(app=application(parts, None), raise_app_exceptions=False)
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
        asyncio.timeout(30),
        aclosing(parts.stream.events(Scope())) as open_page,
    ):
        await following(open_page, "snapshot")
        asked = {"from": "2026-11-25T08:00:00Z", "to": "2026-11-25T09:00:00Z"}
        failed, answered = await asyncio.gather(
            *(client.get("/api/v1/kpi", params=asked | {"asset": asset}) for asset in (MILL, LINE))
        )
        assert (failed.status_code, failed.headers["content-type"]) == (500, "application/problem+json")
        assert (answered.status_code, answered.json()["asset"]) == (200, LINE)
        parts.live_state.receive(message("state", b"running"))
        parts.stream.touch()
        changed = await following(open_page, "changes")
        while MILL not in changed.get("facts", {}):
            changed = await following(open_page, "changes")
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
