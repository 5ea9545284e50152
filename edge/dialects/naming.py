"""Foreign names in the contract's alphabet, and machines by the names that a source has for them.

Two foreign names that become one are never merged: the second is rejected, and the text names both. A name that is too
long ends in a digest of the whole, so that it stays its own.
"""

import re
import zlib
from functools import lru_cache
from typing import Final
from unicodedata import combining, normalize

from broker.contract.errors import ContractError, shown
from broker.contract.names import is_name
from edge.dialects.dialect import Setup

MOST_NAMES: Final = 50_000
"""Of one source. A device that makes a new name of each message must not fill the memory."""
_LONGEST: Final = 32
_LETTERS: Final = str.maketrans({"ß": "ss", "ø": "o", "Ø": "o", "æ": "ae", "Æ": "ae", "ł": "l", "Ł": "l", "đ": "d"})


@lru_cache(maxsize=16_384)
def slug(foreign: str) -> str:
    """Return a foreign name in the alphabet of names; '' if nothing of it can stand there."""
    if is_name(foreign):
        return foreign
    plain = "".join(one for one in normalize("NFKD", foreign.translate(_LETTERS)) if not combining(one))
    name = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 7].rstrip('-')}-{zlib.crc32(foreign.encode('utf-8', 'replace')) & 0xFFFFFF:06x}"


class Names:
    """The names of one source; of each scope (a machine, a level) the same foreign name is the same name again."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}

    def name(self, foreign: str, scope: str = "", whole: str = "") -> str:
        """Return a foreign name in the alphabet of names; `whole` is what it stands for, where that is more.

        Raises:
            ContractError: it has no letter or digit of it, another is the same there, or there are too many.
        """
        found = slug(foreign)
        if not found:
            raise ContractError(f"the name {shown(foreign)} has no letter or digit", "name it with a-z and 0-9")
        key, foreign = (scope, found), whole or foreign
        first = self._known.get(key)
        if first is None:
            if len(self._known) >= MOST_NAMES:
                raise ContractError(f"the source has {MOST_NAMES:,} names already", "put what varies into the value")
            self._known[key] = foreign
        elif first != foreign:
            raise ContractError(f"{shown(first)} and {shown(foreign)} are both {found} here", "rename one of them")
        return found


_OWN: Final = "corridor"
_LEVELS: Final = 4


def own_name(asset: str) -> str:
    """Return the name of a simulated machine where a dialect has one without levels: it has the whole path."""
    return ":".join((_OWN, *asset.split("/")))


class Machines:
    """The asset paths of a source's devices."""

    def __init__(self, setup: Setup, names: Names) -> None:
        self._setup = setup
        self._names = names

    def asset(self, device: str, *above: str) -> str:
        """Return the asset path of a device.

        Args:
            device: the name that the source has for it.
            above: the levels above it that the source sends, the lowest last; those that it does not are the place's.

        Raises:
            ContractError: a level cannot be named.
        """
        if self._setup.asset:
            return self._setup.asset
        for known in ("/".join((*above, device)), device):
            if known in self._setup.machines:
                return self._setup.machines[known]
        first, *levels = device.split(":")
        if first == _OWN and len(levels) == _LEVELS and all(map(is_name, levels)):
            return "/".join(levels)
        path = self._setup.place.split("/")[: max(0, 3 - len(above))]
        beyond = "".join(f"{level}/" for level in above[:-3])
        for level in (*above[-3:], device):
            # What is above the four levels is not in the path, but machines that differ there are not one.
            path.append(self._names.name(level, f"level {'/'.join(path)}", whole=beyond + level))
        return "/".join(path)

    def knows(self, device: str) -> bool:
        """Return whether the user has named a device's asset path."""
        return device in self._setup.machines
