"""Durations as people write them, in a command, an address and a plant file: `90s`, `1h30m`, `1.5 h`, `7d`."""

import re
from typing import Final

from broker.contract.errors import ContractError

_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_PART: Final = re.compile(r"(\d{1,14}(?:\.\d{1,9})?)\s*(ms|min|[smhdw])\s*", re.ASCII)
_SHOWN: Final = 40


def parse(text: str) -> float:
    """Return the seconds of a duration: numbers with their units (ms, s, m or min, h, d, w), added up.

    Raises:
        ContractError: it is not a duration. The caller checks whether zero, or a very long one, makes sense.
    """
    seconds, at = 0.0, 0
    while part := _PART.match(text, at):
        seconds += float(part[1]) * _UNITS_S[part[2]]
        at = part.end()
    if not at or at < len(text):
        raise ContractError(
            f"{text[:_SHOWN]!r} is not a duration",
            "write numbers with a unit (ms, s, m, h, d, w), as in 30s, 1h30m, 8h or 7d",
        )
    return seconds
