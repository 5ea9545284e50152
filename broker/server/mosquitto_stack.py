"""Mosquitto's configuration in the stack: every user has a password, and the least rights that it needs.

A device's user name is its asset path. It may publish and subscribe to every topic below its own, so that a misspelt
message is rejected with a reason rather than dropped in silence; only its indicators (`kpi`) are denied.

There are two listeners. On the devices' the user name is the client id, whatever a device calls itself, so no device
can take over the session of another, or of a service with the messages queued for it. Services choose their client ids,
on a listener of their own: its port is not published, and its password file holds no device.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from broker.contract.topics import PREFIX, REJECTED
from broker.server.mosquitto import LIMITS
from broker.server.rights import EVERY_ASSET, any_machines, mosquitto_rights, own

SERVICES: Final = ("health", "ingest", "kpi", "wall", "simulator", "gateway", "probe")
"""The users that are not devices."""
INSIDE: Final = ("ingest", "kpi", "wall", "simulator", "gateway")
"""Those of them that use the services' listener; the others use the devices', to test it."""
DEVICE_PORT: Final = 1883
SERVICE_PORT: Final = 1884
DEVICE_PASSWORDS: Final = "passwords"
SERVICE_PASSWORDS: Final = "passwords-services"
PROBE: Final = "corridor/check/line-1/probe-1"
"""The machine of `stack check`; it sends readings of a sensor and a meter only, so its time counts nowhere."""
HEALTH_TOPIC: Final = "corridor/health"
"""The topic of the broker's own health check; no topic of a machine."""


def configuration(folder: str) -> str:
    """Return `mosquitto.conf`; users and rights are files in the same folder."""
    lines = [
        # Each listener has its own users; Mosquitto 2.1 deprecates this, and still supports it.
        "per_listener_settings true",
        "persistence_location /mosquitto/data/",
        *LIMITS,
        *_listener(folder, DEVICE_PORT, DEVICE_PASSWORDS),
        "use_username_as_clientid true",
        *_listener(folder, SERVICE_PORT, SERVICE_PASSWORDS),
    ]
    return "".join(f"{line}\n" for line in lines)


def passwords(hashes: Mapping[str, str]) -> dict[str, str]:
    """Return the files of users, one for each listener, by name.

    Args:
        hashes: of the password of each user (`broker.server.mosquitto.hash_password`).
    """
    files = {DEVICE_PASSWORDS: "", SERVICE_PASSWORDS: ""}
    for user, hashed in hashes.items():
        files[SERVICE_PASSWORDS if user in INSIDE else DEVICE_PASSWORDS] += f"{user}:{hashed}\n"
    return files


def rights(devices: Iterable[str], simulated: Iterable[str]) -> str:
    """Return the file of rights.

    Args:
        devices: asset paths of the devices that have a user.
        simulated: asset paths of the machines that the simulator publishes for. It reads there, to notice a device.
    """
    kpi = [f"{PREFIX}/{asset}/kpi/+" for asset in EVERY_ASSET]
    rejected = f"{PREFIX}/{REJECTED}"
    users = {
        "health": [("readwrite", HEALTH_TOPIC)],
        "ingest": [("read", f"{PREFIX}/#"), ("write", rejected)],
        "kpi": [("read", f"{PREFIX}/#"), ("write", rejected), *(("write", topic) for topic in kpi)],
        "wall": [("read", f"{PREFIX}/#")],
        "simulator": [right for asset in simulated for right in own(asset, "readwrite")],
        "gateway": any_machines("write"),
        "probe": [("readwrite", f"{PREFIX}/{PROBE}/#"), *(("read", topic) for topic in (*kpi, rejected))],
    }
    users |= {device: own(device, "readwrite") for device in devices}
    return mosquitto_rights(users)


def _listener(folder: str, port: int, users: str) -> list[str]:
    return [
        f"listener {port}",
        "allow_anonymous false",
        f"password_file {folder}/{users}",
        f"acl_file {folder}/rights",
    ]
