"""How devices join by the wall: the same lines to copy as `device add` prints."""

from collections.abc import Mapping, Sequence

import msgspec

from cli.onboarding.instructions import (
    DEVICES,
    FORMS,
    LOOPBACK,
    Login,
    gateway_of,
    gateway_of_the_stack,
    of_a_form,
    of_the_contract,
)
from cli.onboarding.place import own_address

__all__ = ["JoiningLines", "own_address"]


class JoiningLines(msgspec.Struct, frozen=True):
    """The lines for one broker.

    Attributes:
        host: the broker's, as devices reach it; a loopback address where it is on the wall's own computer.
        port: its port.
        outside: address of the wall's computer on the network; '' where that is not known.
        is_stack: it is the compose stack's, whose gateway is set up in `.env`.
        is_closed: it accepts topics of the contract alone: a device of a dialect connects to another.
    """

    host: str
    port: int
    outside: str
    is_stack: bool
    is_closed: bool = False

    @property
    def forms(self) -> Sequence[str]:
        """Names of devices that have a form of their own."""
        return list(FORMS)

    def lines(self, asset: str, form: str, host: str, login: tuple[str, str] | None) -> Mapping[str, str]:
        """Return by title what to copy; a broker beside the wall is reached by the name by which the wall was."""
        at = host if host and self.host in {*LOOPBACK, "0.0.0.0", "::"} else self.host  # noqa: S104  (compared)
        user, password = login or ("", "")
        device = Login(at, self.port, user, password, self.outside)
        if not form:
            return of_the_contract(asset, device)
        if self.is_stack:
            return of_a_form(form, asset, DEVICES, gateway_of_the_stack(form, asset))
        url = Login(at, self.port).url
        target = url.replace("//", "//USER:PASSWORD@") if login else url
        if self.is_closed:
            return of_a_form(form, asset, DEVICES, gateway_of(form, asset, DEVICES.url, target))
        return of_a_form(form, asset, device, gateway_of(form, asset, target, target))
