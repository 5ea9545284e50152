"""The two accounts of a broker with a password: one that devices share, and one that the services have for themselves.

People are shown the devices' account; the services' has a password that is made anew at each start and shown to nobody.
"""

import secrets
from typing import Final, Self

import msgspec

SERVICES: Final = "corridor-services"


class Account(msgspec.Struct, frozen=True):
    """A user and its password."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Account({self.user!r})"  # without the password, wherever it may be printed


class Accounts(msgspec.Struct, frozen=True):
    """Who may come in."""

    devices: Account
    services: Account

    @classmethod
    def of(cls, user: str, password: str) -> Self:
        """Return the accounts of a broker whose devices come in by a user and password.

        Raises:
            ValueError: that is no name of a user.
        """
        if ":" in user or not user.isprintable() or user == SERVICES:
            raise ValueError(f"a user's name may hold neither a colon nor control characters, nor be {SERVICES}")
        return cls(Account(user, password), Account(SERVICES, secrets.token_hex(20)))
