"""Running gateways: for each dialect a session to the devices' broker and one to the plant's, a spool and receipts."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec
import structlog
import typer

from broker.backoff import Backoff
from broker.contract import durations
from broker.mqtt import address
from broker.mqtt.session import Session, SessionError, SessionTakenOver
from broker.plant.plant import Plant
from cli.invocation.errors import CommandError
from cli.running import announcing
from cli.running.alone import alone
from cli.running.watching import Watch, answering_for
from edge.dialects import DIALECTS
from edge.dialects.dialect import Dialect, Setup
from edge.dialects.opcua import mapping as opcua_mapping
from edge.dialects.shopfloor import modbus_map
from edge.gateways.gateway import Gateway
from edge.gateways.homeassistant.announcement import BASE
from edge.gateways.modbus import ModbusSource
from edge.gateways.mtconnect import agent as mtconnect_agent
from edge.gateways.mtconnect.source import MTConnectSource
from edge.gateways.polled import PolledSource
from edge.gateways.receipts import Receipts
from edge.gateways.spool import Spool
from services.health.vitals import Vitals


def _opcua(setup: Setup, folder: Path) -> PolledSource:
    servers = opcua_mapping.parse(setup.mapping)
    needs_asyncua()
    from edge.gateways.opcua.source import OpcUaSource  # noqa: PLC0415  (an extra)

    return OpcUaSource(servers, folder / "opcua")


POLLED: Final[dict[str, Callable[[Setup, Path], PolledSource]]] = {
    "modbus": lambda setup, _: ModbusSource(modbus_map.parse(setup.mapping)),
    "opcua": _opcua,
}
"""The dialects whose devices publish nothing: what reads them, with its own folder."""

MTCONNECT: Final = "mtconnect"
HOME_ASSISTANT: Final = "homeassistant"
_LONGEST_EVERY_S: Final = 60.0

_log: Final = structlog.get_logger("corridor.gateway")


class Link(msgspec.Struct, frozen=True):
    """From where to where gateways translate.

    Attributes:
        source: the devices' broker.
        target: the plant's.
        folder: holds the spool and the receipts of each gateway.
        topics: of the devices; none for those of each dialect.
        agents: addresses of MTConnect agents, which are asked by HTTP; without one, `mtconnect` is of a broker.
        announces: the plant's machines are announced to Home Assistant, at the source, in place of reading from there.
        plant: has the titles of machines that are announced.
    """

    source: str
    target: str
    folder: Path
    topics: Sequence[str] = ()
    agents: Sequence[str] = ()
    announces: bool = False
    plant: Plant | None = None

    def polls(self, dialect: str) -> bool:
        """Return whether the gateway fetches from the devices of a dialect itself."""
        return dialect in POLLED or (dialect == MTCONNECT and bool(self.agents))


def needs_asyncua() -> None:
    """Raise where OPC UA cannot be spoken.

    Raises:
        CommandError: the extra is not installed.
    """
    if find_spec("asyncua") is None:
        raise CommandError("OPC UA needs asyncua", f"in a checkout: {sys.executable} -m pip install '.[opcua]'")


def announced(setup: Setup, link: Link) -> announcing.Announced:
    """Return what is announced to Home Assistant, by the settings of a gateway."""
    base = setup.options.get("base", BASE)
    return announcing.Announced(link.source, link.target, link.folder, setup.place, link.topics, base, link.plant)


async def run_gateways(dialects: Sequence[str], setup: Setup, link: Link, watch: Watch) -> None:
    """Run dialects, each on sessions of its own.

    Raises:
        CommandError: the port for `/healthz` cannot be listened on, or another gateway has the same folder.
        SessionError: a broker cannot be reached at the start; later it is waited for.
    """
    async with answering_for(watch), asyncio.TaskGroup() as group:
        for name in dialects:
            group.create_task(_run(name, setup, link, watch))


async def keep_running(dialects: Sequence[str], setup: Setup, link: Link, watch: Watch) -> None:
    """Run dialects beside other services, which go on while a broker of the devices cannot be reached."""
    async with asyncio.TaskGroup() as group:
        for name in dialects:
            group.create_task(_run_with_retry(name, setup, link, watch))


async def _run_with_retry(name: str, setup: Setup, link: Link, watch: Watch) -> None:
    backoff = Backoff(1.0)
    while True:
        try:
            await _run(name, setup, link, watch)
        except* (SessionError, SessionTakenOver) as errors:
            pause_s = backoff.next_s()
            _log.warning(
                "the gateway waits", dialect=name, error=str(errors.exceptions[0]), next_try_s=round(pause_s, 1)
            )
            await asyncio.sleep(pause_s)


async def _run(name: str, setup: Setup, link: Link, watch: Watch) -> None:
    if name == HOME_ASSISTANT and link.announces:
        await announcing.run(announced(setup, link), watch)
        return
    dialect = DIALECTS[name].make(setup)
    is_polled = link.polls(name)
    if not is_polled and not (link.topics or dialect.filters):
        raise CommandError(
            f"{name} has no topics of its own",
            "describe the messages with --mapping FILE; `corridor map suggest` writes a first one",
        )
    if name in POLLED and not setup.mapping:
        raise CommandError(f"{name} reads devices that a file names", "name it with --mapping FILE")
    own = f"{name}-agent" if is_polled and name == MTCONNECT else name
    client = "-".join(("corridor-gateway", own, *(setup.asset or setup.place).split("/")))
    folder = link.folder / client
    with (
        alone(folder / "lock", f"another gateway of {name} runs for this place", "stop it, or choose another --place"),
        contextlib.closing(Spool(folder / "spool")) as spool,
        contextlib.closing(Receipts(folder / "receipts")) as receipts,
    ):
        async with (
            _source(name, dialect, setup, link, folder) as incoming,
            Session(link.target, client_id=f"{client}-out") as outgoing,
        ):
            vitals = [Vitals(f"gateway-{name}", incoming), Vitals(f"gateway-{name}-out", outgoing)]
            vitals[0].spool = spool
            vitals[0].lossy = incoming if isinstance(incoming, MTConnectSource) else None
            watch.known.extend(vitals)
            begin = "the devices" if is_polled else address.parse(link.source)
            typer.echo(f"{DIALECTS[name].title}: {begin} to {address.parse(link.target)}", err=True)
            try:
                await Gateway(
                    incoming,
                    dialect,
                    outgoing,
                    answering=incoming,
                    spool=spool,
                    receipts=receipts,
                    on_rejected=lambda rejection: vitals[0].rejected.add(rejection.problem),
                ).run()
            finally:
                for each in vitals:
                    watch.known.remove(each)


def _source(
    name: str, dialect: Dialect, setup: Setup, link: Link, folder: Path
) -> AbstractAsyncContextManager[Session | PolledSource]:
    """Return what the messages of a dialect come from: a broker, or the devices themselves."""
    if name in POLLED:
        return POLLED[name](setup, folder)
    if link.polls(name):
        return _agents(setup, link.agents, folder)
    return Session(
        link.source,
        client_id=folder.name,
        filters=link.topics or dialect.filters,
        persistent=dialect.persistent,
        will=lambda: dialect.will(time.time_ns()),
        greeting=lambda: dialect.connected(time.time_ns()).requests,
        farewell=lambda: dialect.leaving(time.time_ns()).requests,
    )


def _agents(setup: Setup, agents: Sequence[str], folder: Path) -> MTConnectSource:
    every_s = durations.parse(setup.options.get("every", "500ms"))
    if not 0 < every_s <= _LONGEST_EVERY_S:
        raise CommandError(f"every is not between 0 and {_LONGEST_EVERY_S:g} s", "write --set every=500ms")
    try:
        known = [mtconnect_agent.parse(one) for one in agents]
    except mtconnect_agent.AgentError as error:
        raise CommandError(str(error), "see docs/how-to/mtconnect-agent.md") from error
    return MTConnectSource(known, folder / "agents", every_s)
