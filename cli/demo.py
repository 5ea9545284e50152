"""`corridor demo`: broker, simulated machines, store, ledger and wall, in one process beside the broker's.

Nothing is done here but wiring: each part is the same function that its own command runs.
"""

import asyncio
import contextlib
import errno
import secrets
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Final

import typer
from msgspec import structs

from broker.contract import instants
from broker.contract.events import NS_PER_S
from broker.mqtt import address
from broker.mqtt.loopback import is_loopback
from broker.plant.plant import Plant
from broker.private_files import make_folder
from broker.server.accounts import DEMO_USER
from broker.server.credentials.password_files import PasswordFiles
from broker.server.embedded import EmbeddedBroker, Kind, PortInUse
from cli import past_processes, services
from cli.gateways import configured
from cli.invocation import floors, options, progress, times
from cli.invocation.errors import CommandError
from cli.running import loop
from cli.running.alone import alone
from cli.running.gateways import keep_running
from cli.running.services import clock_at, run_ingest, run_kpi, run_simulator, run_wall
from cli.running.stores import PLANT_METADATA, opened, plant_of
from cli.running.watching import Watch
from edge.simulation.simulator import Simulator
from services.store.opening import default_url

PAST_NS: Final = 8 * 3_600 * NS_PER_S
SPEED_HELP: Final = (
    "60: an hour a minute. The data is then ahead of the computer's clock, and stays so at each later start: messages "
    "of a device with the right time count in its past. Use a --data folder of its own for it."
)
_TRIES: Final = 50
_AHEAD_NS: Final = 60 * NS_PER_S
"""As devices' clocks are wrong by seconds, only more than this is reported."""


def demo(
    *,
    port: services.Port = 8080,
    mqtt_port: Annotated[int, typer.Option(metavar="PORT", min=1, max=65_535, help="The port of the broker.")] = 1883,
    host: services.Host = "127.0.0.1",
    allow_host: services.AllowHost = "",
    speed: Annotated[
        float, typer.Option(metavar="N", min=0.1, max=1_000, callback=times.finite, help=SPEED_HELP)
    ] = 1.0,
    for_: Annotated[
        float | None, typer.Option("--for", metavar="D", parser=times.duration_s, help="Stop after 30s, 8h …")
    ] = None,
    data: options.Data,
    plant: floors.PlantFile = None,
    district: floors.Districts = None,
    all_: floors.All = False,
    broker: Annotated[
        str, typer.Option(metavar="URL", help="Use this broker; or mosquitto or nats, to choose the embedded one.")
    ] = "",
    simulator: Annotated[bool, typer.Option(help="Run the simulated machines.")] = True,
) -> None:
    """Show a live shop floor in the browser: broker, machines, ledger and wall in one go. Ctrl-C ends it."""
    loop.log_to_stderr()
    # Without simulated machines the floor is the user's own: that of the file, or of an earlier start's store.
    floor = floors.chosen(plant, district, all_=all_)
    described = floor.plant if simulator or not floor.is_default else None
    password = "" if is_loopback(host) else _password(data)
    with alone(
        data / "demo.lock",
        f"another demo is running on the data in {data}",
        "stop it, or choose another folder with --data",
    ):
        try:
            loop.run(
                _demo(
                    data,
                    described,
                    at=(host, port, mqtt_port),
                    allow_hosts=services.host_names(allow_host),
                    password=password,
                    speed=speed,
                    broker=broker,
                    simulated_from=floor.source if simulator else None,
                ),
                seconds=for_,
            )
        finally:
            _print(f"stopped; the data is in {data}")


async def _demo(
    data: Path,
    described: Plant | None,
    *,
    at: tuple[str, int, int],
    allow_hosts: tuple[str, ...],
    password: str,
    speed: float,
    broker: str,
    simulated_from: str | None,
) -> None:
    host, port, mqtt_port = at
    async with opened(default_url(data)) as store, _broker(data, host, mqtt_port, password, broker) as url:
        gateway = configured(data, url)
        plant = described or await plant_of(store, None)
        await store.set_metadata(PLANT_METADATA, plant.text)
        newest = max((machine.last for machine in await store.machines()), default=0)
        _warn_of_time(newest, speed, data)
        clock = clock_at(max(time.time_ns(), newest), speed)
        port = _free(host, port, "wall")
        simulator = Simulator(plant, data, source=simulated_from) if simulated_from else None
        if simulator is not None and (simulator.is_past_unfinished or (simulator.is_new and not newest)):
            now = clock.now()
            with progress.shown("simulating the last eight hours of the plant") as report:
                between = (now - PAST_NS, now)
                await past_processes.make(simulator, (store, default_url(data)), data, between, report)
        ready = asyncio.Event()
        watch = Watch()
        async with asyncio.TaskGroup() as parts:
            # The simulator is in the body: when the demo ends, it publishes "offline" before services are cancelled.
            tasks = [
                parts.create_task(run_ingest(url, store, clock.now, watch=watch)),
                parts.create_task(run_kpi(url, store, plant, clock.now, watch=watch)),
                parts.create_task(
                    run_wall(
                        url,
                        store,
                        plant,
                        clock.now,
                        host=host,
                        port=port,
                        watch=watch,
                        password=password or None,
                        allow_hosts=allow_hosts,
                        ready=ready,
                        registrar=PasswordFiles(data / "broker") if password and not broker else None,
                    )
                ),
            ]
            if gateway is not None:
                names, setup, link = gateway
                link = structs.replace(link, plant=plant)
                tasks.append(parts.create_task(keep_running(names, setup, link, watch)))
            try:
                await ready.wait()
                _introduce(host, port, url, data, password)
                if simulator is not None:
                    await run_simulator(url, simulator, clock, watch=watch)
                else:
                    await asyncio.Event().wait()
            finally:
                for task in tasks:
                    task.cancel()


