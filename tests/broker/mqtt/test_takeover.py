"""Two clients with one client id: one ends with the reason; what only looks like that ends no session."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from broker.mqtt import session as sessions
from broker.mqtt.session import Publication, Session, SessionTakenOver
from broker.mqtt.takeover import CLOSED_AT_ONCE, STEADY_S, Rivals
from broker.server.embedded import EmbeddedBroker

Until = Callable[[Callable[[], object]], Awaitable[None]]
Pretend = Callable[..., Awaitable[str]]
MakeRelay = Callable[..., Awaitable[Any]]


async def reported(session: Session, until: Until) -> str:
    """Hold a session until it ends by itself; return what it ends with."""
    with pytest.raises(ExceptionGroup) as ended:
        async with session:
            await until(lambda: False)
    (error,) = ended.value.exceptions
    assert isinstance(error, SessionTakenOver)
    return str(error)


@pytest.mark.slow
async def test_of_two_sessions_with_one_client_id_one_ends_and_the_other_stays(
    broker: str, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "FIRST_PAUSE_S", 0.01)
    pair = [Session(broker, client_id="twin", filters=["t"], persistent=True) for _ in range(2)]
    holding: list[asyncio.Task[str]] = []
    for session in pair:
        holding.append(asyncio.create_task(reported(session, until)))
        await until(lambda: session.connected)  # noqa: B023  (awaited within the loop)
    done, (stays,) = await asyncio.wait(holding, return_when=asyncio.FIRST_COMPLETED)
    (ended,) = done
    assert "another client is connected to" in ended.result()
    assert "with the client id 'twin'" in ended.result()
    other = pair[holding.index(stays)]
    await until(lambda: other.connected)
    await other.publish(Publication("t", b"1"))
    assert (await anext(other.batches())).messages[0].payload == b"1"
    stays.cancel()
    await asyncio.wait([stays])


@pytest.mark.parametrize("answered", [1, 2], ids=["while subscribing", "later"])
async def test_the_reason_code_of_an_mqtt_5_broker_is_enough(pretend: Pretend, until: Until, answered: int) -> None:
    """Mosquitto sends it from 2.0.15 on only."""
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        for answer in (b"\x20\x03\x00\x00\x00", b"\x90\x04\x00\x01\x00\x01")[:answered]:
            await reader.read(1_000)
            writer.write(answer)
        if answered == 2:
            await reader.read(1_000)  # a ping
        writer.write(b"\xe0\x01\x8e")
        await writer.drain()
        await reader.read()

    url = await pretend(talk)
    if answered == 1:
        with pytest.raises(SessionTakenOver, match="'twin'"):
            await Session(url, client_id="twin", filters=["t"]).__aenter__()
    else:
        assert "(the broker reported it)" in await reported(
            Session(url, client_id="twin", filters=["t"], keep_alive_s=1), until
        )
    assert connections == 1


@pytest.mark.slow
async def test_our_own_connection_that_still_hangs_in_the_broker_is_no_rival(
    embedded: EmbeddedBroker, relay_to: MakeRelay, until: Until
) -> None:
    relay = await relay_to(embedded.port)
    async with Session(relay.url, client_id="a", filters=["t"], persistent=True, keep_alive_s=1) as session:
        relay.silent = True
        await until(lambda: session.disconnects == 1)
        relay.silent = False
        await until(lambda: session.connected)
        await session.publish(Publication("t", b"1"))
        assert (await anext(session.batches())).messages[0].payload == b"1"
        assert session.disconnects == 1


async def test_a_network_that_closes_every_connection_at_once_is_no_rival(
    embedded: EmbeddedBroker, relay_to: MakeRelay, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "LONGEST_PAUSE_S", 0.02)
    relay = await relay_to(embedded.port)
    async with Session(relay.url, client_id="a", filters=["t"], persistent=True) as session:
        for disconnects in range(1, CLOSED_AT_ONCE + 4):
            await until(lambda: session.connected)
            relay.end()
            await until(lambda: session.disconnects == disconnects)  # noqa: B023  (awaited within the loop)
        await until(lambda: session.connected)
        await session.publish(Publication("t", b"1"))
        assert (await anext(session.batches())).messages[0].payload == b"1"


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_a_broker_that_is_started_again_and_again_is_no_rival(
    tmp_path: Path, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "LONGEST_PAUSE_S", 0.02)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(EmbeddedBroker(tmp_path, port=0, kind="mosquitto"))
        async with Session(first.url, client_id="a", persistent=True) as session:
            for disconnects in range(1, CLOSED_AT_ONCE + 2):
                await stack.aclose()
                await until(lambda: not session.connected)
                await stack.enter_async_context(EmbeddedBroker(tmp_path, port=first.port, kind="mosquitto"))
                await until(lambda: session.connected)
                assert session.disconnects == disconnects


@pytest.mark.parametrize(
    "other",
    [
        {"lived_s": STEADY_S, "by_broker": True, "unanswered": False},
        {"lived_s": 0.1, "by_broker": False, "unanswered": False},
        {"lived_s": 0.1, "by_broker": True, "unanswered": True},
        None,
    ],
    ids=["it lived long", "we closed it", "a publication may have been the cause", "the broker was away"],
)
def test_only_connections_closed_at_once_in_a_row_count(other: dict[str, Any] | None) -> None:
    rivals = Rivals()
    at_once: dict[str, Any] = {"lived_s": 0.1, "by_broker": True, "unanswered": False}
    for _ in range(CLOSED_AT_ONCE - 1):
        rivals.ended(**at_once)
    assert not rivals.suspected
    if other is None:
        rivals.unreachable()
    else:
        rivals.ended(**other)
    for _ in range(CLOSED_AT_ONCE):
        assert not rivals.suspected
        rivals.ended(**at_once)
    assert rivals.suspected
