"""The devices of the stack's broker: each has a user, which is its asset path; `.env` has the hash of its password."""

import secrets
from collections.abc import Sequence
from typing import Final

from broker.contract.errors import ContractError
from broker.contract.topics import check_asset
from broker.server.mosquitto import hash_password
from cli.invocation.errors import CommandError
from cli.stack.env_file import EnvFile

DEVICES: Final = "CORRIDOR_MQTT_DEVICES"


def machine(path: str, option: str = "--device ") -> str:
    """Return a path that a device may have.

    Raises:
        CommandError: it is none; the text begins with the option that it was given by.
    """
    try:
        check_asset(path)
    except ContractError as error:
        raise CommandError(f"{option}{path}: {error.problem}", error.hint) from error
    if path.count("/") != 3:
        raise CommandError(f"{option}{path} is no machine", "write <site>/<area>/<line>/<machine>")
    if "kpi" in path.split("/"):
        # corridor/v1/<site>/<area>/<line>/kpi/… are the indicators of the line.
        raise CommandError(f"{option}{path}: a device is not called kpi", "give it another name")
    return path


def read(text: str) -> dict[str, str]:
    """Read the devices of `.env`; the dollars of the hashes, which mean something there, are points."""
    pairs = (entry.partition(":") for entry in text.split(",") if entry)
    return {asset: f"${hashed.replace('.', '$')}" for asset, _, hashed in pairs}


def add(file: EnvFile, assets: Sequence[str]) -> dict[str, str]:
    """Give devices a new password each, which is returned; the file, which is not written yet, has its hash."""
    passwords = {asset: secrets.token_hex(12) for asset in assets}
    if passwords:
        before = read(file.values().get(DEVICES, ""))
        hashes = before | {asset: hash_password(password) for asset, password in passwords.items()}
        listed = ",".join(f"{asset}:{hashed[1:].replace('$', '.')}" for asset, hashed in sorted(hashes.items()))
        file.set(DEVICES, listed, "broker: devices, each by its asset path, with the hash of its password")
    return passwords
