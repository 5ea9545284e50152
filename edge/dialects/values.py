"""What foreign values mean: JSON, numbers, truth values, times and units, in the forms that devices send them in.

`None` is "no value": it becomes no sample, never a zero. A unit is normalised once, here: energy to kW·h, °F to °C.
"""

import math
import re
from typing import Any, Final

import msgspec

from broker.contract import instants
from broker.contract.device_time import RETENTION_NS, check_time
from broker.contract.errors import ContractError, shown
from broker.contract.events import NS_PER_S, QUANTITY_LIMIT, AnyEvent, Meter, Sample, TimeSource, Value
from broker.contract.lenient import leniency
from broker.contract.message import Message
from broker.contract.payloads import NOT_PLAIN
from broker.contract.units import ucum

ENERGY: Final = {
    "kW.h": 1.0,
    "W.h": 1e-3,
    "MW.h": 1e3,
    "GW.h": 1e6,
    "mW.h": 1e-6,
    "W.min": 1e-3 / 60,
    "W.s": 1e-3 / 3_600,
    "J": 1e-3 / 3_600,
    "kJ": 1 / 3_600,
    "MJ": 1 / 3.6,
    "GJ": 1e3 / 3.6,
}
"""Units of energy, and what one of each is in kW·h."""
_FOREIGN_UNITS: Final = {
    "mWh": "mW.h",
    "Wmin": "W.min",
    "Ws": "W.s",
    "CELSIUS": "Cel",
    "FAHRENHEIT": "[degF]",
    "REVOLUTION/MINUTE": "/min",
    "REVOLUTION/SECOND": "/s",
    "REVOLUTION/SECOND^2": "/s2",
    "MILLIMETER_3D": "mm",
    "MILLIMETER/SECOND^2": "mm/s2",
    "MILLIMETER/SECOND^3": "mm/s3",
    "SQUARE_MILLIMETER": "mm2",
    "CUBIC_MILLIMETER": "mm3",
    "CUBIC_MILLIMETER/SECOND": "mm3/s",
    "KILOMETER": "km",
    "MILLIMETER/REVOLUTION": "mm",
    "DEGREE": "deg",
    "DEGREE_3D": "deg",
    "DEGREE/SECOND": "deg/s",
    "DEGREE/SECOND^2": "deg/s2",
    "MICRO_RADIAN": "urad",
    "NEWTON": "N",
    "NEWTON_METER": "N.m",
    "PASCAL": "Pa",
    "PASCAL/SECOND": "Pa/s",
    "PASCAL_SECOND": "Pa.s",
    "GRAM": "g",
    "KILOGRAM": "kg",
    "MILLILITER": "mL",
    "LITER": "L",
    "LITER/SECOND": "L/s",
    "SECOND": "s",
    "MINUTE": "min",
    "HOUR": "h",
    "JOULE": "J",
    "WATT": "W",
    "WATT_SECOND": "W.s",
    "VOLT": "V",
    "AMPERE": "A",
    "HERTZ": "Hz",
    "VOLT_AMPERE": "V.A",
    "VOLT_AMPERE_REACTIVE": "var",
    "OHM": "Ohm",
    "SIEMENS/METER": "S/m",
    "PH": "[pH]",
    "DECIBEL": "dB",
    "mm/s²": "mm/s2",
}
_NO_VALUE: Final = frozenset({"", "unavailable", "unknown", "none", "null", "n/a", "nan", "inf", "-inf", "+inf"})
UNNAMED: Final = "unnamed"
"""The order of a machine that reports an ideal cycle and no order: the contract has the one with the other."""
_LONGEST_TEXT: Final = 256
_NOT_PLAIN: Final = re.compile(rf"[{NOT_PLAIN}\ud800-\udfff]")
_TRUE: Final = frozenset({"1", "true", "on", "yes"})
_FALSE: Final = frozenset({"0", "false", "off", "no"})
_CLOCKS_SET: Final = 1_451_606_400 * NS_PER_S
"""2016: no device that is translated here sends an earlier time of a clock that is set."""
_EPOCHS: Final = ((10, NS_PER_S), (13, 1_000_000), (16, 1_000), (19, 1))
"""By the digits of a number: seconds, milliseconds, microseconds and nanoseconds since 1970."""


def text(payload: bytes) -> str:
    """Return a payload as text, without what stands around it.

    Raises:
        ContractError: it is not UTF-8.
    """
    return leniency.trimmed(leniency.utf8(payload))


def json(payload: bytes) -> Any:
    """Return a payload that is JSON.

    Raises:
        ContractError: it is none.
    """
    try:
        return msgspec.json.decode(payload)
    except (ValueError, RecursionError):
        pass
    sent = text(payload)
    if not sent:
        raise ContractError("payload is empty", "send JSON")
    try:
        return msgspec.json.decode(sent.encode())
    except RecursionError:
        raise ContractError("payload is nested too deep", "send a flat object") from None
    except ValueError as error:
        raise ContractError(f"payload is not JSON: {error}", "a number that is not finite is null in JSON") from error


def json_object(payload: bytes) -> dict[str, Any]:
    """Return a payload that is a JSON object.

    Raises:
        ContractError: it is none.
    """
    found = json(payload)
    if not isinstance(found, dict):
        raise ContractError("payload is not a JSON object", "see the dialect's page for what it reads")
    return found


