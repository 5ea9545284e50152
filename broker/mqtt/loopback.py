"""Which hosts only this computer can reach."""

import ipaddress
from typing import Final

ANY: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  (compared, not bound)
"""Addresses by which a server listens on all of its computer's own."""


def is_loopback(host: str) -> bool:
    """Return whether an address or name is a loopback one: other computers cannot reach what listens there."""
    try:
        found = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return host.lower() in {"localhost", "localhost."}
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback
