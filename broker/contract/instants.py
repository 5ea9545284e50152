"""Instants on the wire: epoch milliseconds or RFC 3339 text, to and from integer nanoseconds since 1970-01-01 UTC.

RFC 3339 is parsed here, since `datetime` has microseconds and the wire has nanoseconds.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from broker.contract.errors import ContractError, shown
from broker.contract.events import NS_PER_MS, NS_PER_S

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST: Final = -8_520_336_000 * NS_PER_S
"""1700-01-01: with `LATEST`, the range that can be queried; 22 years within that of 64-bit nanoseconds."""
LATEST: Final = 8_835_955_200 * NS_PER_S
"""2250-01-01."""
FOR_EVER: Final = 2**62
"""Later than any event, and its negative earlier than any."""
_LARGEST: Final = 1e19
"""More than any clock shows, even one that is read in nanoseconds by mistake (19 digits)."""
_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)\Z", re.ASCII
)
"""Beside RFC 3339, the zones of ISO 8601: `+0800` and `+08`."""


def parse(ts: float | str) -> int:
    """Return the nanoseconds that `ts` stands for: milliseconds if a number, RFC 3339 if a text.

    Digits beyond the nanosecond are cut off.

    Raises:
        ContractError: it is neither.
    """
    if not isinstance(ts, str):
        if not -_LARGEST < ts < _LARGEST:
            raise ContractError("time is beyond all bounds", "send milliseconds since 1970")
        if isinstance(ts, int):
            return ts * NS_PER_MS
        whole_ms = int(ts)  # converted apart from its fraction, which would lose digits otherwise
        return whole_ms * NS_PER_MS + round((ts - whole_ms) * NS_PER_MS)
    found = _RFC3339.match(ts)
    if found is None:
        raise ContractError(
            f"time {shown(ts)} is not RFC 3339",
            "write 2026-11-24T08:00:00.123Z, or milliseconds since 1970 as a number",
        )
    day, clock, fraction, zone = found.groups()
    try:
        whole = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if zone in 'Zz' else zone}")
    except ValueError as error:
        raise ContractError(f"time {shown(ts)} does not exist: {error}", "send a real date and time") from error
    return from_datetime(whole) + int((fraction or "0").ljust(9, "0"))


def from_datetime(at: datetime) -> int:
    """Return the nanoseconds since 1970-01-01 UTC of a time with its zone, exactly."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * NS_PER_S + since.microseconds * 1_000


def utc_date(at: int) -> date:
    """Return the date of an instant in UTC."""
    return (_EPOCH + timedelta(seconds=at // NS_PER_S)).date()


def format_rfc3339(at: int) -> str:
    """Write nanoseconds as RFC 3339 in UTC, with as many digits of the second as are needed (none, 3, 6 or 9)."""
    seconds, rest = divmod(at, NS_PER_S)
    text = (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()
    if not rest:
        return text + "Z"
    digits = f"{rest:09d}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f"{text}.{digits}Z"


def to_wire(at: int) -> int | str:
    """Write nanoseconds as the contract's `ts`: milliseconds if that is exact, else RFC 3339."""
    milliseconds, rest = divmod(at, NS_PER_MS)
    return format_rfc3339(at) if rest else milliseconds
