"""Questions beside the event loop: others are answered meanwhile, too long ones end, and nobody waits for nothing."""

import asyncio
import math
import threading
from typing import Any

import httpx
import pytest

from broker.contract.events import NS_PER_S, Sample
from services.store.interface import Batch, Store, StoreError
from services.wall.addresses import Parts
from services.wall.answers import answering
from services.wall.answers.beside import AT_ONCE, Beside
from services.wall.api import MOST_SIGNALS
from services.wall.application import application
from tests.wall.works import CMM, EIGHT, MILL, NOW, PLANT, Clock


async def test_health_is_answered_while_a_question_computes(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """The question computes until health has been answered, without once giving way: on the loop's thread, for ever."""
    computing, healthy = threading.Event(), threading.Event()
    order: list[str] = []

    async def large(*_: Any, **__: Any) -> list[Any]:
        computing.set()
        assert healthy.wait(20)
        return []

    monkeypatch.setattr("services.wall.api.state_intervals", large)
    transport = httpx.ASGITransport(app=application(parts, None))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:

        async def ask() -> None:
            reply = await client.get("/api/v1/states", params={"asset": MILL, "from": "now-1h"})
            assert reply.status_code == 200, reply.text
            order.append("states")

        question = asyncio.create_task(ask())
        assert await asyncio.to_thread(computing.wait, 20)
        assert (await client.get("/healthz")).status_code == 200
        order.append("health")
        healthy.set()
        await question
    assert order == ["health", "states"]


async def test_the_store_is_asked_from_its_own_loop_and_a_second_question_does_not_wait(filled: Store) -> None:
    first = asyncio.Event()
    beside = Beside(filled)
    loops: list[asyncio.AbstractEventLoop] = []

    async def patient(store: Store) -> int:
        loops.append(asyncio.get_running_loop())
        while not first.is_set():  # noqa: ASYNC110  (it is set in another loop)
            await asyncio.sleep(0.01)
        return len(await store.machines())

    async def quick(store: Store) -> int:
        return len(await store.machines())

    waiting = asyncio.create_task(beside.ask(patient))
    known = await beside.ask(quick)
    assert not waiting.done()
    first.set()
    assert await waiting == known == len(await filled.machines())
    assert loops[0] is not asyncio.get_running_loop()


async def test_a_question_that_takes_too_long_ends_and_says_what_to_ask_for(filled: Store) -> None:
    async def endless(store: Store) -> None:
        while True:
            await store.machines()

    with pytest.raises(StoreError, match="ask for a shorter range, fewer machines"):
        await Beside(filled, limit_s=0.2).ask(endless)


async def test_a_question_that_nobody_waits_for_ends(filled: Store) -> None:
    begun, ended = threading.Event(), threading.Event()

    async def endless(_: Store) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(Beside(filled).ask(endless))
    assert await asyncio.to_thread(begun.wait, 20)
    task.cancel()
    assert await asyncio.to_thread(ended.wait, 20)


async def test_a_machine_with_very_many_signals_is_asked_for_some_of_them(parts: Parts) -> None:
    many = [Sample(asset=MILL, at=NOW - NS_PER_S, signal=f"s-{n}", value=1.0) for n in range(MOST_SIGNALS + 1)]
    await parts.store.write(Batch(events=many))
    transport = httpx.ASGITransport(app=application(parts, None))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        asked = {"asset": MILL, "from": str(EIGHT // 1_000_000)}
        reply = await client.get("/api/v1/telemetry", params=asked)
        assert reply.status_code == 400
        assert "signal=" in reply.json()["detail"]
        some = await client.get("/api/v1/telemetry", params=asked | {"signal": ["s-1", "s-2"]})
        assert [each["signal"] for each in some.json()] == ["s-1", "s-2"]


async def test_a_cached_answer_does_not_wait_behind_slow_ones(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "FRESH_S", math.inf)
    answers = answering.Answers(filled, PLANT, Clock(NOW))
    known = await answers.of(MILL, EIGHT, NOW)
    release, working = threading.Event(), threading.Semaphore(0)

    async def slow(_: Store) -> None:
        working.release()
        assert release.wait(60)

    questions = [asyncio.create_task(answers.beside.ask(slow)) for _ in range(AT_ONCE + 1)]
    for _ in range(AT_ONCE):
        assert await asyncio.to_thread(working.acquire, timeout=20)
    other = asyncio.create_task(answers.of(MILL, EIGHT + 1, NOW))
    async with asyncio.timeout(20):
        assert await answers.of(MILL, EIGHT, NOW) is known
    assert not other.done()
    release.set()
    await asyncio.gather(*questions, other)


async def test_all_who_ask_for_now_within_half_a_second_share_one_answer(filled: Store) -> None:
    clock = Clock(NOW)
    answers = answering.Answers(filled, PLANT, clock)
    shift, hour = await answers.of(MILL, EIGHT, NOW), await answers.of(CMM, NOW - 3_600 * NS_PER_S, NOW)
    clock.now += NS_PER_S // 2
    assert await answers.of(MILL, EIGHT, clock.now) is shift
    assert await answers.of(CMM, clock.now - 3_600 * NS_PER_S, clock.now) is hour
    clock.now += 1
    assert (await answers.of(MILL, EIGHT, clock.now)).counted_to != shift.counted_to
    assert (await answers.of(MILL, EIGHT + 1, clock.now)).from_ != shift.from_
    assert (await answers.of(MILL, EIGHT, NOW - NS_PER_S)).counted_to == "2026-11-25T08:59:59Z"


async def test_a_query_that_failed_is_not_taken_for_an_answer(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = answering.Answers(filled, PLANT, Clock(NOW))
    with monkeypatch.context() as patched:
        patched.setattr(answers.beside, "_limit_s", 0.0)
        with pytest.raises(StoreError):
            await answers.of(MILL, EIGHT, NOW)
    assert (await answers.of(MILL, EIGHT, NOW)).ledger["good"] == 33
