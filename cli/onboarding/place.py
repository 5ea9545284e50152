"""Which broker a device joins: the stack's, the demo's or another; how it is reached; what makes credentials."""

import shlex
import socket
from pathlib import Path
from typing import Final

import msgspec

from broker.mqtt import address
from broker.server import running
from broker.server.accounts import DEMO_USER
from broker.server.credentials.password_files import PasswordFiles
from broker.server.credentials.registrar import Registrar
from cli.invocation import options
from cli.onboarding.instructions import LOOPBACK, Login
from cli.stack.env_file import EnvFile
from cli.stack.registrar import StackRegistrar
from cli.stack.stack import DEVICE_PORT, FILE_NAME

_OUTSIDE: Final = ("192.0.2.1", 9)
"""An address of nobody: no packet is sent to find out by which of ours it would be reached."""


class Place(msgspec.Struct, frozen=True):
    """A broker.

    Attributes:
        login: how a device reaches it; without a user where it asks for none.
        url: how this program reaches it, to watch what a device publishes.
        registrar: makes credentials; None where there are none to make.
        about: why there is none; '' where there is one.
        target: the broker for a gateway, as a word of a shell; '' where the stack's own gateway knows it.
        opened: what lets other computers in, where only this one reaches it.
    """

    login: Login
    url: str
    registrar: Registrar | None
    about: str = ""
    target: str = ""
    opened: str = "`./corridor demo --host 0.0.0.0` lets other devices connect"


def find(broker: str, folder: Path, data: Path) -> Place:
    """Return the broker that is meant: `broker` if it is given, else the stack's, else the running demo's.

    Args:
        broker: a URL; '' leaves the choice.
        folder: where the stack's `.env` would be.
        data: the demo's data folder.
    """
    if not broker:
        file = EnvFile(folder / FILE_NAME)
        if settings := file.values():
            host = settings.get("CORRIDOR_HOST") or "localhost"
            port = int(settings.get(DEVICE_PORT[0]) or DEVICE_PORT[1])
            stack = StackRegistrar(file)
            opened = "CORRIDOR_BIND and CORRIDOR_HOST in .env let other devices connect"
            return Place(Login(host, port, outside=own_address()), stack.url, stack, opened=opened)
        folder = data / "broker"
        files = PasswordFiles(folder)
        if (at := files.address()) is not None:
            return _demo_with_passwords(Login(*at, outside=own_address()), files, data)
        if (at := running.address_of(folder)) is not None:
            broker = Login(*at).url
    given = address.parse(broker or options.BROKER)
    login = Login(given.host, given.port, given.user or "", given.password or "", own_address())
    whose = "the lines have those of --broker" if given.user else "the lines have none"
    why = f"No credential is made: the broker is not the stack's, nor a demo's that asks for a password; {whose}."
    url = broker or options.BROKER
    return Place(login, url, None, why, shlex.quote(url))


def _demo_with_passwords(login: Login, files: PasswordFiles, data: Path) -> Place:
    """Return a demo's broker that asks for a password; a gateway has that of the demo, from where it is stored."""
    password = shlex.quote(str(data.absolute() / "password"))
    url = login.url.replace("//", f"//{DEMO_USER}:$(cat {password})@", 1)
    return Place(login, "", files, target=f'"{url}"')


def own_address() -> str:
    """Return the address by which others on the network reach this computer; '' where it is on none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_OUTSIDE)
        except OSError:
            return ""
        found = str(probe.getsockname()[0])
    return "" if found in LOOPBACK or found == "0.0.0.0" else found  # noqa: S104  (compared, not bound)
