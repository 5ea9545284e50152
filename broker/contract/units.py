"""Units: the names that devices use for them, each with its UCUM code, and what the ledger adds up.

This is the one place for both tables. A unit that is not in `NAMES` is stored as it is: it may be a UCUM code, or a
unit of the sender's own.
"""

from functools import lru_cache
from typing import Final

_SPELLINGS: Final[dict[str, tuple[str, ...]]] = {
    # energy
    "kW.h": ("kWh", "kwh", "KWh", "KWH", "kWhr", "kW·h", "kW⋅h", "kW*h", "kW h", "kW-h", "kilowatt-hours"),
    "W.h": ("Wh", "wh", "WH", "Whr", "W·h", "W⋅h", "W*h", "W h", "W-h", "watt-hours"),
    "MW.h": ("MWh", "MWH", "MWhr", "MW·h", "MW⋅h", "MW*h", "MW h", "MW-h"),
    "GW.h": ("GWh", "GW·h", "GW⋅h", "GW h"),
    "kV.A.h": ("kVAh", "kVA·h"),
    "J": ("joule", "joules"),
    # electricity
    "W": ("watt", "watts"),
    "kW": ("kw", "KW", "kilowatt", "kilowatts"),
    "V": ("volt", "volts"),
    "A": ("amp", "amps", "ampere", "amperes", "Amp", "Amps"),
    "V.A": ("VA",),
    "kV.A": ("kVA", "KVA"),
    "A.h": ("Ah",),
    "Ohm": ("ohm", "ohms", "Ω", "\N{OHM SIGN}"),
    "Hz": ("hz", "HZ", "hertz"),
    # temperature
    "Cel": ("°C", "ºC", "℃", "° C", "degC", "DegC", "deg C", "deg_C", "degc", "C", "celsius", "Celsius", "CELSIUS"),
    "[degF]": ("°F", "ºF", "℉", "° F", "degF", "DegF", "deg F", "deg_F", "degf", "F", "fahrenheit", "Fahrenheit"),
    "K": ("kelvin", "Kelvin"),
    # rotation, frequency, angle
    "/min": ("rpm", "RPM", "Rpm", "r/min", "rev/min", "1/min", "min-1", "min^-1", "min⁻¹", "U/min", "upm", "tr/min"),
    "deg": ("°", "degree", "degrees"),
    # pressure
    "bar": ("Bar", "BAR"),
    "mbar": ("mBar",),
    "Pa": ("pascal",),
    "kPa": ("kpa", "KPa"),
    "MPa": ("Mpa",),
    "[psi]": ("psi", "PSI", "Psi", "lbf/in2", "psig"),
    # volume and flow
    "m3": ("m³", "m^3", "cbm", "cubic metres", "cubic meters"),
    "m3{norm}": ("Nm³", "Nm3", "Nm^3", "Sm³", "Sm3"),
    "L": ("l", "ltr", "litre", "litres", "liter", "liters"),
    "mL": ("ml",),
    "L/min": ("l/min", "lpm", "LPM", "ltr/min", "litres/min", "liters/min"),
    "L/h": ("l/h",),
    "L/s": ("l/s",),
    "m3/h": ("m³/h", "m^3/h", "m3/hr", "cbm/h"),
    "m3{norm}/h": ("Nm³/h", "Nm3/h", "Nm^3/h"),
    "m3/min": ("m³/min", "m^3/min"),
    "[gal_us]": ("gal", "gallon", "gallons"),
    # length, area
    "mm": ("millimeter", "millimeters", "millimetre", "millimetres", "MILLIMETER"),
    "um": ("µm", "μm", "micron", "microns", "micrometer", "micrometre"),
    "cm": ("centimeter", "centimetre"),
    "m": ("meter", "meters", "metre", "metres"),
    "[in_i]": ("in", "inch", "inches"),
    "m2": ("m²", "m^2"),
    "mm2": ("mm²", "mm^2"),
    # speed, acceleration, force, torque
    "m/s2": ("m/s²", "m/s^2"),
    "mm/min": ("mm/Min", "MILLIMETER/MINUTE"),
    "mm/s": ("mm/sec", "MILLIMETER/SECOND"),
    "N.m": ("Nm", "N·m", "N⋅m", "N*m", "N m"),
    "kN": ("KN",),
    # mass
    "kg": ("Kg", "KG", "kgs", "kilogram", "kilograms"),
    "g": ("gram", "grams"),
    "t": ("tonne", "tonnes"),
    "[lb_av]": ("lb", "lbs"),
    # time
    "s": ("sec", "secs", "second", "seconds"),
    "ms": ("msec", "millisecond", "milliseconds"),
    "us": ("µs", "μs", "microseconds"),
    "min": ("mins", "minute", "minutes"),
    "h": ("hr", "hrs", "hour", "hours"),
    "d": ("day", "days"),
    # shares and counts
    "%": ("percent", "Percent", "PERCENT", "pct", "%RH", "% RH"),
    "[ppm]": ("ppm",),
    "{piece}": ("pcs", "pieces", "Stk"),
    "dB": ("db",),
}
NAMES: Final = {name: code for code, names in _SPELLINGS.items() for name in names}
"""The UCUM code of each common name of a unit; codes themselves are not in it."""

_VOLUMES: Final = {"": 1, "m3": 1, "m3{norm}": 1, "L": 1e-3, "hL": 0.1, "dm3": 1e-3}
SUMMED: Final[dict[str, dict[str, float]]] = {
    "electricity": {
        "": 1,
        "kW.h": 1,
        "W.h": 1e-3,
        "MW.h": 1e3,
        "GW.h": 1e6,
        "GJ": 1e3 / 3.6,
        "MJ": 1 / 3.6,
        "kJ": 1 / 3_600,
        "J": 1 / 3_600_000,
    },
    "compressed-air": _VOLUMES,
    "water": _VOLUMES,
    "gas": _VOLUMES,
}
"""The meters whose totals the ledger adds up, by name: what one of each unit is worth in kW·h or m³. A meter without a
unit is in that one."""


@lru_cache(maxsize=4_096)
def ucum(unit: str) -> str:
    """Return the UCUM code of a unit's common name; any other text as it is, without spaces around it."""
    bare = unit.strip()
    return NAMES.get(bare, bare)
