"""The table of units: each name has one code, and a code is not the name of another."""

import pytest

from broker.contract.units import NAMES, SUMMED, ucum


def test_a_code_is_nobodys_name() -> None:
    assert not set(NAMES.values()) & NAMES.keys()
    assert all(unit == ucum(unit) for units in SUMMED.values() for unit in units)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("kWh", "kW.h"),
        ("°C", "Cel"),
        ("degC", "Cel"),
        ("F", "[degF]"),
        ("l/min", "L/min"),
        ("m³", "m3"),
        ("rpm", "/min"),
        ("psi", "[psi]"),
        ("Nm", "N.m"),
        ("um", "um"),
        ("\N{MICRO SIGN}m", "um"),
        ("\N{GREEK SMALL LETTER MU}m", "um"),
        (" bar ", "bar"),
        *((same, same) for same in ("m3", "bar", "%", "V", "A", "W", "kW", "mm", "s", "h", "min", "Cel", "furlong")),
    ],
)
def test_a_common_name_is_read_as_its_code_and_any_other_text_as_it_is(name: str, code: str) -> None:
    assert ucum(name) == code
