"""Subscribes to the servers of a mapping file, as a source for the dialect `opcua`.

A connection that is lost while the server lives is restored with its subscription, and what the server queued meanwhile
is received. A server that was started again, whose namespaces may have other numbers, is subscribed to from the
beginning.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import structlog
from asyncua import Client, Node, ua
from asyncua.client.ua_client import UaClientState
from asyncua.common.subscription import DataChangeNotif
from asyncua.ua.uaerrors import UaError

from broker.backoff import Backoff
from broker.contract.instants import from_datetime
from edge.dialects.opcua.mapping import Server
from edge.dialects.opcua.translator import ONLINE, TOPIC
from edge.gateways.opcua.connection import (
    LONGEST_PAUSE_S,
    NoAnswerError,
    OpcUaError,
    client_of,
    node_id,
    own_certificate,
)
from edge.gateways.opcua.problems import cause_of
from edge.gateways.polled import PolledSource

_AT_ONCE: Final = 500
"""Monitored items that one request makes, and values that one message has."""
_QUEUED_BY_SERVER: Final = 16
"""Values of one node that the server stores between two publications; the oldest is dropped first."""
_QUEUED: Final = 100_000
"""Values that wait here; beyond, the connection is made again, rather than that some are lost unnoticed."""
_PROBED_AFTER_S: Final = 30.0
"""After this time it is found out why a connection is not restored, seconds."""
_START_TIME: Final = ua.NodeId.from_string("i=2257")
"""The node of when a server was started."""
_PLAIN: Final = (bool, int, float, str)

_log: Final = structlog.get_logger("corridor.opcua")


class OpcUaSource(PolledSource):
    """See the module.

    Args:
        servers: by their names.
        folder: holds certificates.
        now: returns the time, nanoseconds since 1970-01-01 UTC.
    """

    def __init__(self, servers: Mapping[str, Server], folder: Path, now: Callable[[], int] = time.time_ns) -> None:
        super().__init__(TOPIC, servers, now)
        self._servers = servers
        self._folder = folder
        self._texts: dict[str, dict[ua.NodeId, str]] = {}

    async def _attend(self, name: str) -> None:
        backoff = Backoff(0.5, LONGEST_PAUSE_S)
        while True:
            try:
                await self._session(name, self._servers[name], backoff)
            except Exception as error:  # noqa: BLE001  (whatever the client raises, it is this server's)
                self._lost(name)
                await self._put_json(name, {ONLINE: False})
                pause_s = backoff.next_s()
                cause = cause_of(error, self._servers[name], own_certificate(self._folder))
                _log.warning("not connected", server=name, cause=cause, next_try_s=round(pause_s, 1))
                await asyncio.sleep(pause_s)

    async def _session(self, name: str, server: Server, backoff: Backoff) -> None:
        """Connect, subscribe, and pass on what comes, until the server ends or is another.

        Raises:
            OSError: it cannot be reached any more.
            TimeoutError: it does not answer.
            UaError: it rejects what it is asked for.
        """
        client = await client_of(name, server, self._folder)
        try:
            await client.connect()
            begun = await _began(client)
            received = _Received()
            client.connection_lost_callback = received.connection_lost
            await self._subscribe(name, server, client, received)
            backoff.reset()
            await self._there(name)
            while True:
                await received.something.wait()
                if received.is_lost:
                    await self._restored(name, client, begun)
                    received.is_lost = False
                await self._pass_on(name, received.taken())
        finally:
            await _leave(client)

    async def _there(self, name: str) -> None:
        self._online.add(name)
        await self._put_json(name, {ONLINE: True})

    async def _restored(self, name: str, client: Client, begun: Any) -> None:
        """Wait until a lost connection is there again.

        Raises:
            OpcUaError: the server is not the one that it was: it has been started again.
        """
        self._lost(name)
        await self._put_json(name, {ONLINE: False})
        _log.warning("connection lost", server=name)
        async with client.subscribe_state() as states:
            while not await _is_connected(states):
                await self._probe(name)
        if await _began(client) != begun:
            raise OpcUaError("the server was started again")
        await self._there(name)

    async def _probe(self, name: str) -> None:
        """Try a connection beside the one that is not restored; return while the server cannot be reached.

        Raises:
            OpcUaError: it can be: the subscription is to begin again.
            UaError: it lets the gateway in no more.
        """
        try:
            async with await client_of(name, self._servers[name], self._folder):
                pass
        except OSError as error:
            if isinstance(error, OpcUaError) and not isinstance(error, NoAnswerError):
                raise
            _log.warning("not connected", server=name, cause=str(error) or "no answer")
        else:
            raise OpcUaError("the connection was not restored, but another one is made")

    async def _subscribe(self, name: str, server: Server, client: Client, received: "_Received") -> None:
        namespaces = await client.get_namespace_array()
        subscription = await client.create_subscription(server.every_s * 1_000, received)
        nodes: dict[ua.NodeId, str] = {}
        for text in dict.fromkeys(value.node for value in server.value):
            try:
                nodes[node_id(text, namespaces)] = text
            except ValueError as error:
                _log.warning("rejected", server=name, node=text, cause=str(error))
        self._texts[name] = nodes
        for some in _slices(list(nodes), _AT_ONCE):
            asked = [client.get_node(one) for one in some]
            results = await subscription.subscribe_data_change(
                asked, queuesize=_QUEUED_BY_SERVER, sampling_interval=ua.Double(server.every_s * 1_000 / 2)
            )
            for node, result in zip(some, results, strict=True):
                if isinstance(result, ua.StatusCode):
                    _log.warning("rejected", server=name, node=nodes[node], cause=result.name)

    async def _pass_on(self, name: str, found: Sequence[tuple[ua.NodeId, ua.DataValue]]) -> None:
        texts = self._texts[name]
        for some in _slices(found, _AT_ONCE):
            await self._put_json(name, {"values": [_described(texts[node], value) for node, value in some]})


class _Received:
    """What a subscription has received, and whether its connection was lost."""

    def __init__(self) -> None:
        self.something = asyncio.Event()
        self.is_lost = False
        self._values: list[tuple[ua.NodeId, ua.DataValue]] = []

    def datachange_notification(self, node: Node, _: Any, data: DataChangeNotif) -> None:
        """Take a change of a node; asyncua calls it."""
        self._values.append((node.nodeid, data.monitored_item.Value))
        self.something.set()

    async def connection_lost(self, _: Exception) -> None:
        """Note that the connection is lost; asyncua calls it."""
        self.is_lost = True
        self.something.set()

    def taken(self) -> list[tuple[ua.NodeId, ua.DataValue]]:
        """Return what waits, which is no more here then.

        Raises:
            OpcUaError: more came than can be passed on.
        """
        found, self._values = self._values, []
        self.something.clear()
        if len(found) > _QUEUED:
            raise OpcUaError(f"more than {_QUEUED:,} values wait; publish more seldom, with every")
        return found


def _slices(found: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(found), most):
        yield found[start : start + most]


async def _is_connected(states: Any) -> bool:
    """Wait a while until a client is connected; return whether it is."""
    try:
        await states.wait_for_state(UaClientState.CONNECTED, _PROBED_AFTER_S)
    except TimeoutError:
        return False
    return True


async def _began(client: Client) -> Any:
    """Return when a server was started."""
    return await client.get_node(_START_TIME).read_value()


async def _leave(client: Client) -> None:
    with suppress(OSError, TimeoutError, UaError, asyncio.TimeoutError):
        await client.disconnect()


def _described(text: str, data: ua.DataValue) -> dict[str, Any]:
    """Return a change of a node as the dialect reads it."""
    status = data.StatusCode.value if data.StatusCode is not None else 0
    at = data.SourceTimestamp or data.ServerTimestamp
    value = None if data.Value is None else _plain(data.Value.Value)
    found: dict[str, Any] = {"node": text, "status": status, "value": value}
    if at is not None:
        found["time"] = from_datetime(at if at.tzinfo else at.replace(tzinfo=UTC))
    return found


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: a text of a language is its text; a structure is marked as one."""
    if isinstance(value, ua.LocalizedText):
        return value.Text
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, _PLAIN):
        return value
    return [] if isinstance(value, (list, tuple)) else {}
