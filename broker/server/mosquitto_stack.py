"""Mosquitto's configuration in the stack: every user has a password, and the least rights that it needs.

A device's user name is its asset path. It may publish and subscribe to every topic below its own, so that a misspelt
message is rejected with a reason rather than dropped in silence; only its indicators (`kpi`) are denied.

There are two listeners. On the devices' the user name is the client id, whatever a device calls itself, so no device
can take over the session of another, or of a service with the messages queued for it. Its users are those of the
dynamic security plugin, which the registrar changes while the broker runs; it can do nothing to the services. They
choose their client ids, on a listener of their own: its port is not published, and its password file holds no device.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from broker.contract.kinds import TABLE
from broker.contract.topics import PREFIX, REJECTED
from broker.server.credentials.security_document import REGISTRAR, REGISTRAR_RIGHTS
from broker.server.mosquitto import LIMITS, hash_password
from broker.server.rights import ANY_MACHINE, EVERY_ASSET, Right, mosquitto_rights, own

SERVICES: Final = ("health", "ingest", "kpi", "wall", "simulator", "gateway", "probe", REGISTRAR)
"""The users that are not devices."""
INSIDE: Final = ("ingest", "kpi", "wall", "simulator", "gateway")
"""Those of them that use the services' listener; the others use the devices', to test it or to change its users."""
DEVICE_PORT: Final = 1883
SERVICE_PORT: Final = 1884
PLUGIN: Final = "/usr/lib/mosquitto_dynamic_security.so"
"""Where the image of Mosquitto has the plugin."""
SECURITY_FILE: Final = "dynamic-security.json"
SERVICE_PASSWORDS: Final = "passwords-services"
PROBE: Final = "corridor/check/line-1/probe-1"
"""The machine of `stack check`; it sends readings of a sensor and a meter only, so its time counts nowhere."""
HEALTH_TOPIC: Final = "corridor/health"
"""The topic of the broker's own health check; no topic of a machine."""


def configuration(folder: str, devices: str, plugin: str = PLUGIN) -> str:
    """Return `mosquitto.conf`.

    Args:
        folder: of the services' users and rights.
        devices: folder of the plugin's file, which the broker writes.
        plugin: the plugin's library.
    """
    lines = [
        # Each listener has its own users; Mosquitto 2.1 deprecates this, and still supports it.
        "per_listener_settings true",
        "persistence_location /mosquitto/data/",
        *LIMITS,
        f"listener {DEVICE_PORT}",
        "allow_anonymous false",
        f"plugin {plugin}",
        f"plugin_opt_config_file {devices}/{SECURITY_FILE}",
        "use_username_as_clientid true",
        f"listener {SERVICE_PORT}",
        "allow_anonymous false",
        f"password_file {folder}/{SERVICE_PASSWORDS}",
        f"acl_file {folder}/rights",
    ]
    return "".join(f"{line}\n" for line in lines)


def passwords(given: Mapping[str, str]) -> str:
    """Return the file of the users of the services' listener, from the password of each service."""
    return "".join(f"{user}:{hash_password(given[user])}\n" for user in INSIDE)


def beside_devices(given: Mapping[str, str]) -> dict[str, tuple[str, list[Right]]]:
    """Return the users of the devices' listener that are no devices, with their passwords and rights."""
    indicators = [("read", f"{PREFIX}/{asset}/kpi/+") for asset in EVERY_ASSET]
    rights: dict[str, list[Right]] = {
        "health": [("readwrite", HEALTH_TOPIC)],
        "probe": [("readwrite", f"{PREFIX}/{PROBE}/#"), *indicators, ("read", f"{PREFIX}/{REJECTED}")],
        REGISTRAR: list(REGISTRAR_RIGHTS),
    }
    return {user: (given[user], allowed) for user, allowed in rights.items()}


def rights(simulated: Iterable[str]) -> str:
    """Return the file of rights of the services' listener.

    Args:
        simulated: asset paths of the machines that the simulator publishes for. It reads there, to notice a device.
    """
    kpi = [("write", f"{PREFIX}/{asset}/kpi/+") for asset in EVERY_ASSET]
    rejected = f"{PREFIX}/{REJECTED}"
    users: dict[str, list[Right]] = {
        "ingest": [("read", f"{PREFIX}/#"), ("write", rejected)],
        "kpi": [("read", f"{PREFIX}/#"), ("write", rejected), *kpi],
        "wall": [("read", f"{PREFIX}/#")],
        "simulator": [right for asset in simulated for right in own(asset, "readwrite")],
        "gateway": [*_ANNOUNCED, *_TRANSLATED],
    }
    return mosquitto_rights(users)


_OF_A_MACHINE: Final = f"{PREFIX}/{ANY_MACHINE}"
_ANNOUNCED: Final[tuple[Right, ...]] = tuple(
    ("read", f"{_OF_A_MACHINE}/{kind}") for kind in ("state", "status", "count", "meter/+", "kpi/+")
)
"""What a gateway reads that announces machines to Home Assistant."""
_TRANSLATED: Final[tuple[Right, ...]] = tuple(("write", f"{_OF_A_MACHINE}/{kind}/#") for kind in TABLE if kind != "kpi")
"""What a gateway publishes: by kind, since what is denied may not be read either."""
