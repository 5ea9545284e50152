"""How people write times on the command line: durations (`30s`, `1h30m`, `7d`) and instants.

Both functions are parsers for typer options:

    last: Annotated[float, typer.Option(parser=times.duration_s, metavar="D")] = 8 * 3600.0
"""

import re
from typing import Final

import typer

from broker import instants
from broker.errors import ContractError

_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|min|[smhdw])", re.ASCII)
_MILLISECONDS: Final = re.compile(r"-?\d{1,18}(?:\.\d{1,6})?\Z", re.ASCII)


def duration_s(text: str | float) -> float:
    """Read a duration such as `30s`, `1h30m` or `7d`; return its seconds.

    A number, as an option's default or `corridor.toml` may hold, is seconds already.

    Raises:
        typer.BadParameter: it is not a duration, or not above zero.
    """
    if isinstance(text, str):
        compact = text.replace(" ", "")
        parts = _PART.findall(compact)
        if not parts or "".join(number + unit for number, unit in parts) != compact:
            raise typer.BadParameter(
                f"{text!r} is not a duration; write a number and a unit (ms, s, m, h, d, w), as in 30s, 1h30m or 7d"
            )
        seconds = sum(float(number) * _UNITS_S[unit] for number, unit in parts)
    else:
        seconds = float(text)
    if not 0 < seconds < 1e10:
        raise typer.BadParameter(f"a duration of {text} is out of range; it must be above zero, as in 30s, 8h or 7d")
    return seconds


def instant_ns(text: object) -> int:
    """Read an instant, RFC 3339 or epoch milliseconds; return its nanoseconds since 1970-01-01 UTC.

    Raises:
        typer.BadParameter: it is neither.
    """
    written = str(text).strip()
    try:
        if _MILLISECONDS.match(written):
            return instants.parse(float(written) if "." in written else int(written))
        return instants.parse(written)
    except ContractError as error:
        raise typer.BadParameter(
            f"{error.problem}; write 2026-11-24T08:00:00Z, 2026-11-24T09:00:00+01:00, or milliseconds since 1970"
        ) from error
