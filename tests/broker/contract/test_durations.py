"""Durations: the same forms on the command line, in an address and in a plant file."""

from collections.abc import Callable

import pytest
import typer

from broker.contract import durations
from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_S
from broker.plant.plant_file import PlantError, parse
from cli.invocation import times
from services.query.asked_range import RangeError, duration


def of_a_plant(text: str) -> float:
    return parse(f'microstop-limit = "{text}"', "plant.toml").microstop_limit_ns / NS_PER_S


READERS: dict[str, Callable[[str], float]] = {
    "contract": durations.parse,
    "command line": times.duration_s,
    "address": lambda text: duration(text) / NS_PER_S,
    "plant file": of_a_plant,
}


@pytest.mark.parametrize("where", READERS)
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("90 s", 90),
        ("15m", 900),
        ("2 min", 120),
        ("1h30m", 5_400),
        ("1h 30min", 5_400),
        ("1.5h", 5_400),
        ("500ms", 0.5),
        ("7d", 604_800),
        ("2w", 1_209_600),
    ],
)
def test_a_duration_is_read_alike_everywhere(where: str, text: str, seconds: float) -> None:
    assert READERS[where](text) == seconds


@pytest.mark.parametrize("where", READERS)
@pytest.mark.parametrize(
    "text", ["", " ", "h", "8 hours", "h8", "-5s", "nan", "infs", "1e3s", "1h,5m", "1.s", "٣s", "5m x", "9" * 400 + "s"]
)
def test_what_is_no_duration_is_none_anywhere(where: str, text: str) -> None:
    with pytest.raises((ContractError, typer.BadParameter, RangeError, PlantError), match=r"30s|5min"):
        READERS[where](text)
