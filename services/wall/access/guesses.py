"""Guesses of the password, slowed by the address that they come from: ten at once, then one a second.

While an address is slowed nothing that it sends is compared, so no answer shows whether a guess was right. A browser
that was let in before is known by a token (a cookie, worth nothing without the password) and never slowed: so guesses
from behind the same proxy lock nobody out who is in already. What is remembered is bounded.
"""

import hmac
import ipaddress
import secrets
from collections.abc import Callable
from typing import Final

AT_ONCE: Final = 10
PAUSE_S: Final = 1.0
MOST_ADDRESSES: Final = 10_000


class Guesses:
    """Wrong guesses that were made of late, by address."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin without any.

        Args:
            clock: monotonic seconds.
        """
        self.token: Final = secrets.token_urlsafe(18)
        self._clock = clock
        self._paid_at: dict[str, float] = {}  # when an address has paid for all its guesses, a pause for each

    def pause_s(self, address: str, token: str = "") -> float:
        """Return for how many seconds no guess of an address is looked at; 0 if it is looked at now.

        Args:
            address: the client's.
            token: what it shows of having been let in before.
        """
        if token and hmac.compare_digest(token.encode(), self.token.encode()):
            return 0.0
        owed = self._paid_at.get(_network(address), 0.0) - self._clock()
        return max(0.0, owed - (AT_ONCE - 1) * PAUSE_S)

    def note_wrong(self, address: str) -> None:
        """Note a wrong guess."""
        network, now = _network(address), self._clock()
        self._paid_at[network] = max(now, self._paid_at.pop(network, 0.0)) + PAUSE_S
        while len(self._paid_at) > MOST_ADDRESSES:
            del self._paid_at[next(iter(self._paid_at))]


def _network(address: str) -> str:
    """Return what one client has: an IPv4 address, or an IPv6 network, of which each has 2^64 addresses."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False).network_address)
    return str(found)
