"""How things look: the wall's colours, states, thresholds and units, as Grafana has them.

Normal is grey; colour means *look here*. One set of colours serves Grafana's dark and light theme: that of the wall in
the dark, whose hues are bright enough on both.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from broker.contract.events import STATES
from broker.plant.assets import SignalInfo
from broker.plant.plant import Plant
from dashboards.grafana import Object, dashboard, plain
from services.ledger.indicators.implausible import MOST_EFFECTIVENESS
from services.wall.palette import CATEGORY, THEMES

_TOKENS: Final = THEMES["calm"]["dark"]
PLAIN: Final = "text"
"""The ink of Grafana's theme, for numbers that are as they should be."""
PRODUCTIVE: Final = _TOKENS["productive"]
RUN: Final = _TOKENS["run"]
IDLE: Final = _TOKENS["idle"]
OFF: Final = _TOKENS["off"]
DOWN: Final = _TOKENS["down"]
WAIT: Final = _TOKENS["wait"]
ACT: Final = _TOKENS["act"]
ATTENTION: Final = _TOKENS["attention"]
UNKNOWN: Final = _TOKENS["unknown"]
LINES: Final = (ACT, WAIT, _TOKENS["productive"], ATTENTION, _TOKENS["act-text"], _TOKENS["dim"])

RATIO: Final = "percentunit"
POINTS: Final = "suffix:points"
"""Of the difference of two ratios, times a hundred: 3 points more than 60 % are 63 %."""
SECONDS: Final = "dtdhms"
"""Time that may be seconds or weeks: `7 d 03:20:00`. Grafana's own `s` writes four weeks, and rounds them."""
HOURS: Final = "suffix:h"
"""Of axes: theirs have decimal steps, which in `SECONDS` would be 00:16:40."""
CYCLE: Final = "suffix:s"
PIECES: Final = "locale"
"""Of all that is counted: 2,516, never 3 K."""
ENERGY: Final = "kwatth"
POWER: Final = "kwatt"
MASS: Final = "masskg"
VOLUME: Final = "m3"
AGO: Final = "dateTimeFromNow"

_NAMED: Final = (
    "#5794f2",
    "#e0b400",
    "#8ab8ff",
    "#b877d9",
    "#56a64b",
    "#ff9830",
    "#96d98d",
    "#ca95e5",
    "#ffcb7d",
    "#6ed0e0",
)
"""Of orders, products, programs: none that a state has."""

STATE_COLOURS: Final = {state: _TOKENS[CATEGORY[state]] for state in STATES}
_STATE_WORDS: Final = {"setup": "set-up", "unknown": "? unknown"}

_UCUM: Final = {
    "%": "percent",
    "A": "amp",
    "Cel": "celsius",
    "L/min": "flowlpm",
    "N": "forceN",
    "V": "volt",
    "W": "watt",
    "/min": "suffix:1/min",
    "bar": "pressurebar",
    "deg": "degree",
    "kN": "forcekN",
    "kW": "kwatt",
    "kW.h": "kwatth",
    "m3": "m3",
    "mbar": "pressurembar",
    "mm": "lengthmm",
    "s": "s",
}
"""Units that Grafana writes by itself, by their UCUM codes; any other is put behind the number as it is."""

_WRITTEN: Final = {"Cel": "°C", "deg": "°", "/min": "1/min", "L/min": "l/min"}
MEASURED: Final = (
    *("mm", "um", "nm", "cm", "m", "mm2", "deg", "mrad", "g", "kg", "mg", "t", "N", "kN", "N.m", "bar", "mbar", "kPa"),
    *("MPa", "s", "ms", "/min", "Hz", "%", "Cel", "K", "V", "mV", "A", "mA", "Ohm", "W", "mL", "L", "L/min", "mm/s"),
)
"""UCUM codes in which characteristics are usually measured: a chart of one, whose unit comes with it, knows these."""

_DEFAULT_TARGETS: Final = {"oee": 0.6, "availability": 0.7, "effectiveness": 0.9, "quality_ratio": 0.95}
_FAR_BELOW: Final = 0.75
"""Of a target: below this share a number is red, between there and the target orange."""

CANNOT_BE: Final = "? cannot be"
_ABOVE_ONE: Final = 1.000_001
_MOST: Final = {
    "oee": MOST_EFFECTIVENESS,
    "effectiveness": MOST_EFFECTIVENESS,
    "quality_ratio": _ABOVE_ONE,
    "first_pass_yield": _ABOVE_ONE,
    "scrap_ratio": _ABOVE_ONE,
}
"""From which value on an indicator cannot be (`services.ledger.indicators.implausible`)."""

Steps = Sequence[tuple[float | None, str]]
"""Thresholds: from which value on which colour; the first, for all that is lower, has None."""

PLAIN_STEPS: Final[Steps] = ((None, PLAIN),)


def target_of(plant: Plant, name: str, asset: str = "") -> float:
    """Return an asset's target for an indicator; that of the whole plant is the lowest of its lines'."""
    if asset:
        return plant.asset(asset).targets.get(name, _DEFAULT_TARGETS[name])
    reported = [info.targets[name] for path in plant.lines() if name in (info := plant.asset(path)).targets]
    return min(reported, default=_DEFAULT_TARGETS[name])


