"""The programs of others that a soak runs: a broker, and InfluxDB."""

import asyncio
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx

from broker.mqtt.session import Session, SessionError
from broker.server import mosquitto, nats
from cli.invocation.errors import CommandError
from cli.soak import influxd
from cli.soak.outcome import Settings
from cli.soak.processes import Part

_LOOK_S: Final = 0.05


async def started(part: Part) -> None:
    """Start a part.

    Raises:
        CommandError: it does not start; the text ends with its log.
    """
    try:
        await part.start()
    except TimeoutError as error:
        log = part.log.read_text(errors="replace")[-500:]
        raise CommandError(f"{part.name} does not start: {log}", "fix that and run it again") from error


def broker_part(settings: Settings, port: int) -> Part:
    """Return the broker of a soak.

    Raises:
        CommandError: it is not installed.
    """
    folder = settings.folder / "broker"
    folder.mkdir()
    program = mosquitto.find() if settings.broker == "mosquitto" else nats.find()
    if program is None:
        raise CommandError(f"{settings.broker} is not installed", "install it, or choose the other with --broker")
    if settings.broker == "mosquitto":
        arguments = mosquitto.configure(folder, "127.0.0.1", port, None)
    else:
        arguments = nats.configure(folder, "127.0.0.1", port, None)

    async def ready() -> None:
        while True:
            try:
                async with Session(f"mqtt://127.0.0.1:{port}", client_id="soak-ready"):
                    return
            except SessionError:
                await asyncio.sleep(_LOOK_S)

    return Part(settings.broker, [str(program), *arguments], settings.folder, ready)


def influxd_part(folder: Path, port: int, rpc_port: int) -> Part:
    """Return the InfluxDB of a soak.

    Raises:
        CommandError: it is not installed.
    """
    program = influxd.find()
    if program is None:
        raise CommandError("influxd (InfluxDB 1) is not installed", "install it, or soak --store sqlite")
    file = influxd.configure(folder / "influxdb", port, rpc_port)

    async def ready() -> None:
        async with httpx.AsyncClient() as web:
            while True:
                with suppress(httpx.HTTPError):
                    await web.get(f"http://127.0.0.1:{port}/ping")
                    return
                await asyncio.sleep(_LOOK_S)

    return Part("influxd", [str(program), "-config", str(file)], folder, ready)


def free_ports(count: int) -> list[int]:
    """Return ports that are free now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
