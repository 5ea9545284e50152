"""Announces a plant's machines to Home Assistant, from one broker to another, or on one.

    await announce(board, plant, home)

What changes is published once a second. Announcements of an earlier run whose machines are gone are cleared once the
plant's broker has delivered what it retains.
"""

import asyncio
from typing import Final

from broker.mqtt.session import Session
from edge.gateways.homeassistant.board import Board

EVERY_S: Final = 1.0
QUIET_S: Final = 10.0
"""After so long without a retained message all that a broker retains has been delivered, seconds."""


def found_at(base: str) -> tuple[str, ...]:
    """Return the topics of announcements, of ours and of others."""
    return (f"{base}/device/+/config",)


async def announce(board: Board, plant: Session, home: Session, quiet_s: float = QUIET_S) -> None:
    """Announce until cancelled.

    Args:
        board: what is published.
        plant: a session with the plant's broker, subscribed to `board.FILTERS`.
        home: one with Home Assistant's, subscribed to `found_at`.
        quiet_s: after so long without a retained message of the plant, what is left of an earlier run is cleared.

    Raises:
        SessionError: a broker rejects what is published.
    """
    retained = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(_read(board, plant, retained))
        group.create_task(_find(board, home))
        group.create_task(_clear_strays(board, home, retained, quiet_s))
        while True:
            await home.publish(*board.due())
            await asyncio.sleep(EVERY_S)


async def remove(board: Board, home: Session) -> int:
    """Clear all announcements of a gateway, and return how many there were.

    Args:
        board: finds them.
        home: a session with Home Assistant's broker, subscribed to `found_at`, and to the topic of the gateway.

    Raises:
        SessionError: the broker rejects it.
    """
    # What is retained comes before what is published after the subscription: this one ends it.
    await home.publish(board.availability(online=False))
    async for batch in home.batches():
        for message in batch.messages:
            board.take_announcement(message)
        is_end = any(one.topic == board.gateway_at and not one.retained for one in batch.messages)
        batch.acknowledge()
        if is_end:
            break
    cleared = board.removed()
    await home.publish(*cleared)
    return len(cleared) // 2


async def _read(board: Board, plant: Session, retained: asyncio.Event) -> None:
    async for batch in plant.batches():
        for message in batch.messages:
            board.take(message)
            if message.retained:
                retained.set()
        batch.acknowledge()


async def _find(board: Board, home: Session) -> None:
    async for batch in home.batches():
        for message in batch.messages:
            board.take_announcement(message)
        batch.acknowledge()


async def _clear_strays(board: Board, home: Session, retained: asyncio.Event, quiet_s: float) -> None:
    await retained.wait()
    while retained.is_set():
        retained.clear()
        await asyncio.sleep(quiet_s)
    await home.publish(*board.strays())
