"""How a service is seen from outside: by `/healthz` and `/metrics` of its own, or by the wall of the same process."""

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
import typer

from broker.source import Carrier
from cli.invocation.errors import CommandError
from cli.running.health_server import answering
from services.health.vitals import Vitals
from services.store.interface import Store

HealthPort = Annotated[
    int | None,
    typer.Option(
        metavar="PORT", min=0, max=65_535, help="Answer /healthz and /metrics on this port; left out, on none."
    ),
]
HealthHost = Annotated[str, typer.Option(metavar="ADDRESS", help="The address of --health-port.")]


class Watch(msgspec.Struct, frozen=True):
    """Who sees how a service stands.

    Attributes:
        host: the address at which `/healthz` and `/metrics` are answered.
        port: their port; None for none.
        known: the services of this process that are known so far; each adds itself.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    known: list[Vitals] = msgspec.field(default_factory=list)


@contextlib.asynccontextmanager
async def watching(watch: Watch, service: str, carrier: Carrier, store: Store | None = None) -> AsyncIterator[Vitals]:
    """Let a service be seen as long as the context lasts.

    Raises:
        CommandError: the port for `/healthz` cannot be listened on.
    """
    vitals = Vitals(service, carrier, store)
    watch.known.append(vitals)
    async with answering_for(Watch(watch.host, watch.port, [vitals])):
        try:
            yield vitals
        finally:
            watch.known.remove(vitals)


@contextlib.asynccontextmanager
async def answering_for(watch: Watch) -> AsyncIterator[None]:
    """Answer `/healthz` and `/metrics` for all that `watch` knows, also from later on, as long as the context lasts.

    Raises:
        CommandError: the port cannot be listened on.
    """
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(answering(watch.known, watch.host, watch.port))
        except OSError as error:
            raise CommandError(
                f"/healthz cannot be answered at {watch.host}:{watch.port}: {error.strerror or error}",
                "choose another with --health-port",
            ) from error
        yield
