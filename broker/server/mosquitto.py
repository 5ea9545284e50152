"""Mosquitto 2 as an embedded broker: where it is found, and its configuration."""

import base64
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from broker import private_files
from broker.mqtt.packets import LONGEST_PACKET
from broker.server.accounts import Accounts
from broker.server.rights import ALL, Right, any_machines, mosquitto_rights, own

_SYSTEM_FOLDERS: Final = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
"""Where systems install servers; not on every user's PATH."""

_ITERATIONS: Final = 10_000

CONFIGURATION: Final = "mosquitto.conf"
PASSWORDS: Final = "passwords"
RIGHTS: Final = "rights"

LIMITS: Final = (
    "set_tcp_nodelay true",
    "persistence true",
    "persistence_file mosquitto.db",
    "autosave_interval 10",
    "persistent_client_expiration 14d",
    "max_inflight_messages 2000",
    "max_queued_messages 1000000",
    "max_queued_bytes 536870912",
    f"message_size_limit {LONGEST_PACKET - 128 * 1024}",
    "log_dest stderr",
    "log_type error",
    "log_type warning",
    "log_type notice",
    "log_timestamp_format %Y-%m-%dT%H:%M:%S",
)
"""Mosquitto's defaults lose messages (20 in flight, 1,000 queued for a client), so both limits are set; it applies the
limit in bytes only beside one in messages."""


def find() -> Path | None:
    """Return the program, if it is installed."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *_SYSTEM_FOLDERS])
    found = shutil.which("mosquitto", path=path)
    return Path(found) if found else None


def configure(folder: Path, host: str, port: int, accounts: Accounts | None) -> list[str]:
    """Write the configuration; return the arguments that name it. Without accounts anyone may connect."""
    lines = [f"listener {port} {host}", f"persistence_location {folder}{os.sep}", *LIMITS]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        lines.append("user root")  # else it becomes a user that may not write into the folder
    if accounts is not None:
        both = (accounts.devices, accounts.services)
        users = {each.user: hash_password(each.password) for each in both} | devices_of(folder)
        write_users(folder, users, {accounts.devices.user: any_machines(), accounts.services.user: ALL})
        lines += ["allow_anonymous false", f"password_file {folder / PASSWORDS}", f"acl_file {folder / RIGHTS}"]
    else:
        lines.append("allow_anonymous true")
    file = folder / CONFIGURATION
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ["-c", str(file)]


def users_of(folder: Path) -> dict[str, str]:
    """Return the users that may connect, each with the hash of its password; none where anyone may."""
    try:
        lines = (folder / PASSWORDS).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    return {user: hashed for user, _, hashed in (line.partition(":") for line in lines)}


def devices_of(folder: Path) -> dict[str, str]:
    """Return those of the users that are devices with a credential of their own: their names are asset paths."""
    return {user: hashed for user, hashed in users_of(folder).items() if "/" in user}


def write_users(folder: Path, users: Mapping[str, str], accounts: Mapping[str, Iterable[Right]]) -> None:
    """Write the files of users and rights.

    Args:
        folder: of the broker.
        users: the hash of each user's password.
        accounts: the rights of the users that are no devices.
    """
    devices = {user: own(user, "readwrite") for user in users if "/" in user}
    private_files.replace(folder / RIGHTS, mosquitto_rights({**accounts, **devices}).encode())
    private_files.replace(folder / PASSWORDS, "".join(f"{user}:{hashed}\n" for user, hashed in users.items()).encode())


def hash_password(password: str) -> str:
    """Return the hash for Mosquitto's password file: PBKDF2 with SHA-512, `$7$iterations$salt$hash`."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS, 64)
    return f"$7${_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
