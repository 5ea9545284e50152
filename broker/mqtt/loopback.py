"""Which hosts only this computer can reach."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Return whether an address or name is a loopback one: other computers cannot reach what listens there."""
    try:
        found = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return host.lower() in {"localhost", "localhost."}
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback
