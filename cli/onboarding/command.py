"""`corridor device add`: a credential where the stack is, what to copy, and the wait for the first message."""

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from broker.contract.events import NS_PER_S
from broker.contract.topics import PREFIX, REJECTED
from broker.mqtt import address
from broker.mqtt.session import Session
from cli.invocation import checkout, options
from cli.invocation.errors import CommandError
from cli.invocation.plain import plain
from cli.messages import For, client_id
from cli.onboarding.instructions import (
    FORMS,
    HOST,
    LOOPBACK,
    PASSWORD,
    Login,
    gateway_of,
    gateway_of_the_stack,
    of_a_form,
    of_the_contract,
)
from cli.onboarding.sighting import Sighting
from cli.running import loop
from cli.stack import devices
from cli.stack.env_file import EnvFile
from cli.stack.stack import FILE_NAME, LET_IN, PORTS

WAIT_S: Final = 300.0
GATHER_S: Final = 3.0
"""After the first message others are gathered so long, to know the signals."""


def add(
    path: Annotated[str, typer.Argument(metavar="PATH", help="The device's asset path: site/area/line/machine.")],
    *,
    dialect: Annotated[
        str, typer.Option(metavar="NAME", help=f"What the device speaks, if not the contract: {', '.join(FORMS)}.")
    ] = "",
    broker: Annotated[
        str,
        typer.Option(metavar="URL", help="The broker it connects to; left out, the stack's where there is one here."),
    ] = "",
    folder: Annotated[
        Path,
        typer.Option(
            "--folder",
            metavar="DIR",
            help="Where the stack's .env is.",
            default_factory=lambda: checkout.find() or Path.cwd(),
        ),
    ],
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its first message, and report what it is.")] = False,
    for_: For = None,
) -> None:
    """Print what to set on a device, and lines ready to copy; with --wait report its first message.

    Where the stack is, the device gets a user of its own, whose password is printed once. Elsewhere no credential is
    made. Exit status 1: no message that conforms to the contract was received.
    """
    asset = devices.machine(path, "")
    if dialect and dialect not in FORMS:
        raise typer.BadParameter(
            f"{dialect} has no form that is described here; there are {', '.join(FORMS)}, "
            f"and docs/how-to/connect/ has the other dialects"
        )
    file = EnvFile(folder / FILE_NAME)
    is_stack = not broker and bool(file.values())
    if is_stack and wait:
        raise CommandError(
            "--wait cannot watch the stack's broker, where each user reads its own topics alone",
            "leave it out, and see the wall's Devices page",
        )
    url = broker or options.BROKER
    login, about = _of_the_stack(file, asset, dialect) if is_stack else _of(url)
    typer.echo(f"{asset}\n{about}")
    if dialect:
        gateway = gateway_of_the_stack(dialect, asset) if is_stack else gateway_of(dialect, asset, url)
        sections = of_a_form(dialect, asset, login, gateway)
    else:
        sections = of_the_contract(asset, login)
    for title, text in sections.items():
        typer.echo(f"\n# {title}\n{text}")
    if login.host in LOOPBACK:
        opened = "CORRIDOR_BIND and CORRIDOR_HOST in .env let" if is_stack else "`./corridor demo --host 0.0.0.0` lets"
        typer.echo(f"\n{HOST} is the address of this computer; {opened} other devices connect.")
    if wait:
        loop.log_to_stderr()
        sighting = Sighting(asset)
        loop.run(_wait(url, asset, sighting, WAIT_S if for_ is None else for_))
        _report(asset, sighting, dialect)


def _of(url: str) -> tuple[Login, str]:
    """Return how a device connects to a broker that is not the stack's, and a line about its credential."""
    at = address.parse(url)
    login = Login(at.host, at.port, at.user or "", at.password or "")
    whose = "the lines have those of --broker" if at.user else "the lines have none"
    return login, f"No credential is made, for there is no stack here: {whose}."


def _of_the_stack(file: EnvFile, asset: str, dialect: str) -> tuple[Login, str]:
    """Return how a device connects to the stack's broker, with a user of its own, and a line about its credential."""
    settings = file.values()
    host = settings.get("CORRIDOR_HOST") or "localhost"
    port = int(settings.get("CORRIDOR_MQTT_PORT") or PORTS["CORRIDOR_MQTT_PORT"])
    if dialect:
        return Login(HOST, 1883), (
            "No credential is made: the stack's broker accepts topics of the contract alone. "
            f"{HOST} is a broker of the devices, which the gateway translates from."
        )
    if asset in devices.read(settings.get(devices.DEVICES, "")):
        return Login(host, port, asset, PASSWORD), (
            "It has a credential already, whose password was printed once; "
            f"`./corridor stack init --device {asset}` gives it a new one."
        )
    password = devices.add(file, [asset])[asset]
    file.write()
    return Login(host, port, asset, password), (
        f"User {asset}, password {password}: it is printed only once, as only its hash is stored.\n"
        f"Where the stack runs, let it in: {LET_IN}"
    )


async def _wait(broker: str, asset: str, sighting: Sighting, seconds: float) -> None:
    """Gather the messages of a device until its signals are known, or the time is up."""
    filters = [f"{PREFIX}/{asset}/#", f"{PREFIX}/{REJECTED}"]
    async with Session(broker, client_id=client_id("device-add"), filters=filters) as session:
        typer.echo(f"waits {seconds:g} s for its first message", err=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds) as limit:
                async for batch in session.batches():
                    for message in batch.messages:
                        is_known = sighting.first_at is not None
                        for line in sighting.add(message):
                            typer.echo(plain(line), err=True)
                        if sighting.first_at is not None and not is_known:
                            rest_s = GATHER_S - (time.time_ns() - sighting.first_at) / NS_PER_S
                            limit.reschedule(asyncio.get_running_loop().time() + max(0.0, rest_s))
                    batch.acknowledge()


def _report(asset: str, sighting: Sighting, dialect: str) -> None:
    """Print what was received.

    Raises:
        Exit: nothing that conforms to the contract was.
    """
    if sighting.first_at is not None:
        for line in sighting.lines():
            typer.echo(plain(line))
        return
    old = f" ({sighting.retained} were retained from before)" if sighting.retained else ""
    typer.echo(f"no message of {asset} was received that conforms to the contract{old}", err=True)
    runs = f"does `./corridor gateway {FORMS[dialect]}` run, and has the device that name?" if dialect else ""
    hint = runs or "does it connect, and is its topic spelt so? `./corridor tail` shows all messages"
    typer.echo(f"hint: {hint}", err=True)
    raise typer.Exit(1)