def number(value: Any) -> float | None:
    """Return a number, also one that came as text or as a truth value; None where there is no value.

    Raises:
        ContractError: it is no number, or beyond the limit of quantities.
    """
    if value is None or (isinstance(value, str) and value.strip().lower() in _NO_VALUE):
        return None
    if isinstance(value, str):
        bare = value.strip()
        if not leniency.is_number(bare):
            raise ContractError(f"{shown(value)} is not a number", "send a number with a decimal point")
        value = float(bare)
    if not isinstance(value, (int, float)):
        raise ContractError(f"a {type(value).__name__} stands where a number belongs", "send a number")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if not -QUANTITY_LIMIT <= value <= QUANTITY_LIMIT:
        raise ContractError("a number is beyond ±10¹⁵", "send null where there is no value")
    return float(value)


def flag(value: Any) -> bool | None:
    """Return a truth value in any of its forms (true, 1, "ON", "true"); None where it is none of them."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, (int, str)) else ""
    return True if word in _TRUE else False if word in _FALSE else None


def plain(value: str, longest: int = _LONGEST_TEXT) -> str:
    """Return a text on one line, shortened."""
    return _NOT_PLAIN.sub(" ", value)[:longest]


def scalar(value: Any) -> Value | None:
    """Return a value as a signal has it: number, truth value or text; None where there is no value.

    A text that is certainly a number is one.

    Raises:
        ContractError: it is an object or a list, or beyond the limit of quantities.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        bare = value.strip()
        if bare.lower() in _NO_VALUE:
            return None
        found = leniency.number(bare)
        return plain(bare) if found is None else found
    return number(value)


def unit_code(unit: str) -> str:
    """Return the UCUM code of a unit."""
    bare = unit.strip()
    return plain(_FOREIGN_UNITS.get(bare) or ucum(bare), 32)


def in_our_unit(value: Value, unit: str) -> tuple[Value, str]:
    """Return a value and the UCUM code of its unit; °F becomes °C."""
    code = unit_code(unit)
    if code == "[degF]" and isinstance(value, float):
        return round((value - 32) / 1.8, 6), "Cel"
    return value, code


def kwh(value: float, unit: str) -> float | None:
    """Return an amount of energy in kW·h; None where the unit is none of energy."""
    factor = ENERGY.get(unit_code(unit))
    return None if factor is None else value * factor


class Stamp(msgspec.Struct, frozen=True):
    """What the events of one reading share, and when it was received."""

    asset: str
    at: int
    source: TimeSource
    simulated: bool = False
    received_at: int = 0

    @classmethod
    def of(cls, message: Message, asset: str, at: int | None = None) -> "Stamp":
        """Return the stamp of a message: with its own time, else that of receipt; a retained one is of unknown age.

        Raises:
            ContractError: its own time is too far from its receipt. A dialect is not to remember as reported what the
                contract rejects: a state would be missing until it changes.
        """
        if at is not None:
            check_time(at, message.received_at, RETENTION_NS)
            return cls(asset, at, "device", received_at=message.received_at)
        source: TimeSource = "retained" if message.retained else "receipt"
        return cls(asset, message.received_at, source, received_at=message.received_at)

    @classmethod
    def holding(cls, message: Message, asset: str, at: int | None) -> "Stamp":
        """Return the stamp of a value that still holds: one from before what is stored is the last that is known."""
        if at is not None and at < message.received_at - RETENTION_NS:
            return cls(asset, message.received_at, "retained", received_at=message.received_at)
        return cls.of(message, asset, at)

    def shared(self) -> dict[str, Any]:
        """Return the fields that all events have."""
        return {"asset": self.asset, "at": self.at, "time_source": self.source, "simulated": self.simulated}

    def sample(self, signal: str, value: Any, unit: str = "") -> list[AnyEvent]:
        """Return the sample of a signal; nothing where there is no value.

        Raises:
            ContractError: the value cannot be one.
        """
        found = scalar(value)
        if found is None:
            return []
        if unit and isinstance(found, str):
            raise ContractError(f"{shown(found)} is not a number", "send a number with a decimal point")
        converted, code = in_our_unit(found, unit)
        return [Sample(**self.shared(), signal=signal, value=converted, unit=code)]

    def energy(self, value: Any, unit: str, name: str = "electricity") -> list[AnyEvent]:
        """Return the reading of a meter of energy, in kW·h; nothing where there is no value.

        Raises:
            ContractError: the value is no number, negative, or its unit none of energy.
        """
        found = number(value)
        if found is None:
            return []
        total = kwh(found, unit)
        if total is None:
            raise ContractError(f"the unit {shown(unit)} is none of energy", "send kWh, Wh or J")
        return [Meter(**self.shared(), name=name, total=round(total, 9), unit="kW.h")]


def set_clock(at: int) -> int | None:
    """Return a time of a device; None of a clock that is not set yet: it begins in 1970, or counts its uptime."""
    return at if at > _CLOCKS_SET else None


def instant(value: Any) -> int:
    """Return a time, nanoseconds since 1970-01-01 UTC: RFC 3339, or an epoch in s, ms, µs or ns by its digits.

    Raises:
        ContractError: it is none.
    """
    if isinstance(value, str):
        bare = value.strip()
        if not leniency.is_number(bare):
            return instants.parse(bare)
        value = float(bare) if "." in bare or "e" in bare.lower() else int(bare)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ContractError("the time is neither a number nor a text", "send RFC 3339, or seconds since 1970")
    if isinstance(value, float) and not math.isfinite(value):
        raise ContractError("the time is not finite", "send RFC 3339, or seconds since 1970")
    whole = int(value)
    digits = len(str(abs(whole)))
    for most, factor in _EPOCHS:
        if digits <= most:
            # A double has a time of our days to a microsecond.
            return whole * factor + round((value - whole) * factor / 1_000) * 1_000
    raise ContractError("time is beyond all bounds", "send RFC 3339, or seconds since 1970")
