"""The districts of the shipped corridor, and plants of some of them.

Each is a file of `plants/`, `<site>-<area>.toml`, included by `corridor.toml` beside its site's, `<site>.toml`.
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from broker.contract.errors import ContractError
from broker.plant.plant import Plant
from broker.plant.plant_file import load

CORRIDOR: Final = Path(__file__).parent / "plants" / "corridor.toml"
NAME: Final = "corridor"
"""The name of the plant of all districts."""
DEFAULT: Final = ("sheffield/machining", "lancaster/joining")
"""Those that the demo shows unless it is asked for others."""

_REASONS: Final = "reasons.toml"
"""Reasons that several of the other districts share."""


class UnknownDistrictError(ContractError):
    """There is no district of that name; the text lists those that there are."""


@cache
def names() -> tuple[str, ...]:
    """Return the districts, `<site>/<area>`, in the order of the corridor's file."""
    found = re.findall(r'^  "([a-z0-9]+)-([a-z0-9-]+)\.toml",$', CORRIDOR.read_text(encoding="utf-8"), re.MULTILINE)
    return tuple(f"{site}/{area}" for site, area in found)


def plant(districts: Sequence[str] = DEFAULT) -> Plant:
    """Return a plant of some districts, in the corridor's order.

    Raises:
        UnknownDistrictError: one of them does not exist.
    """
    for name in districts:
        if name not in names():
            raise UnknownDistrictError(f"there is no district {name!r}", f"the districts are {', '.join(names())}")
    files = {f"{name.replace('/', '-')}.toml" for name in districts}
    files |= {f"{name.partition('/')[0]}.toml" for name in districts}
    return load(CORRIDOR, files if set(districts) <= set(DEFAULT) else files | {_REASONS})
