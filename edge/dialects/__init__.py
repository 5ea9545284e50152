"""Dialects: what devices send that do not speak the contract, translated to its events.

A dialect is one file, which implements `dialect.Dialect`, and a line in `DIALECTS`. It is pure: messages come in;
events, rejections and requests go out. It stores only what it needs to understand later messages. Sockets, clocks and
the contract's topics never come in: `edge.gateways` runs the dialects.
"""

from collections.abc import Callable
from typing import Final

from edge.dialects.dialect import Dialect
from edge.dialects.shdr import Adapter

DIALECTS: Final[dict[str, Callable[[str], Dialect]]] = {
    "shdr": Adapter,
}
"""The dialects by the name that a user types; each is made with the asset path of the machine that it is for."""
