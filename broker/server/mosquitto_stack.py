"""Mosquitto's files in the stack: nobody comes in without a password, and each may do no more than it must.

A device's user name is its asset path. It publishes and reads below its own topic, whatever is written there, so that a
misspelt message is refused with a reason rather than dropped without a word; its indicators alone are not its own.

There are two listeners. On that for devices the user name is the client id, whatever a device calls itself, so none can
take the place of another, nor of a service and of the messages that the broker holds for it. Services choose their
client ids, on a listener of their own: its port is not published, and it knows no device's password.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from broker.contract.topics import PREFIX, REJECTED
from broker.server.mosquitto import LIMITS
from broker.server.rights import EVERY_ASSET, mosquitto_rights, own

SERVICES: Final = ("health", "ingest", "kpi", "wall", "simulator", "probe")
"""The users that are no devices."""
INSIDE: Final = ("ingest", "kpi", "wall", "simulator")
"""Those of them that come in by the services' listener; the others try what a device meets."""
DEVICE_PORT: Final = 1883
SERVICE_PORT: Final = 1884
DEVICE_PASSWORDS: Final = "passwords"
SERVICE_PASSWORDS: Final = "passwords-services"
PROBE: Final = "corridor/check/line-1/probe-1"
"""The machine that `stack check` is; it sends readings of a sensor and a meter only, so its time counts nowhere."""
HEALTH_TOPIC: Final = "corridor/health"
"""Where the broker's own health check goes round; no topic of a machine."""


def configuration(folder: str) -> str:
    """Return `mosquitto.conf`; users and rights are files in the same folder."""
    lines = [
        # Users of its own for each listener; Mosquitto 2.1 calls this outdated, and still does it.
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
        simulated: asset paths of the machines that the simulator publishes for.
    """
    kpi = [f"{PREFIX}/{asset}/kpi/+" for asset in EVERY_ASSET]
    rejected = f"{PREFIX}/{REJECTED}"
    users = {
        "health": [("readwrite", HEALTH_TOPIC)],
        "ingest": [("read", f"{PREFIX}/#"), ("write", rejected)],
        "kpi": [("read", f"{PREFIX}/#"), ("write", rejected), *(("write", topic) for topic in kpi)],
        "wall": [("read", f"{PREFIX}/#")],
        "simulator": [right for asset in simulated for right in own(asset, "write")],
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
