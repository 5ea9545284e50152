"""`corridor device list`, `remove` and `rotate`: the credentials of devices at the stack's broker, or the demo's."""

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from broker.server.credentials import registrar as credentials
from broker.server.credentials.registrar import CredentialError, Registrar
from cli.invocation import checkout, options
from cli.invocation.errors import CommandError
from cli.onboarding import place
from cli.running import loop
from cli.stack.registrar import StackRegistrar

_Answer = TypeVar("_Answer")

Device = Annotated[str, typer.Argument(metavar="PATH", help="The device's asset path: site/area/line/machine.")]
Folder = Annotated[
    Path,
    typer.Option(
        "--folder",
        metavar="DIR",
        help="Where the stack's .env is.",
        default_factory=lambda: checkout.find() or Path.cwd(),
    ),
]


def list_(*, folder: Folder, data: options.Data, json_: options.Json = False) -> None:
    """Print the devices that have a credential of their own: of the stack where it is, else of the running demo."""
    registrar = _registrar(folder, data)
    found = asked(registrar.devices())
    away = registrar.away if isinstance(registrar, StackRegistrar) else ""
    if json_:
        typer.echo(json.dumps({"devices": found, "broker": "away" if away else "running"}))
        return
    for asset in found:
        typer.echo(asset)
    if away:
        typer.echo(f"these are the devices of .env; the broker gives no answer: {away}", err=True)
    if not found:
        typer.echo("no device has a credential yet; `./corridor device add PATH` makes one", err=True)


def remove(path: Device, *, folder: Folder, data: options.Data) -> None:
    """Remove a device's credential; where it is connected, it is disconnected. Its past stays (`asset retire`)."""
    registrar = _registrar(folder, data)
    asked(credentials.remove(registrar, path))
    typer.echo(f"{path} has no credential any more")
    _echo_note(registrar)


def rotate(path: Device, *, folder: Folder, data: options.Data, json_: options.Json = False) -> None:
    """Give a device a new password, printed once; the old one is invalid from then on."""
    registrar = _registrar(folder, data)
    password = asked(credentials.rotate(registrar, path))
    if json_:
        typer.echo(json.dumps({"user": path, "password": password}))
        return
    typer.echo(f"User {path}, new password {password}: it is printed only once, as only its hash is stored.")
    _echo_note(registrar)


def asked(question: Coroutine[Any, Any, _Answer]) -> _Answer:
    """Return the answer of a registrar.

    Raises:
        CommandError: it gives none; the text says why.
    """
    loop.log_to_stderr()
    try:
        return asyncio.run(question)
    except CredentialError as error:
        raise CommandError(error.problem, error.hint) from error


def _registrar(folder: Path, data: Path) -> Registrar:
    found = place.find("", folder, data)
    if found.registrar is None:
        raise CommandError(
            "no broker here has credentials of devices: there is no stack, and no demo that asks for a password",
            "see ./corridor stack init, or start ./corridor demo --host 0.0.0.0",
        )
    return found.registrar


def _echo_note(registrar: Registrar) -> None:
    if isinstance(registrar, StackRegistrar):
        typer.echo(registrar.note)
