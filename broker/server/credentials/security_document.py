"""The file of Mosquitto's dynamic security plugin: the users of the devices' listener, and what each may do.

The broker reads it when it starts, and writes it whenever the registrar changes a device. So what is in it counts; the
devices that `.env` lists are only carried over when their entry there is new, changed or gone since the last time.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any, Final

from broker.contract.topics import PREFIX
from broker.server.mosquitto import hash_password
from broker.server.rights import Right, own

CONTROL: Final = "$CONTROL/dynamic-security/v1"
RESPONSE: Final = f"{CONTROL}/response"
REGISTRAR: Final = "registrar"
"""The user that makes and removes devices on their listener, and reads what they publish; no service's, nor theirs."""
REGISTRAR_RIGHTS: Final[tuple[Right, ...]] = (("write", CONTROL), ("read", RESPONSE), ("read", f"{PREFIX}/#"))

_DEFAULTS: Final = {
    "publishClientSend": False,
    "publishClientReceive": False,
    "subscribe": True,  # what is received is checked, so a subscription to more does no harm; not so below $CONTROL
    "unsubscribe": True,
}

_SEND, _RECEIVE = "publishClientSend", "publishClientReceive"
_KINDS: Final = {
    "write": (_SEND,),
    "read": (_RECEIVE, "subscribePattern"),
    "readwrite": (_SEND, _RECEIVE),
    "deny": (_SEND, _RECEIVE),
}

Document = dict[str, Any]


def document(
    before: Document | None,
    services: Mapping[str, tuple[str, Iterable[Right]]],
    listed: Mapping[str, str],
    carried_over: Mapping[str, str],
) -> Document:
    """Return the file's contents for the next start of the broker.

    Args:
        before: its contents now; None where there is none.
        services: password and rights of each user that is not a device.
        listed: hash of the password (`broker.server.mosquitto.hash_password`) of each device that `.env` lists.
        carried_over: `listed` of the last time.
    """
    clients = {client["username"]: client for client in (before or {}).get("clients", [])}
    devices = {user: client for user, client in clients.items() if "/" in user and _stays(user, listed, carried_over)}
    for asset, hashed in listed.items():
        if carried_over.get(asset) != hashed:
            devices[asset] = _client(asset, hashed)
    found = {
        user: _known(clients.get(user), password) or _client(user, hash_password(password))
        for user, (password, _) in services.items()
    }
    rights = {user: allowed for user, (_, allowed) in services.items()} | {
        asset: own_rights(asset) for asset in devices
    }
    return {
        "defaultACLAccess": _DEFAULTS,
        "clients": [*found.values(), *devices.values()],
        "groups": [],
        "roles": [{"rolename": user, "acls": acls(allowed)} for user, allowed in rights.items()],
    }


def own_rights(asset: str) -> list[Right]:
    """Return the rights of a device."""
    return own(asset, "readwrite")


def acls(rights: Iterable[Right]) -> list[dict[str, Any]]:
    """Return rights in the plugin's form; what is denied stands before what is allowed."""
    return [
        {"acltype": kind, "topic": topic, "priority": int(access == "deny"), "allow": access != "deny"}
        for access, topic in rights
        for kind in _KINDS[access]
    ]


def _stays(asset: str, listed: Mapping[str, str], carried_over: Mapping[str, str]) -> bool:
    """Return whether a device that has a credential still has it, unless `.env` gives it another."""
    return asset in listed or asset not in carried_over


def _client(user: str, hashed: str) -> dict[str, Any]:
    _, _, iterations, salt, digest = hashed.split("$")
    return {
        "username": user,
        "password": digest,
        "salt": salt,
        "iterations": int(iterations),
        "roles": [{"rolename": user}],
    }


def _known(client: Mapping[str, Any] | None, password: str) -> Mapping[str, Any] | None:
    """Return a client whose password is this one, so that the file stays as it is."""
    if client is None or not {"password", "salt", "iterations"} <= client.keys():
        return None
    salt, iterations = base64.b64decode(client["salt"]), int(client["iterations"])
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return client if hmac.compare_digest(digest, base64.b64decode(client["password"])) else None
