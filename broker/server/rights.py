"""The rights of devices at our brokers, and Mosquitto's ACL file."""

from collections.abc import Iterable, Mapping
from typing import Final

from broker.contract.topics import PREFIX

Right = tuple[str, str]
"""What is allowed (`read`, `write`, `readwrite`) or denied (`deny`), and the topic filter."""

ALL: Final[tuple[Right, ...]] = (("readwrite", "#"),)
EVERY_ASSET: Final = ("+", "+/+", "+/+/+", "+/+/+/+")
ANY_MACHINE: Final = "+/+/+/+"


def own(machine: str, access: str) -> list[Right]:
    """Return a machine's rights: every topic below its own, except its indicators."""
    return [(access, f"{PREFIX}/{machine}/#"), ("deny", f"{PREFIX}/{machine}/kpi/#")]


def any_machines(access: str = "readwrite") -> list[Right]:
    """Return the rights of an account for all machines: those of every machine, and no indicators."""
    return [*own(ANY_MACHINE, access), *(("deny", f"{PREFIX}/{asset}/kpi/#") for asset in EVERY_ASSET[:-1])]


def mosquitto_rights(users: Mapping[str, Iterable[Right]]) -> str:
    """Return the text of Mosquitto's ACL file."""
    return "\n".join(
        f"user {user}\n" + "".join(f"topic {access} {topic}\n" for access, topic in allowed)
        for user, allowed in users.items()
    )
