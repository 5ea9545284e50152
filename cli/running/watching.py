"""How a service is seen from outside: a heartbeat file, `/healthz` and `/metrics`, or the wall of the same process."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from broker.mqtt.session import Session
from cli.invocation.errors import CommandError
from cli.running.health_server import answering
from cli.running.heartbeat import beating
from services.health.vitals import Vitals
from services.store.interface import Store

Heartbeat = Annotated[
    Path | None,
    typer.Option("--heartbeat", metavar="FILE", help="Written each few seconds: `ok`, or what is wrong."),
]
HealthPort = Annotated[
    int | None,
    typer.Option(metavar="PORT", min=0, max=65_535, help="Answer /healthz and /metrics there; nowhere if left out."),
]
HealthHost = Annotated[str, typer.Option(metavar="ADDRESS", help="The address for these two.")]


class Watch(msgspec.Struct, frozen=True):
    """Who sees how a service stands.

    Attributes:
        heartbeat: the file that is written; None for none.
        host: the address at which `/healthz` and `/metrics` are answered.
        port: their port; None for none.
        known: the services of this process that are known so far; each adds itself.
    """

    heartbeat: Path | None = None
    host: str = "127.0.0.1"
    port: int | None = None
    known: list[Vitals] = msgspec.field(default_factory=list)


@contextlib.asynccontextmanager
async def watching(watch: Watch, service: str, session: Session, store: Store | None = None) -> AsyncIterator[Vitals]:
    """Let a service be seen as long as the context lasts.

    Raises:
        CommandError: the port for `/healthz` cannot be listened on.
    """
    vitals = Vitals(service, session, store)
    watch.known.append(vitals)
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(answering([vitals], watch.host, watch.port))
        except OSError as error:
            raise CommandError(
                f"/healthz cannot be answered at {watch.host}:{watch.port}: {error.strerror or error}",
                "choose another with --health-port",
            ) from error
        await stack.enter_async_context(beating(watch.heartbeat, vitals))
        try:
            yield vitals
        finally:
            watch.known.remove(vitals)
