"""Publishes machines as edge nodes of Sparkplug B: a `Publisher` of the contract's messages, beside the plant's own.

    async with SparkplugEdges(url, is_sparkplug=…, otherwise=session) as publisher:
        await publisher.publish(*publications)

Each line is an edge node with a session of its own, for a will belongs to a connection; its machines are the devices,
and `site:area` is the group. Messages of all other machines go to the publisher of the plant as they are.
"""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import structlog

from broker.backoff import Backoff
from broker.contract import codec, topics
from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent
from broker.contract.message import Message, Publication
from broker.mqtt.session import FIRST_PAUSE_S, LONGEST_PAUSE_S, Session, SessionError
from broker.source import Publisher
from edge.dialects.sparkplug.edge import EdgeNode
from edge.dialects.sparkplug.topics import Key

_log: Final = structlog.get_logger("corridor.sparkplug")


class SparkplugEdges:
    """See the module.

    Args:
        url: the broker of the edge nodes.
        is_sparkplug: whether a machine, by its path, is published as a device.
        otherwise: takes the messages of all other machines.
        primary: the id of the host application that the nodes wait for; '' for none.
        now: returns the time, nanoseconds since 1970-01-01 UTC.
    """

    def __init__(
        self,
        url: str,
        *,
        is_sparkplug: Callable[[str], bool],
        otherwise: Publisher,
        primary: str = "",
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self._url = url
        self._is_sparkplug = is_sparkplug
        self._otherwise = otherwise
        self._primary = primary
        self._now = now
        self._nodes: dict[Key, _Node] = {}
        self._group = asyncio.TaskGroup()

    @property
    def is_live(self) -> bool:
        """Whether all nodes send now: each has a connection, and its primary host is there."""
        return all(node.is_live for node in self._nodes.values())

    async def __aenter__(self) -> Self:
        """Begin; the nodes connect when their machines publish."""
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Publish the deaths of the nodes, and disconnect."""
        for node in self._nodes.values():
            node.left.set()
        await self._group.__aexit__(None, None, None)

    async def publish(self, *publications: Publication) -> None:
        """Publish; what cannot be sent now is stored by its node, and sent as historical when it can."""
        foreign: dict[Key, list[AnyEvent]] = {}
        native: list[Publication] = []
        for publication in publications:
            asset = topics.parse(publication.topic).asset
            if self._is_sparkplug(asset):
                message = Message(publication.topic, publication.payload, received_at=self._now())
                foreign.setdefault(node_of(asset), []).extend(codec.decode(message))
            else:
                native.append(publication)
        if native:
            await self._otherwise.publish(*native)
        for key, found in foreign.items():
            await self._node(key).publish(found)

    def _node(self, key: Key) -> "_Node":
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = _Node(self._url, key, self._primary, self._now)
            self._group.create_task(node.run(), name=f"sparkplug {key}")
        return node


class _Node:
    """An edge node with its session."""

    def __init__(self, url: str, key: Key, primary: str, now: Callable[[], int]) -> None:
        self.left = asyncio.Event()
        self._url = url
        self._key = key
        self._now = now
        self._edge = EdgeNode(key, primary=primary)
        self._session: Session | None = None

    @property
    def is_live(self) -> bool:
        return self._is_connected and self._edge.is_live

    @property
    def _is_connected(self) -> bool:
        return self._session is not None and self._session.connected

    async def publish(self, events: list[AnyEvent]) -> None:
        session = self._session
        if not self._is_connected:
            self._edge.disconnected()
        sent = self._edge.publish(events, self._now())
        if sent and session is not None:
            await session.publish(*sent)

    async def run(self) -> None:
        """Stay connected until it is left; connect again where the primary host demands it, or the broker was away."""
        backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        left = asyncio.create_task(self.left.wait())
        try:
            while not self.left.is_set():
                try:
                    await self._connection(left)
                    backoff.reset()
                except SessionError as error:
                    pause_s = backoff.next_s()
                    _log.warning("not connected", node=str(self._key), cause=str(error), next_try_s=round(pause_s, 1))
                    await asyncio.wait([left], timeout=pause_s)
        finally:
            left.cancel()

    async def _connection(self, left: asyncio.Task[bool]) -> None:
        """Connect, and stay so until the node is left or has to leave.

        Raises:
            SessionError: it cannot connect.
        """
        async with Session(
            self._url,
            client_id=f"corridor-sparkplug-{self._key.group}-{self._key.node}",
            filters=self._edge.filters,
            will=self._edge.will,
            greeting=lambda: self._edge.connected(self._now()),
            farewell=self._edge.leaving,
        ) as session:
            self._session = session
            obeying = asyncio.create_task(self._obey(session))
            await asyncio.wait([left, obeying], return_when=asyncio.FIRST_COMPLETED)
            obeying.cancel()
            await asyncio.gather(obeying, return_exceptions=True)

    async def _obey(self, session: Session) -> None:
        """Do what commands and the state of the primary host demand, until the node has to leave."""
        async for batch in session.batches():
            for message in batch.messages:
                try:
                    await session.publish(*self._edge.receive(message, self._now()))
                except ContractError as error:
                    _log.warning("rejected", topic=message.topic, reason=str(error))
            batch.acknowledge()
            if self._edge.must_leave:
                return


def node_of(asset: str) -> Key:
    """Return the edge node of a machine: its line."""
    site, area, line, _ = asset.split("/")
    return Key(f"{site}:{area}", line)
