"""The devices of the stack's broker: each has a user, which is its asset path.

The running broker has them, and stores what the registrar changes. `.env` has the hash of the password of those that
were added by the command line, so that they are let in at the next start where the broker does not run now.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from broker import private_files
from broker.mqtt.loopback import ANY
from broker.server.credentials import registrar
from broker.server.credentials.registrar import CredentialError
from broker.server.credentials.security_document import REGISTRAR, document
from broker.server.mosquitto import hash_password
from broker.server.mosquitto_stack import SECURITY_FILE
from broker.server.rights import Right
from cli.invocation.errors import CommandError
from cli.stack.env_file import EnvFile

DEVICES: Final = "CORRIDOR_MQTT_DEVICES"
_CARRIED_OVER: Final = "carried-over.json"


def machine(path: str, option: str = "--device ") -> str:
    """Return a path that a device may have.

    Raises:
        CommandError: it is none; the text begins with the option that it was given by.
    """
    try:
        return registrar.check_machine(path)
    except CredentialError as error:
        raise CommandError(f"{option}{error.problem}", error.hint) from error


def registrar_url(settings: Mapping[str, str], port: int) -> str:
    """Return the address of the devices' listener with the registrar's password, from `.env`; '' where it has none."""
    password = settings.get(f"CORRIDOR_MQTT_PASSWORD_{REGISTRAR.upper()}", "")
    bound = settings.get("CORRIDOR_BIND") or "127.0.0.1"
    host = "127.0.0.1" if bound in ANY else bound
    at = f"[{host}]" if ":" in host else host
    return f"mqtt://{REGISTRAR}:{quote(password, safe='')}@{at}:{port}" if password else ""


def read(text: str) -> dict[str, str]:
    """Read the devices of `.env`; the dollars of the hashes, which mean something there, are points."""
    pairs = (entry.partition(":") for entry in text.split(",") if entry)
    return {asset: f"${hashed.replace('.', '$')}" for asset, _, hashed in pairs}


def put(file: EnvFile, passwords: Mapping[str, str]) -> None:
    """Give devices a password each; the file, which is not written yet, has its hash."""
    if passwords:
        hashes = {asset: hash_password(password) for asset, password in passwords.items()}
        _list(file, read(file.values().get(DEVICES, "")) | hashes)


def remove(file: EnvFile, asset: str) -> None:
    """Remove a device from the file, which is not written yet."""
    left = read(file.values().get(DEVICES, ""))
    if left.pop(asset, None) is not None:
        _list(file, left)


def _list(file: EnvFile, hashes: Mapping[str, str]) -> None:
    listed = ",".join(f"{asset}:{hashed[1:].replace('$', '.')}" for asset, hashed in sorted(hashes.items()))
    file.set(DEVICES, listed, "broker: devices, each by its asset path, with the hash of its password")


def carry_over(folder: Path, services: Mapping[str, tuple[str, Iterable[Right]]], listed: Mapping[str, str]) -> int:
    """Write the file of the broker's users for its next start, if it changes; return how many devices it has.

    Args:
        folder: where the broker stores it.
        services: password and rights of each user that is not a device.
        listed: the devices of `.env` (`read`).

    Raises:
        CommandError: the file there cannot be read.
    """
    file, memory = folder / SECURITY_FILE, folder / _CARRIED_OVER
    before = _read_json(file)
    after = document(before, services, listed, _read_json(memory) or {})
    if before is None or _content(after) != _content(before):
        private_files.replace(file, json.dumps(after, indent=1).encode())
    private_files.replace(memory, json.dumps(dict(listed)).encode())
    return sum("/" in client["username"] for client in after["clients"])


def _read_json(file: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be read: {error}", "remove it; then add each device again") from error
    return found


def _content(found: Mapping[str, Any]) -> Any:
    """Return what is compared: the plugin writes the same in another order."""
    clients = {client["username"]: client["password"] for client in found.get("clients", [])}
    roles = {
        role["rolename"]: sorted(json.dumps(acl, sort_keys=True) for acl in role.get("acls", []))
        for role in found.get("roles", [])
    }
    return clients, roles, found.get("defaultACLAccess")
