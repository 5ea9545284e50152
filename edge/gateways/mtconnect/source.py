"""Reads MTConnect agents by HTTP, as a source for the dialect `mtconnect`.

Nothing that an agent still has is lost: samples are read from the sequence after the last one that the gateway has
dealt with, also when the connection, the agent or the gateway was lost between. What the agent does not have any more
is a gap: it is counted, a warning names it, and reading goes on with what is current. An agent that cannot be reached
is tried again with growing pauses, so that with the time to connect it is found again within ten seconds.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from broker import private_files
from broker.backoff import Backoff
from broker.contract.errors import ContractError
from broker.contract.wire_payload import LONGEST_PAYLOAD
from edge.dialects.naming import slug
from edge.dialects.shopfloor import mtconnect_xml
from edge.dialects.shopfloor.mtconnect import AGENT, TOPIC
from edge.gateways.mtconnect import position, slicing
from edge.gateways.mtconnect.agent import Address, Agent, AgentError
from edge.gateways.mtconnect.position import NEVER, Header, Position
from edge.gateways.polled import PolledSource

LONGEST_PAUSE_S: Final = 2.0
_OUT_OF_RANGE: Final = "OUT_OF_RANGE"
_APART: Final = 10**15
"""More than an agent's instance, which is seconds since 1970."""

_log: Final = structlog.get_logger("corridor.mtconnect")


