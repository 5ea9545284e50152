"""Mosquitto's files in the stack: nobody comes in without a password, and each may do no more than it must.

A device's user name is its asset path. It publishes and reads below its own topic, whatever is written there, so that a
misspelt message is refused with a reason rather than dropped without a word; its indicators alone are not its own.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from broker.mosquitto import LIMITS
from broker.topics import PREFIX, REJECTED

SERVICES: Final = ("health", "ingest", "kpi", "wall", "simulator", "probe")
"""The users that are no devices."""
PROBE: Final = "corridor/check/line-1/probe-1"
"""The machine that `stack check` is; it sends readings of a sensor and a meter only, so its time counts nowhere."""
HEALTH_TOPIC: Final = "corridor/health"
"""Where the broker's own health check goes round; no topic of a machine."""

_EVERY_ASSET: Final = ("+", "+/+", "+/+/+", "+/+/+/+")


def configuration(folder: str) -> str:
    """Return `mosquitto.conf`; users and rights are files in the same folder."""
    lines = [
        "listener 1883",
        "allow_anonymous false",
        f"password_file {folder}/passwords",
        f"acl_file {folder}/rights",
        "persistence_location /mosquitto/data/",
        *LIMITS,
    ]
    return "".join(f"{line}\n" for line in lines)


def passwords(hashes: Mapping[str, str]) -> str:
    """Return the file of users with the hashes of their passwords (`broker.mosquitto.hash_password`)."""
    return "".join(f"{user}:{hashed}\n" for user, hashed in hashes.items())


def rights(devices: Iterable[str], simulated: Iterable[str]) -> str:
    """Return the file of rights.

    Args:
        devices: asset paths of the devices that have a user.
        simulated: asset paths of the machines that the simulator publishes for.
    """
    kpi = [f"{PREFIX}/{asset}/kpi/+" for asset in _EVERY_ASSET]
    rejected = f"{PREFIX}/{REJECTED}"
    users = {
        "health": [("readwrite", HEALTH_TOPIC)],
        "ingest": [("read", f"{PREFIX}/#"), ("write", rejected)],
        "kpi": [("read", f"{PREFIX}/#"), ("write", rejected), *(("write", topic) for topic in kpi)],
        "wall": [("read", f"{PREFIX}/#")],
        "simulator": [right for asset in simulated for right in _own(asset, "write")],
        "probe": [("readwrite", f"{PREFIX}/{PROBE}/#"), *(("read", topic) for topic in (*kpi, rejected))],
    }
    users |= {device: _own(device, "readwrite") for device in devices}
    blocks = (
        f"user {user}\n" + "".join(f"topic {access} {topic}\n" for access, topic in allowed)
        for user, allowed in users.items()
    )
    return "\n".join(blocks)


def _own(asset: str, access: str) -> list[tuple[str, str]]:
    """Return a machine's rights below its own topic."""
    return [(access, f"{PREFIX}/{asset}/#"), ("deny", f"{PREFIX}/{asset}/kpi/#")]
