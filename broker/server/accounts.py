"""The two accounts of a broker with a password: one that all devices share, and one for the services.

The devices' account is shown to people; the services' password is random, new at each start and never shown.
"""

import secrets
from typing import Final, Self

import msgspec

SERVICES: Final = "corridor-services"
DEMO_USER: Final = "corridor"
"""The devices' user at the demo's broker."""


class Account(msgspec.Struct, frozen=True):
    """A user and its password."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Account({self.user!r})"  # without the password, wherever it may be printed


class Accounts(msgspec.Struct, frozen=True):
    """The accounts that may connect."""

    devices: Account
    services: Account

    @classmethod
    def of(cls, user: str, password: str) -> Self:
        """Return the accounts of a broker whose devices connect with a user and password.

        Raises:
            ValueError: the user's name is not allowed.
        """
        if ":" in user or not user.isprintable() or user == SERVICES:
            raise ValueError(f"a user's name may hold neither a colon nor control characters, nor be {SERVICES}")
        return cls(Account(user, password), Account(SERVICES, secrets.token_hex(20)))