class MTConnectSource(PolledSource):
    """See the module.

    Args:
        agents: where they are.
        folder: holds how far each was read.
        every_s: how often they send what was observed.
        now: returns the time, nanoseconds since 1970-01-01 UTC.

    Attributes:
        lost: observations that an agent had no more when it was asked for them.
        gaps: how often that was so.
    """

    def __init__(
        self,
        agents: Sequence[Address],
        folder: Path,
        every_s: float = 0.5,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        super().__init__(TOPIC, map(str, agents), now)
        private_files.make_folder(folder)
        self.lost = 0
        self.gaps = 0
        self._every_s = every_s
        self._readers = {str(one): _Reader(one, folder / f"{slug(str(one))}.json") for one in agents}

    async def _attend(self, name: str) -> None:
        reader = self._readers[name]
        backoff = Backoff(0.2, LONGEST_PAUSE_S)
        while True:
            try:
                async with Agent(reader.address, self._every_s) as agent:
                    await self._session(name, reader, agent, backoff)
            except _OtherInstanceError as error:
                _log.info("read again", agent=name, cause=str(error))
            except (AgentError, ContractError) as error:
                self._lost(name)
                await self._reached(reader, online=False)
                _log.warning("not read", agent=name, cause=str(error))
            await asyncio.sleep(backoff.next_s())

    async def _session(self, name: str, reader: "_Reader", agent: Agent, backoff: Backoff) -> None:
        """Read an agent's model and what is current, then what it observes.

        Raises:
            AgentError: it cannot be reached any more.
            ContractError: a document of it cannot be read.
            _OtherInstanceError: it was started again, or has not what is next any more.
        """
        await self._begin(name, reader, agent)
        self._online.add(name)
        await self._reached(reader, online=True)
        while True:
            is_all = True
            async for payload in agent.sample(reader.next):
                is_all = await self._sample(name, reader, payload)
                backoff.reset()
            if is_all:
                await asyncio.sleep(agent.every_s)  # an agent that does not stream

    async def _begin(self, name: str, reader: "_Reader", agent: Agent) -> None:
        current = await self._read("Current", await agent.document("current"))
        header = Header.of(current)
        if reader.instance != header.instance:
            model = await self._read("Probe", await agent.document("probe"))
            reader.learn(model)
            for message in slicing.models(model):
                await self._put("Probe", message)
        known = reader.known
        start = position.start(known, header, skip=reader.is_unreadable)
        reader.is_unreadable = False
        reader.restarts += reader.instance == header.instance and position.is_another(known, header)
        if start.lost:
            self._note_gap(name, start.lost)
        if reader.instance == NEVER and known.next == start.next > header.first:
            current = await self._at(agent, start.next - 1) or current
        reader.instance, reader.next = header.instance, start.next
        await self._pass_on("Current", reader, slicing.rows(current, reader.agents), start.next)

    async def _at(self, agent: Agent, sequence: int) -> dict[str, Any] | None:
        """Return what was current at a sequence, where the agent knows: what a new process has to know of the past."""
        found = mtconnect_xml.read(await agent.document("current", at=sequence))
        return found if "MTConnectStreams" in found else None

    async def _sample(self, name: str, reader: "_Reader", payload: bytes) -> bool:
        """Pass a document of observations on, and return whether the agent has no more of them now.

        Raises:
            AgentError: it is a document of errors.
            ContractError: it cannot be read.
            _OtherInstanceError: the agent was started again, or has not what is next any more.
        """
        try:
            document = await self._read("Sample", payload)
            header = Header.of(document)
        except ContractError:
            reader.is_unreadable = True  # the next attempt would bring the same document
            raise
        if header.instance != reader.instance:
            raise _OtherInstanceError("it was started again")
        if header.next < reader.next:
            raise _OtherInstanceError("its sequence went back")
        found = slicing.rows(document, reader.agents)
        begins = min((row.sequence for row in found), default=reader.next)
        if header.first > reader.next and begins > reader.next:
            self._note_gap(name, min(header.first, begins) - reader.next)
        reader.next = header.next
        await self._pass_on("Sample", reader, found, header.next)
        return header.next > header.last

    async def _read(self, kind: str, payload: bytes) -> dict[str, Any]:
        """Return a document; one that cannot be read goes to the dialect, which rejects it and is counted.

        Raises:
            AgentError: it is one of errors.
            ContractError: it cannot be read.
            _OtherInstanceError: the agent has not what is asked for.
        """
        try:
            return _checked(kind, mtconnect_xml.read(payload))
        except ContractError:
            await self._put(kind, payload[:LONGEST_PAYLOAD])
            raise

    async def _pass_on(self, kind: str, reader: "_Reader", found: list[slicing.Row], before: int) -> None:
        """Hand observations over that are before a sequence: those from it on come with the samples.

        When the gateway is done with the last of them, that sequence is stored as the next one.
        """
        messages = list(slicing.streams(reader.dialects_instance, [row for row in found if row.sequence < before]))
        done = partial(reader.done, reader.known)
        for message in messages[:-1]:
            await self._put(kind, message)
        if messages:
            await self._put(kind, messages[-1], done=done)

    async def _reached(self, reader: "_Reader", *, online: bool) -> None:
        if reader.devices:
            await self._put_json(AGENT, {"online": online, "devices": reader.devices})

    def _note_gap(self, name: str, lost: int) -> None:
        self.gaps += 1
        self.lost += lost
        _log.warning(
            "the agent has not what was next any more",
            agent=name,
            lost=lost,
            lost_in_all=self.lost,
            hint="let it store more, with BufferSize in agent.cfg",
        )


class _OtherInstanceError(Exception):
    """Samples cannot be read on from where they were: what is current has to be read first."""


class _Reader:
    """How far one agent was read.

    Attributes:
        instance: of the agent, as this process read it; `NEVER` where it did not yet.
        next: the sequence of what is read next.
        devices: uuid and name of each device.
        agents: uuids of what is no machine but the agent itself.
        is_unreadable: the document that begins with `next` cannot be read.
        restarts: how often the agent was started again under the same instance.
    """

    def __init__(self, address: Address, file: Path) -> None:
        stored = position.load(file)
        self.address = address
        self.instance = NEVER
        self.next = stored.next
        self.devices = stored.devices
        self.agents: frozenset[str] = frozenset()
        self.is_unreadable = False
        self.restarts = 0
        self._file = file
        self._stored = stored

    @property
    def known(self) -> Position:
        """How far it was read, by this process, or else the one before it."""
        instance = self._stored.instance if self.instance == NEVER else self.instance
        return Position(instance, self.next, self.devices)

    @property
    def dialects_instance(self) -> int:
        """The instance as the dialect gets it, another one at each start of the agent."""
        return self.instance + self.restarts * _APART

    def learn(self, model: dict[str, Any]) -> None:
        """Take the devices of a model."""
        kinds = model["MTConnectDevices"]["Devices"]
        self.devices = tuple((one["uuid"], one["name"]) for one in kinds["Device"])
        self.agents = frozenset(one["uuid"] for one in kinds["Agent"])

    def done(self, reached: Position) -> None:
        """Store how far the gateway has dealt with it."""
        try:
            position.save(self._file, reached)
        except (OSError, msgspec.EncodeError) as error:
            _log.error("the position cannot be stored", file=str(self._file), error=str(error))


def _checked(kind: str, document: dict[str, Any]) -> dict[str, Any]:
    """Return a document that is what was asked for.

    Raises:
        AgentError: it is one of errors.
        ContractError: it is another.
        _OtherInstanceError: the agent has not what is asked for.
    """
    if errors := document.get("MTConnectError"):
        codes = {one["errorCode"]: one["value"] for one in errors["Errors"]["Error"]}
        if _OUT_OF_RANGE in codes:
            raise _OtherInstanceError(codes[_OUT_OF_RANGE] or _OUT_OF_RANGE)
        raise AgentError(f"the agent answers {kind} with {'; '.join(map(': '.join, codes.items()))}")
    expected = "MTConnectDevices" if kind == "Probe" else "MTConnectStreams"
    if expected not in document:
        raise ContractError(f"the document is {next(iter(document))}, not {expected}", "name an agent's address")
    return document
