"""What makes and removes the credentials of devices, whichever the broker."""

import secrets
from typing import Protocol

from broker.contract.errors import ContractError
from broker.contract.topics import LEVELS, check_asset


class CredentialError(Exception):
    """A credential cannot be made, changed or removed.

    Attributes:
        problem: why.
        hint: what to do about it.
    """

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(f"{problem}; {hint}")
        self.problem, self.hint = problem, hint


class Registrar(Protocol):
    """The devices that have a credential at one broker. Each method raises `CredentialError` where it cannot."""

    async def devices(self) -> list[str]:
        """Return their asset paths, in order."""

    async def put(self, asset: str, password: str) -> None:
        """Give a device this password: a new device its rights as well, one that is there in place of its old one."""

    async def remove(self, asset: str) -> None:
        """Remove a device and its rights; one that is connected is disconnected."""


def new_password() -> str:
    """Return a random password, of letters and digits that need no quotation marks anywhere."""
    return secrets.token_hex(12)


def check_machine(path: str) -> str:
    """Return a path that a device may have.

    Raises:
        CredentialError: it is none.
    """
    try:
        check_asset(path)
    except ContractError as error:
        raise CredentialError(f"{path}: {error.problem}", error.hint) from error
    if path.count("/") != len(LEVELS) - 1:
        raise CredentialError(f"{path} is no machine", "write <site>/<area>/<line>/<machine>")
    if "kpi" in path.split("/"):
        # corridor/v1/<site>/<area>/<line>/kpi/… are the indicators of the line.
        raise CredentialError(f"{path}: a device is not called kpi", "give it another name")
    return path


async def add(registrar: Registrar, path: str) -> str:
    """Give a new device a credential; return its password, which is stored nowhere.

    Raises:
        CredentialError: the path is no machine's, or it has a credential.
    """
    if check_machine(path) in await registrar.devices():
        raise CredentialError(f"{path} has a credential already", "`device rotate` gives it a new password")
    password = new_password()
    await registrar.put(path, password)
    return password


async def rotate(registrar: Registrar, path: str) -> str:
    """Give a device a new password, which is returned; the old one is invalid at once.

    Raises:
        CredentialError: it has no credential.
    """
    await _check_known(registrar, path)
    password = new_password()
    await registrar.put(path, password)
    return password


async def remove(registrar: Registrar, path: str) -> None:
    """Remove the credential of a device.

    Raises:
        CredentialError: it has none.
    """
    await _check_known(registrar, path)
    await registrar.remove(path)


async def _check_known(registrar: Registrar, path: str) -> None:
    known = await registrar.devices()
    if path not in known:
        have = f"these have one: {', '.join(known[:8])}" if known else "no device has one yet"
        raise CredentialError(f"{path} has no credential", f"`device add` makes it; {have}")
