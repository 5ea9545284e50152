"""Tasmota: plugs, relays and sensors, by their `tele` and `stat` messages.

    tele/plug-7/SENSOR  {"Time":"2018-02-15T17:37:10","ENERGY":{"Total":6.294,"Power":2635,"Voltage":227}}
    tele/plug-7/LWT     Online

The order of a topic's parts is the user's own, so that `tele` or `stat` is looked for anywhere; the last level is the
kind of message, and what is left names the device. `Time` is local time without its zone: the time of receipt is taken.
`Total` is in kW·h and becomes the meter `electricity`; where it is a list, one of each phase, their sum does.
"""

from collections.abc import Iterator
from typing import Any, Final

from broker.contract import instants
from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent, Status
from broker.contract.message import Message
from edge.dialects import values
from edge.dialects.dialect import NOTHING, Dialect, Entry, Setup, Translation
from edge.dialects.naming import Machines, Names, slug
from edge.dialects.parts import Parts
from edge.dialects.values import Stamp

_PREFIXES: Final = ("tele", "stat")
_UNITS: Final = {
    "Power": "W",
    "ApparentPower": "VA",
    "ReactivePower": "var",
    "Voltage": "V",
    "Current": "A",
    "Frequency": "Hz",
    "Humidity": "%",
    "Illuminance": "lx",
    "CarbonDioxide": "ppm",
}
_TEMPERATURES: Final = ("Temperature", "DewPoint")
_PRESSURES: Final = ("Pressure", "SeaPressure")
_TOTALS: Final = {"Total": "electricity", "ExportActive": "electricity-export"}
"""Cumulative readings in kW·h, and the meters that they become."""
_NOT_READ: Final = frozenset({"Today", "Yesterday", "Period", "TotalStartTime", "TotalTariff", "Id", "Time"})
_SNS, _STS = "StatusSNS", "StatusSTS"


class Tasmota(Dialect):
    """Devices with Tasmota, each a machine."""

    filters = ("tele/#", "stat/#", "+/tele/#", "+/stat/#")

    def __init__(self, setup: Setup) -> None:
        self._names = Names()
        self._machines = Machines(setup, self._names)

    def translate(self, message: Message) -> Translation:
        """Translate a message of a device."""
        *levels, what = message.topic.split("/")
        prefix = next((one for one in _PREFIXES if one in levels), "")
        if not prefix:
            return NOTHING
        levels.remove(prefix)
        asset = self._machines.asset("/".join(levels))
        if what == "LWT":
            return Translation(events=self._presence(message, asset))
        if what.startswith("POWER"):
            stamp = Stamp.of(message, asset)
            return Translation(events=self._switch(stamp, what, values.text(message.payload)))
        if what not in {"SENSOR", "STATE", "RESULT", "STATUS8", "STATUS10", "STATUS11"}:
            return NOTHING
        document = values.json_object(message.payload)
        for inner in (_SNS, _STS):
            if isinstance(document.get(inner), dict):
                document = document[inner]
        return self._document(Stamp.of(message, asset, _zoned(document.get("Time"))), document)

    def _presence(self, message: Message, asset: str) -> list[AnyEvent]:
        online = {"online": True, "offline": False}.get(values.text(message.payload).lower())
        if online is None:
            raise ContractError("LWT is neither Online nor Offline", "set the device's LWT to its default")
        return [Status(**Stamp.of(message, asset).shared(), online=online)]

    def _document(self, stamp: Stamp, document: dict[str, Any]) -> Translation:
        units = {
            **_UNITS,
            **dict.fromkeys(_TEMPERATURES, str(document.get("TempUnit", "C"))),
            **dict.fromkeys(_PRESSURES, str(document.get("PressureUnit", "hPa"))),
        }
        parts = Parts()
        for sensor, field, value in _fields(document):
            parts.add(f"{sensor} {field}", lambda: self._field(stamp, sensor, field, value, units))  # noqa: B023
        return parts.translation()

    def _field(self, stamp: Stamp, sensor: str, field: str, value: Any, units: dict[str, str]) -> list[AnyEvent]:
        if not sensor:
            is_switch = slug(field).startswith(("power", "switch", "button"))
            return self._switch(stamp, field, value) if is_switch else []
        if sensor == "ENERGY" and field in _TOTALS:
            phases = [values.number(one) for one in value] if isinstance(value, list) else [values.number(value)]
            known = [one for one in phases if one is not None]
            return stamp.energy(sum(known), "kWh", _TOTALS[field]) if known else []
        within = "" if sensor == "ENERGY" else f"{sensor} "
        several = value if isinstance(value, list) else None
        found: list[AnyEvent] = []
        for place, one in enumerate([value] if several is None else several, start=1):
            foreign = f"{within}{field}" if several is None else f"{within}{field} {place}"
            found += stamp.sample(self._names.name(foreign, stamp.asset), one, units.get(field, ""))
        return found

    def _switch(self, stamp: Stamp, field: str, value: Any) -> list[AnyEvent]:
        """Return a relay's or switch's position; a press of a button has none."""
        is_on = values.flag(value)
        name = "output" + field.removeprefix("POWER") if field.startswith("POWER") else field
        return [] if is_on is None else stamp.sample(self._names.name(name, stamp.asset), is_on)


def _fields(document: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield the values of a message: of which sensor ('' for none), which field."""
    for sensor, content in document.items():
        if sensor in {"Wifi", "TempUnit", "PressureUnit"} | _NOT_READ:
            continue
        if not isinstance(content, dict):
            yield "", sensor, content
            continue
        for field, value in content.items():
            if field not in _NOT_READ and not isinstance(value, dict):
                yield sensor, field, value


def _zoned(stamp: Any) -> int | None:
    """Return a time that has its zone, as SetOption52 sends it; None of local time, or of a clock not set yet."""
    if not isinstance(stamp, str):
        return None
    try:
        at = instants.parse(stamp)
    except ContractError:
        return None
    return values.set_clock(at)


DIALECT: Final = Entry(
    "tasmota",
    "Tasmota",
    Tasmota,
    loses=(
        "`Today`, `Yesterday` and `Period`: they follow from the meter.",
        "`Time`, where it has no zone.",
        "Wi-Fi and memory of the device, and results of commands other than switching.",
        "The tariffs of `TotalTariff`.",
    ),
    seen=("6.1 (2018)", "9.5 to 14 (lists of phases)"),
    device="""\
1. Open the device's page, *Configuration*, *Configure MQTT*.
2. Host `HOST`, port `PORT`; topic: a name of its own, such as `plug-7`; full topic as it is,
   `%prefix%/%topic%/`.
3. In the console `TelePeriod 10` for a report each 10 s; without it there is one each 300 s.
4. In the console `SetOption4 0`, which is the default: results on one topic.
""",
)
