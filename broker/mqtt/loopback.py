"""Which hosts are this computer and nobody else's."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Tell whether an address or name is this computer's own: what listens there, others cannot reach."""
    try:
        found = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return host.lower() in {"localhost", "localhost."}
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback
