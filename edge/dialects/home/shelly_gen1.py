"""Shelly's first generation: a value a topic, below `shellies/{model}-{id}`; a part of `edge.dialects.home.shelly`.

    shellies/shellyplug-s-A1B2C3/relay/0         on
    shellies/shellyplug-s-A1B2C3/relay/0/power   41.2
    shellies/shellyplug-s-A1B2C3/relay/0/energy  81293        W·min
    shellies/shellyem3-A1B2C3/emeter/0/total     913.2        W·h

The three meters of a 3EM are phases of one load: their totals are added, once all three are known.
"""

from typing import Final

from broker.contract.events import AnyEvent
from broker.contract.message import Message
from edge.dialects import values
from edge.dialects.dialect import Translation
from edge.dialects.naming import Machines
from edge.dialects.values import Stamp

FILTERS: Final = tuple(
    f"shellies/+/{end}"
    for end in ("relay/#", "emeter/#", "light/#", "roller/#", "sensor/#", "input/+", "temperature", "overtemperature")
)
_UNITS: Final = {"power": "W", "voltage": "V", "current": "A", "temperature": "°C", "humidity": "%", "battery": "%"}
_ENERGIES: Final = {
    ("relay", "energy"): ("W.min", "electricity"),
    ("light", "energy"): ("W.min", "electricity"),
    ("roller", "energy"): ("W.min", "electricity"),
    ("emeter", "total"): ("W.h", "electricity"),
    ("emeter", "total_returned"): ("W.h", "electricity-returned"),
}
_NAMES: Final = {"pf": "power-factor", "reactive_power": "reactive-power", "lux": "illuminance"}
_READ: Final = frozenset({"power", "voltage", "current", "pf", "reactive_power", "temperature", "humidity", "battery"})
_PHASES: Final = ("0", "1", "2")


class FirstGeneration:
    """Its devices."""

    def __init__(self, machines: Machines) -> None:
        self._machines = machines
        self._phases: dict[tuple[str, str], dict[str, float]] = {}

    def translate(self, message: Message, levels: list[str]) -> Translation:
        """Translate a message; `levels` are those of its topic."""
        _, device, *rest = levels
        value = values.text(message.payload)
        return Translation(events=self._meaning(message, device, rest, value))

    def _meaning(self, message: Message, device: str, rest: list[str], value: str) -> list[AnyEvent]:
        stamp = Stamp.of(message, self._machines.asset(device))
        match rest:
            case ["temperature"]:
                return stamp.sample("device-temperature", values.number(value), "°C")
            case ["overtemperature" as field] | ["input" as field, "0"]:
                return stamp.sample(field, values.flag(value))
            case ["sensor", field] if field in _READ or field == "lux":
                return stamp.sample(_NAMES.get(field, field), values.number(value), _UNITS.get(field, ""))
            case ["input", channel]:
                return stamp.sample(f"input-{channel}", values.flag(value))
            case [kind, channel, *field] if kind in {"relay", "emeter", "light", "roller"} and len(field) <= 1:
                return self._load(message, device, (kind, channel, "".join(field)), value)
        return []

    def _load(self, message: Message, device: str, where: tuple[str, str, str], value: str) -> list[AnyEvent]:
        kind, channel, field = where
        are_phases = kind == "emeter" and device.startswith("shellyem3")
        stamp = Stamp.of(
            message, self._machines.asset(device if channel == "0" or are_phases else f"{device}-{channel}")
        )
        if not field:
            return stamp.sample("output", values.flag(value)) if kind in {"relay", "light"} else []
        if (kind, field) in _ENERGIES:
            unit, name = _ENERGIES[kind, field]
            total = values.number(value)
            if are_phases and total is not None:
                known = self._phases.setdefault((device, field), {})
                known[channel] = total
                total = sum(known.values()) if len(known) == len(_PHASES) else None
            return stamp.energy(total, unit, name)
        if field not in _READ:
            return []
        name = _NAMES.get(field, field) + (f"-{'abc'[int(channel)]}" if are_phases and channel in _PHASES else "")
        return stamp.sample(name, values.number(value), _UNITS.get(field, ""))
