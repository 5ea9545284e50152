"""What a plant file has of signals, as the settings of the charts that show them: title, unit, band and limits."""

from collections.abc import Iterator
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


def alone(signal: Signal) -> Any:
    """Return the settings of a signal that has a chart for itself."""
    settings = _settings(signal, "")
    steps = looks.band_steps(signal.info)
    if len(steps) > 1:
        settings["thresholds"] = looks.as_object(looks.thresholds(steps))
        settings["custom.thresholdsStyle"] = {"mode": "dashed"}
    return override(signal.series, settings)


def among_others(plant: Plant, signal: Signal) -> Any:
    """Return the settings of a signal in a chart of several machines."""
    name = signal.machine.rpartition("/")[2]
    is_unique = sum(machine.endswith(f"/{name}") for machine in plant.machines()) == 1
    return override(signal.series, _settings(signal, f"{name if is_unique else signal.machine} "))


def _settings(signal: Signal, machine: str) -> Object:
    settings: Object = {"unit": looks.unit(signal.info.unit)}
    if signal.info.title:
        settings["displayName"] = f"{machine}{signal.info.title}"
    return settings
