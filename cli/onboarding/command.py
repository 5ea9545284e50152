"""`corridor device add`: a credential where the stack is, what to copy, and the wait for the first message."""

import asyncio
import contextlib
import time
from typing import Annotated, Final

import typer
from msgspec import structs

from broker.contract.events import NS_PER_S
from broker.contract.topics import PREFIX, REJECTED
from broker.mqtt.session import Session
from broker.server.credentials import registrar as credentials
from cli.invocation import options
from cli.invocation.errors import CommandError
from cli.invocation.plain import plain
from cli.messages.arguments import For
from cli.onboarding import managing
from cli.onboarding import place as places
from cli.onboarding.instructions import (
    DEVICES,
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
from cli.running.client_ids import client_id
from cli.stack import devices
from cli.stack.registrar import StackRegistrar

WAIT_S: Final = 300.0
GATHER_S: Final = 3.0
"""After the first message others are gathered so long, to know the signals."""


def add(
    path: managing.Device,
    *,
    dialect: Annotated[
        str,
        typer.Option(
            metavar="NAME", help=f"The device's dialect: {', '.join(FORMS)}; left out, Corridor's own messages."
        ),
    ] = "",
    broker: Annotated[
        str,
        typer.Option(metavar="URL", help="The broker it connects to; left out, the stack's or the running demo's."),
    ] = "",
    folder: managing.Folder,
    data: options.Data,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its first message, and report what it is.")] = False,
    for_: For = None,
) -> None:
    """Print what to set on a device, and lines ready to copy; with --wait report its first message.

    At the stack's broker, and at a demo's that asks for a password, the device gets a user of its own, whose password
    is printed once. Elsewhere no credential is made. Exit status 1: no message that conforms to the contract was
    received.
    """
    asset = devices.machine(path, "")
    if dialect and dialect not in FORMS:
        raise typer.BadParameter(
            f"{dialect} has no form that is described here; there are {', '.join(FORMS)}, "
            f"and docs/how-to/connect/ has the other dialects"
        )
    place = places.find(broker, folder, data)
    login, about = _of_a_dialect(place) if dialect else _credential(place, asset)
    typer.echo(f"{asset}\n{about}")
    if dialect:
        source = place.url if place.registrar is None else DEVICES.url
        gateway = (
            gateway_of(dialect, asset, source, place.target) if place.target else gateway_of_the_stack(dialect, asset)
        )
        sections = of_a_form(dialect, asset, login, gateway)
    else:
        sections = of_the_contract(asset, login)
    for title, text in sections.items():
        typer.echo(f"\n# {title}\n{text}")
    if login.host in LOOPBACK:
        typer.echo(f"\n{login.seen_from_afar} is the address of this computer; {place.opened}.")
    if wait:
        loop.log_to_stderr()
        watched = place.url or login.url
        if not watched:
            raise CommandError("nobody here may read what the device publishes", "see the wall's Devices page")
        sighting = Sighting(asset)
        loop.run(_wait(watched, asset, sighting, WAIT_S if for_ is None else for_))
        _report(asset, sighting, dialect)


def _of_a_dialect(place: places.Place) -> tuple[Login, str]:
    """Return how a device connects that does not speak the contract, and a line about its credential."""
    if place.registrar is None:
        return place.login, place.about
    return DEVICES, (
        "No credential is made: this broker accepts topics of the contract alone. "
        f"{HOST} is a broker of the devices, which the gateway translates from."
    )


def _credential(place: places.Place, asset: str) -> tuple[Login, str]:
    """Make a device's credential where there is one to make; return how it connects, and a line about it."""
    registrar = place.registrar
    if registrar is None:
        return place.login, place.about
    if asset in managing.asked(registrar.devices()):
        return structs.replace(place.login, user=asset, password=PASSWORD), (
            "It has a credential already, whose password was printed once; "
            f"`./corridor device rotate {asset}` gives it a new one."
        )
    password = managing.asked(credentials.add(registrar, asset))
    about = f"User {asset}, password {password}: it is printed only once, as only its hash is stored."
    if isinstance(registrar, StackRegistrar):
        about += f"\n{registrar.note}"
    return structs.replace(place.login, user=asset, password=password), about


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
