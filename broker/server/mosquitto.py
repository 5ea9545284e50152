"""Mosquitto 2 as an embedded broker: where it is found, and its configuration."""

import base64
import hashlib
import os
import secrets
import shutil
from pathlib import Path
from typing import Final

from broker.mqtt.packets import LONGEST_PACKET
from broker.server.accounts import Accounts
from broker.server.rights import ALL, any_machines, mosquitto_rights

_SYSTEM_FOLDERS: Final = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
"""Where systems install servers; not on every user's PATH."""

_ITERATIONS: Final = 10_000

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
        passwords, rights = folder / "passwords", folder / "rights"
        both = (accounts.devices, accounts.services)
        _write_secret(passwords, "".join(f"{each.user}:{hash_password(each.password)}\n" for each in both))
        _write_secret(rights, mosquitto_rights({accounts.devices.user: any_machines(), accounts.services.user: ALL}))
        lines += ["allow_anonymous false", f"password_file {passwords}", f"acl_file {rights}"]
    else:
        lines.append("allow_anonymous true")
    file = folder / "mosquitto.conf"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ["-c", str(file)]


def hash_password(password: str) -> str:
    """Return the hash for Mosquitto's password file: PBKDF2 with SHA-512, `$7$iterations$salt$hash`."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS, 64)
    return f"$7${_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _write_secret(file: Path, text: str) -> None:
    """Write a file that only its owner can ever read."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
