"""What a plant file has of signals, as the settings of the charts that show them: title, unit, band and limits."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from broker.plant.assets import SignalInfo
from broker.plant.plant import Plant
from dashboards import looks
from dashboards.grafana import Object, override
from dashboards.names import LEVELS

BY: Final = (*LEVELS, "signal")
ALIAS: Final = "/".join(f"$tag_{level}" for level in LEVELS) + " $tag_signal"
"""What a series is called in a query: by this, its settings are found."""


class Signal(NamedTuple):
    """A signal of a machine, given by its path."""

    machine: str
    name: str
    info: SignalInfo

    @property
    def series(self) -> str:
        """What `ALIAS` calls it."""
        return f"{self.machine} {self.name}"


def signals(plant: Plant) -> Iterator[Signal]:
    """Yield the signals that the plant file describes."""
    for machine in plant.machines():
        for name, info in sorted(plant.asset(machine).signals.items()):
            yield Signal(machine, name, info)


def alone(plant: Plant) -> list[Any]:
    """Return the settings of all signals, each of which has a chart for itself."""
    return _overrides((signal.series, _of_a_chart(signal)) for signal in signals(plant))


def among_others(plant: Plant, names: re.Pattern[str]) -> list[Any]:
    """Return the settings of signals whose whole names match, in a chart of several machines."""
    short = _short(plant.machines())
    return _overrides(
        (signal.series, _settings(signal, f"{short[signal.machine]} "))
        for signal in signals(plant)
        if names.fullmatch(signal.name)
    )


def _short(machines: Sequence[str]) -> dict[str, str]:
    """Return each machine's path without the levels that it can do without among the others."""
    ends = Counter(end for path in machines for end in _ends(path))
    return {path: next(end for end in _ends(path) if ends[end] == 1) for path in machines}


def _ends(path: str) -> list[str]:
    """Return what a path ends with, the shortest first: `mill-1`, `line-1/mill-1`."""
    levels = path.split("/")
    return ["/".join(levels[place:]) for place in range(len(levels) - 1, -1, -1)]


def _overrides(settings: Iterable[tuple[str, Object]]) -> list[Any]:
    """Return one override for all series that have the same settings: a plant has many machines of a kind."""
    alike: dict[str, tuple[Object, list[str]]] = {}
    for series, given in settings:
        if given:
            alike.setdefault(json.dumps(given), (given, []))[1].append(series)
    return [
        override(names[0], given) if len(names) == 1 else override(f"/^({'|'.join(names)})$/", given, "byRegexp")
        for given, names in alike.values()
    ]


def _of_a_chart(signal: Signal) -> Object:
    settings = _settings(signal, "")
    steps = looks.band_steps(signal.info)
    if len(steps) > 1:
        settings["thresholds"] = looks.as_object(looks.thresholds(steps))
        # Grafana scales an axis to the samples alone, and limits beyond them would not be seen.
        settings["custom.axisSoftMin"], settings["custom.axisSoftMax"] = steps[1][0], steps[-1][0]
    return settings


def _settings(signal: Signal, machine: str) -> Object:
    settings: Object = {"unit": looks.unit(signal.info.unit)}
    if signal.info.title:
        settings["displayName"] = f"{machine}{signal.info.title}"
    return settings