def target_steps(plant: Plant, name: str) -> Steps:
    """Return the thresholds of an indicator with a target: plain above it, orange below, red far below."""
    return steps_below(target_of(plant, name))


def steps_below(target: float) -> Steps:
    """Return the thresholds of a target: plain above it, orange below, red far below."""
    return (None, DOWN), (round(target * _FAR_BELOW, 4), WAIT), (target, PLAIN)


def band_steps(info: SignalInfo) -> Steps:
    """Return the thresholds of a signal: red beyond the limits of its alarm, yellow outside its normal band."""
    steps: dict[float | None, str] = {None: PLAIN}
    if info.alarm_low is not None:
        steps[None] = DOWN
        steps[info.alarm_low] = ATTENTION if info.low is not None else PLAIN
    if info.low is not None:
        if steps[None] == PLAIN:
            steps[None] = ATTENTION
        steps[info.low] = PLAIN
    if info.high is not None:
        steps[info.high] = ATTENTION
    if info.alarm_high is not None:
        steps[info.alarm_high] = DOWN
    return [(None, steps[None]), *sorted((at, colour) for at, colour in steps.items() if at is not None)]


def thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    """Return thresholds as a panel has them."""
    return dashboard.ThresholdsConfig(
        mode=dashboard.ThresholdsMode.ABSOLUTE,
        steps=[dashboard.Threshold(value=value, color=colour) for value, colour in steps],
    )


def states() -> list[Any]:
    """Return how states are shown: their word, with their colour."""
    return words({state: (_STATE_WORDS.get(state, state), STATE_COLOURS[state]) for state in STATES})


def reasons(plant: Plant) -> list[Any]:
    """Return how reasons are shown: by their title in the plant."""
    return words({code: (reason.title or code, PLAIN) for code, reason in plant.reasons.items()})


def connections() -> list[Any]:
    """Return how it is shown whether a device is connected; engines store it as a truth value or a number."""
    on, off = ("connected", RUN), ("offline", DOWN)
    return words({"true": on, "1": on, "false": off, "0": off})


def by_last_letter() -> list[Any]:
    """Return a colour for each name by its last letter, so that orders or programs one after another differ.

    A state timeline of Grafana colours words by their mappings alone.
    """
    endings = [*"0123456789", "[a-f]", "[g-m]", "[n-t]", "[^0-9a-t]"]
    return [
        dashboard.RegexMap(
            options=dashboard.DashboardRegexMapOptions(
                pattern=f"/{ending}$/i",
                result=dashboard.ValueMappingResult(color=_NAMED[place % len(_NAMED)], index=place),
            )
        )
        for place, ending in enumerate(endings)
    ]


def words(meanings: Mapping[str, tuple[str, str]]) -> list[Any]:
    """Return that each of these values is shown as a word in a colour."""
    return [
        dashboard.ValueMap(
            options={
                value: dashboard.ValueMappingResult(text=text, color=colour, index=place)
                for place, (value, (text, colour)) in enumerate(meanings.items())
            }
        )
    ]


def nothing(text: str) -> list[Any]:
    """Return how it is shown that there is no value: in words, not in the colour of the least."""
    result = dashboard.ValueMappingResult(text=text, color=PLAIN, index=0)
    options = dashboard.DashboardSpecialValueMapOptions(match=dashboard.SpecialValueMatch.NULL_AND_NAN, result=result)
    return [dashboard.SpecialValueMap(options=options)]


def cannot_be(name: str) -> list[Any]:
    """Return that a value which no machine can have is shown as such, not as a number; of an indicator that has one."""
    most = _MOST.get(name)
    if most is None:
        return []
    result = dashboard.ValueMappingResult(text=CANNOT_BE, color=UNKNOWN, index=0)
    return [dashboard.RangeMap(options=dashboard.DashboardRangeMapOptions(from_val=most, to=None, result=result))]


def unit(ucum: str) -> str:
    """Return Grafana's unit for a UCUM code."""
    if ucum in {"", "1"}:
        return "none"
    return _UCUM.get(ucum) or f"suffix:{as_written(ucum)}"


def as_written(ucum: str) -> str:
    """Return a UCUM code as people write it: `N·m`, `µm`, `m³/h`, `°C`."""
    if ucum in _WRITTEN:
        return _WRITTEN[ucum]
    written = re.sub(r"\bum\b", "µm", ucum.replace(".", "·"))
    return re.sub(r"(?<=[A-Za-z])([23])(?!\d)", lambda found: {"2": "²", "3": "³"}[found[1]], written)


def as_object(made: dashboard.ThresholdsConfig) -> Object:
    """Return thresholds as an override has them."""
    return plain(made)


def as_list(made: Sequence[Any]) -> list[Object]:
    """Return mappings as an override has them."""
    return [plain(one) for one in made]


def fixed(colour: str) -> dict[str, str]:
    """Return one colour, as a field's setting."""
    return {"mode": "fixed", "fixedColor": colour}
