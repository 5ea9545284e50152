"""The registrar of the embedded Mosquitto: its files of users and rights, which it reads again when it is signalled."""

import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from broker.server import mosquitto, running
from broker.server.accounts import SERVICES
from broker.server.credentials.registrar import CredentialError
from broker.server.rights import ALL, any_machines

_HINT: Final = "start it with `./corridor demo --host 0.0.0.0`"


class PasswordFiles:
    """The devices of the embedded broker.

    Args:
        folder: the broker's, that is `broker` in the data folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    def address(self) -> tuple[str, int] | None:
        """Return host and port of the broker, if it runs and asks for passwords; a device on it has a credential."""
        if self._process() is None or not mosquitto.users_of(self._folder):
            return None
        text = (self._folder / mosquitto.CONFIGURATION).read_text(encoding="utf-8")
        return running.address_of(self._folder) if "allow_anonymous false" in text.splitlines() else None

    async def devices(self) -> list[str]:
        """Return the paths of the devices that have a credential of their own."""
        return sorted(mosquitto.devices_of(self._folder))

    async def put(self, asset: str, password: str) -> None:
        """Give a device a password and its rights.

        Raises:
            CredentialError: the broker does not run, or lets anyone in.
        """
        self._write({**mosquitto.users_of(self._folder), asset: mosquitto.hash_password(password)})

    async def remove(self, asset: str) -> None:
        """Remove a device; its connection ends.

        Raises:
            CredentialError: the broker does not run, or lets anyone in.
        """
        users = mosquitto.users_of(self._folder)
        del users[asset]
        self._write(users)

    def _write(self, users: dict[str, str]) -> None:
        process = self._process()
        if process is None:
            raise CredentialError(f"no Mosquitto of ours runs on {self._folder}", _HINT)
        if self.address() is None:
            raise CredentialError("the demo's broker is for this computer alone, and asks nobody for a password", _HINT)
        if not hasattr(signal, "SIGHUP"):
            raise CredentialError("a running broker cannot be signalled on this system", "use the compose stack")
        accounts = {user: ALL if user == SERVICES else any_machines() for user in users if "/" not in user}
        mosquitto.write_users(self._folder, users, accounts)
        process.send_signal(signal.SIGHUP)

    def _process(self) -> psutil.Process | None:
        """Return the running broker."""
        process = running.process_of(self._folder)
        with suppress(psutil.Error):
            configuration = str(self._folder / mosquitto.CONFIGURATION)
            if process is not None and any(configuration in argument for argument in process.cmdline()):
                return process
        return None