def _warn_of_time(newest: int, speed: float, data: Path) -> None:
    """Warn how far the data is ahead of the computer's clock, or that it will be."""
    ahead_ns = newest - time.time_ns()
    if ahead_ns > _AHEAD_NS:
        until = instants.format_rfc3339(newest // NS_PER_S * NS_PER_S)
        _print(f"WARNING: the data in {data} is {times.in_words(ahead_ns / NS_PER_S)} ahead of this computer's clock,")
        _print("  because it ran with --speed. The plant's time continues from there; messages of a device with the")
        _print(f"  right time count in its past. Choose another folder with --data, or wait until {until}")
    elif speed > 1:
        _print(f"at --speed {speed:g} the data in {data} runs ahead of this computer's clock, and stays ahead at later")
        _print("  starts: for devices with the right time choose another folder with --data")


def _introduce(host: str, port: int, url: str, data: Path, password: str) -> None:
    broker = address.parse(url)
    shown = "127.0.0.1" if is_loopback(host) else (socket.gethostname() if host in {"0.0.0.0", "::"} else host)  # noqa: S104
    login = f" -u {DEMO_USER} -P '…'" if password else ""
    _print(f"  wall    http://{shown}:{port}/")
    _print(f"  broker  mqtt://{broker.host}:{broker.port}")
    _print(f"  data    {data}")
    _print(f"  join    mosquitto_pub -h {shown} -p {broker.port}{login} -q 1 \\")
    _print("            -t corridor/v1/my-site/shop/line-1/lathe-1/state -m running")
    typer.echo("ready")


# ---- The parts' surroundings ----


@contextlib.asynccontextmanager
async def _broker(data: Path, host: str, port: int, password: str, given: str) -> AsyncIterator[str]:
    """Give the URL of a broker: the one that was given, else one of our own on the next free port."""
    kind: Kind | None = "mosquitto" if given == "mosquitto" else "nats" if given == "nats" else None
    if given and kind is None:
        yield given
        return
    user = DEMO_USER if password else None
    async with contextlib.AsyncExitStack() as stack:
        for candidate in range(port, port + _TRIES):
            own = EmbeddedBroker(
                data / "broker", host=host, port=candidate, user=user, password=password or None, kind=kind
            )
            try:
                await stack.enter_async_context(own)
            except PortInUse:
                _print(f"port {candidate} is in use by another program; the broker tries {candidate + 1}")
                continue
            if own.note:
                _print(own.note)
            group = await stack.enter_async_context(asyncio.TaskGroup())
            watch = group.create_task(own.wait())
            stack.callback(watch.cancel)
            yield own.url
            return
        raise CommandError(f"no port from {port} to {port + _TRIES - 1} is free", "choose another with --mqtt-port")


def _free(host: str, port: int, what: str) -> int:
    """Return the first port from `port` on that nobody listens on."""
    for candidate in range(port, port + _TRIES):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise CommandError(
                        f"the {what} cannot listen on {host}: {error.strerror}", "correct --host"
                    ) from error
                _print(f"port {candidate} is in use by another program; the {what} tries {candidate + 1}")
                continue
            return candidate
    raise CommandError(f"no port from {port} to {port + _TRIES - 1} is free", "choose another with --port")


def _password(data: Path) -> str:
    """Return the password for broker and wall; the first time it is made and shown, later it is where it was."""
    file = data / "password"
    if file.is_file():
        _print(f"user {DEMO_USER}, password as before (in {file})")
        return file.read_text(encoding="utf-8").strip()
    password = secrets.token_urlsafe(12)
    make_folder(data)
    file.touch(mode=0o600)
    file.write_text(password + "\n", encoding="utf-8")
    _print(f"broker and wall accept other computers: user {DEMO_USER}, password {password}")
    _print(f"it is shown only once, and stored in {file}")
    return password


def _print(line: str) -> None:
    typer.echo(line, err=True)
