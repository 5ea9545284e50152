"""How people write times on the command line: durations (`30s`, `1h30m`, `7d`) and instants.

They are parsers for typer options, `finite` is a callback of theirs:

    last: Annotated[float, typer.Option(parser=times.duration_s, metavar="D")] = 8 * 3600.0
"""

import math
import re
import time
from typing import Final

import typer

from broker.contract import durations, instants
from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_S

_MILLISECONDS: Final = re.compile(r"-?\d{1,18}(?:\.\d{1,6})?\Z", re.ASCII)


def duration_s(text: str | float) -> float:
    """Read a duration such as `30s`, `1h30m` or `7d`; return its seconds.

    A number, as an option's default or `corridor.toml` may hold, is seconds already.

    Raises:
        typer.BadParameter: it is not a duration, or not above zero.
    """
    if isinstance(text, str):
        try:
            seconds = durations.parse(text.strip())
        except ContractError as error:
            raise typer.BadParameter(str(error)) from error
    else:
        seconds = float(text)
    if not 0 < seconds < 1e10:
        raise typer.BadParameter(f"a duration of {text} is out of range; it must be above zero, as in 30s, 8h or 7d")
    return seconds


def in_words(seconds: float) -> str:
    """Return a duration in its two largest units, such as `3 h 12 min`."""
    minutes = int(seconds // 60)
    days, hours, minutes = minutes // 1_440, minutes // 60 % 24, minutes % 60
    parts = [(days, "d"), (hours, "h"), (minutes, "min")]
    return " ".join(f"{amount} {unit}" for amount, unit in [part for part in parts if part[0]][:2]) or "0 min"


def instant_ns(text: object) -> int:
    """Read an instant: RFC 3339, epoch milliseconds, `now`, or `now-8h`, by the computer's clock.

    Returns:
        Its nanoseconds since 1970-01-01 UTC.

    Raises:
        typer.BadParameter: it is none of these, or beyond what a store can be asked for.
    """
    written = str(text).strip()
    try:
        if written == "now":
            found = time.time_ns()
        elif written.startswith("now-"):
            found = time.time_ns() - round(duration_s(written[4:]) * NS_PER_S)
        elif _MILLISECONDS.match(written):
            found = instants.parse(float(written) if "." in written else int(written))
        else:
            found = instants.parse(written)
    except ContractError as error:
        raise typer.BadParameter(
            f"{error.problem}; write 2026-11-24T08:00:00Z, 2026-11-24T09:00:00+01:00, ms since 1970, or now-8h"
        ) from error
    if not instants.EARLIEST <= found <= instants.LATEST:
        raise typer.BadParameter(f"{written[:40]} is beyond all bounds; write a time between 1700 and 2249")
    return found


def finite(number: float) -> float:
    """Return a number that is one.

    Raises:
        typer.BadParameter: it is `nan` or `inf`, which no bound keeps out.
    """
    if not math.isfinite(number):
        raise typer.BadParameter(f"{number} is not a number to go by; write one as in 1 or 0.5")
    return number
