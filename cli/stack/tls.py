"""`corridor stack tls`: accepts devices by TLS, and passes their bytes on to the broker inside the stack.

So the certificate may come and go without a restart of the broker, and the broker needs none.
"""

import asyncio
import base64
import contextlib
import logging
import ssl
import tempfile
from pathlib import Path
from typing import Annotated, Final

import structlog
import typer

from broker.mqtt import address
from cli.invocation import options
from cli.invocation.errors import CommandError
from cli.running import loop
from services.wall.access.seldom import Seldom

MOST: Final = 500
"""So many connections at once: each takes up to 550 kB, most of it for TLS."""
HANDSHAKE_S: Final = 10.0
_AT_ONCE: Final = 16_384
_LAST_WORDS_S: Final = 2.0
_log = structlog.get_logger("corridor.tls")


def tls(
    *,
    broker: options.Broker = options.BROKER,
    tls_certificate: Annotated[str, typer.Option(help="The certificate, PEM in base64.")] = "",
    tls_key: Annotated[str, typer.Option(help="Its key, PEM in base64.")] = "",
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen on.")] = "0.0.0.0",  # noqa: S104
    port: Annotated[int, typer.Option(metavar="PORT", min=1, max=65_535, help="The port to listen on.")] = 8883,
) -> None:
    """Take mqtts:// and hand it on to the broker, until stopped (the stack runs this)."""
    if not (tls_certificate and tls_key):
        raise CommandError("there is no certificate", "run ./corridor stack init --tls")
    loop.log_to_stderr(logging.INFO)
    at = address.parse(broker)
    loop.run(serve(host, port, context(tls_certificate, tls_key), (at.host, at.port)))


def context(certificate: str, key: str) -> ssl.SSLContext:
    """Return what serves a certificate and key, both PEM in base64.

    Raises:
        CommandError: they are not what they should be.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        with tempfile.NamedTemporaryFile() as both:
            Path(both.name).write_bytes(
                base64.b64decode(certificate, validate=True) + base64.b64decode(key, validate=True)
            )
            made.load_cert_chain(both.name)
    except (ValueError, ssl.SSLError) as error:
        raise CommandError(
            f"the certificate cannot be used: {error}", "run ./corridor stack init --tls --name HOST"
        ) from error
    return made


async def serve(host: str, port: int, secure: ssl.SSLContext, broker: tuple[str, int], *, most: int = MOST) -> None:
    """Hand connections on until cancelled, at most so many at once; one more is ended before it costs anything."""
    count = 0
    full = Seldom("corridor.tls", "all connections are taken; new ones are ended")
    deaf = Seldom("corridor.tls", "the broker cannot be reached")

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        if count >= most:
            full(most=most)
            writer.transport.abort()
            return
        count += 1
        try:
            # Cancelled at the end of the program, it ends without an error.
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await hand_on(reader, writer)
        finally:
            count -= 1
            _end(writer)

    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Only now, so that one who does not shake hands is counted too.
        await writer.start_tls(secure, ssl_handshake_timeout=HANDSHAKE_S)
        try:
            inner_reader, inner_writer = await asyncio.open_connection(*broker, limit=_AT_ONCE)
        except OSError as error:
            deaf(error=str(error))
            return
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, inner_writer))
                group.create_task(_pump(inner_reader, writer))
        finally:
            _end(inner_writer)

    try:
        server = await asyncio.start_server(take, host, port, limit=_AT_ONCE)
    except OSError as error:
        raise CommandError(
            f"cannot listen on port {port} of {host}: {error.strerror}", "choose another --port"
        ) from error
    _log.info("devices may come in by TLS", port=port)
    async with server:
        await server.serve_forever()


def _end(writer: asyncio.StreamWriter) -> None:
    """End a connection: what is still to be sent has a moment, for the other side may read no more."""
    writer.close()
    asyncio.get_running_loop().call_later(_LAST_WORDS_S, writer.transport.abort)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what is read until it ends, then pass on the end."""
    with contextlib.suppress(OSError):
        while part := await reader.read(_AT_ONCE):
            writer.write(part)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
