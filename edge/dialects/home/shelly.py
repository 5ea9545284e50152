"""Shelly: plugs, relays, meters and sensors of the second generation and later; the first is `shelly_gen1`.

    plug-7/online            true
    plug-7/events/rpc        {"method":"NotifyStatus","params":{"ts":1736603810.49,"switch:0":{"output":false}}}
    plug-7/status/switch:0   {"id":0,"output":true,"apower":25.7,"voltage":239.7,"aenergy":{"total":913.252}}

The prefix before these is the user's own and may have slashes; one of four levels is the path of the machine, such as
`sheffield/assembly/cell-2/press`. A notification is a delta: what is not in it has not
changed. Totals are in W·h and become the meter `electricity` in kW·h; `by_minute`, in mW·h, follows from them. What
switches or meters power on channel 0 is the device's machine; on a channel `n` it is the machine `<device>-<n>`, since
it powers another load.
"""

from typing import Any, Final

from broker.contract.events import AnyEvent, Notice, Status
from broker.contract.message import Message
from edge.dialects import values
from edge.dialects.dialect import NOTHING, Dialect, Entry, Setup, Translation
from edge.dialects.home.shelly_gen1 import FILTERS, FirstGeneration
from edge.dialects.naming import Machines, Names
from edge.dialects.parts import Parts
from edge.dialects.values import Stamp

_POWERED: Final = frozenset({"switch", "pm1", "em", "emdata", "em1", "em1data", "cover", "light", "rgbw"})
"""Components of which each channel has a load of its own."""
_SENSORS: Final = frozenset(
    {"temperature", "humidity", "input", "voltmeter", "devicepower", "illuminance", "flood", "smoke"}
)
_FIELDS: Final = {
    "output": ("output", ""),
    "apower": ("power", "W"),
    "act_power": ("power", "W"),
    "total_act_power": ("power", "W"),
    "aprtpower": ("apparent-power", "VA"),
    "aprt_power": ("apparent-power", "VA"),
    "total_aprt_power": ("apparent-power", "VA"),
    "voltage": ("voltage", "V"),
    "current": ("current", "A"),
    "total_current": ("current", "A"),
    "n_current": ("current-n", "A"),
    "freq": ("frequency", "Hz"),
    "pf": ("power-factor", ""),
    "rh": ("humidity", "%"),
    "lux": ("illuminance", "lx"),
    "alarm": ("alarm", ""),
    "brightness": ("brightness", "%"),
    "current_pos": ("position", "%"),
    "percent": ("level", "%"),
    "state": ("input", ""),
}
_ABOVE: Final = ("site", "area", "line")
_NOTIFICATIONS: Final = ("NotifyStatus", "NotifyFullStatus")
_OF_PHASES: Final = ("act_power", "aprt_power", "voltage", "current", "freq", "pf")
_TOTALS: Final = {
    "total_act": "electricity",
    "total_act_energy": "electricity",
    "total_act_ret": "electricity-returned",
    "total_act_ret_energy": "electricity-returned",
}


class Shelly(Dialect):
    """Devices of Shelly, each a machine, or as many as it has loads."""

    filters = (
        *(
            f"{levels}/{end}"
            for levels in ("+", "+/+", "+/+/+", "+/+/+/+")
            for end in ("online", "events/rpc", "status/+")
        ),
        *FILTERS,
    )

    def __init__(self, setup: Setup) -> None:
        self._names = Names()
        self._machines = Machines(setup, self._names)
        self._first = FirstGeneration(self._machines)
        self._errors: dict[tuple[str, str], set[str]] = {}

    def translate(self, message: Message) -> Translation:
        """Translate a message of a device."""
        levels = message.topic.split("/")
        is_first = levels[0] == "shellies" and len(levels) > 2
        if levels[-1] == "online" and len(levels) > 1:
            online = values.flag(values.text(message.payload))
            asset = self._asset("/".join(levels[is_first:-1]))
            return NOTHING if online is None else self._presence(Stamp.of(message, asset), online=online)
        if is_first:
            return self._first.translate(message, levels)
        if levels[-2:] == ["events", "rpc"]:
            return self._notified(message, "/".join(levels[:-2]))
        if len(levels) > 2 and levels[-2] == "status" and ":" in levels[-1]:
            parts = Parts()
            status = values.json_object(message.payload)
            self._component(parts, message, "/".join(levels[:-2]), levels[-1], (status, None, True))
            return parts.translation()
        return NOTHING

    def _asset(self, device: str) -> str:
        *above, name = device.split("/")
        return self._machines.asset(name, *above) if len(above) == len(_ABOVE) else self._machines.asset(device)

    def _presence(self, stamp: Stamp, *, online: bool) -> Translation:
        return Translation(events=[Status(**stamp.shared(), online=online)])

    def _notified(self, message: Message, device: str) -> Translation:
        document = values.json_object(message.payload)
        method, params = document.get("method"), document.get("params")
        if method not in _NOTIFICATIONS or not isinstance(params, dict):
            return NOTHING
        sent = params.get("ts")
        at = None if sent is None or not device else values.set_clock(values.instant(sent))
        parts = Parts()
        for name, status in params.items():
            if ":" in name and isinstance(status, dict):
                self._component(parts, message, device, name, (status, at, method == "NotifyFullStatus"))
        return parts.translation()

    def _component(
        self, parts: Parts, message: Message, device: str, component: str, sent: tuple[dict[str, Any], int | None, bool]
    ) -> None:
        """Add the state of one component; what is sent is its fields, their time, and whether they are all it has."""
        status, at, is_whole = sent
        kind, _, channel = component.partition(":")
        if kind not in _POWERED | _SENSORS:
            return
        own = kind in _POWERED and channel not in {"0", ""}
        asset = self._asset(f"{device}-{channel}" if own else device)
        suffix = f"-{channel}" if kind in _SENSORS and channel != "0" else ""
        stamp = Stamp.of(message, asset, at)
        for field, value in status.items():
            parts.add(f"{component} {field}", lambda: self._field(stamp, field, value, suffix))  # noqa: B023
        if is_whole or "errors" in status:
            errors = status.get("errors") or []
            parts.add(component, lambda: self._reported(stamp, component, errors))

    def _field(self, stamp: Stamp, field: str, value: Any, suffix: str) -> list[AnyEvent]:
        if field in _FIELDS:
            name, unit = _FIELDS[field]
            return stamp.sample(name + suffix, value, unit)
        phase, _, rest = field.partition("_")
        if phase in {"a", "b", "c"} and rest in _OF_PHASES:
            name, unit = _FIELDS[rest]
            return stamp.sample(f"{name}-{phase}", value, unit)
        if field in _TOTALS:
            return stamp.energy(value, "Wh", _TOTALS[field])
        if isinstance(value, dict):
            return self._inner(stamp, field, value, suffix)
        if field == "tC":
            return stamp.sample(f"temperature{suffix}", value, "°C")
        return []

    def _inner(self, stamp: Stamp, field: str, value: dict[str, Any], suffix: str) -> list[AnyEvent]:
        match field:
            case "aenergy":
                return stamp.energy(value.get("total"), "Wh")
            case "ret_aenergy":
                return stamp.energy(value.get("total"), "Wh", "electricity-returned")
            case "temperature":
                return stamp.sample("device-temperature", value.get("tC"), "°C")
            case "battery":
                return stamp.sample(f"battery{suffix}", value.get("percent"), "%")
            case "counts":
                return stamp.sample(f"pulses{suffix}", value.get("total"))
        return []

    def _reported(self, stamp: Stamp, component: str, errors: Any) -> list[AnyEvent]:
        """Return notices of errors that are new, and of those that are over."""
        if not isinstance(errors, list):
            return []
        now = {values.plain(str(error), 40) for error in errors}
        before = self._errors.get((stamp.asset, component), set())
        self._errors[stamp.asset, component] = now
        changed = [(code, True) for code in sorted(now - before)] + [(code, False) for code in sorted(before - now)]
        return [
            Notice(**stamp.shared(), code=f"{component} {code}", severity="alarm", text=code, active=active)
            for code, active in changed
        ]


DIALECT: Final = Entry(
    "shelly",
    "Shelly, first and later generations",
    Shelly,
    loses=(
        "Energy of the last minutes (`by_minute`): it follows from the total.",
        "Presses of buttons, and what a device reports of itself (`sys`, `wifi`, `cloud`).",
        "Energy of single phases, where the device sends their sum.",
    ),
    seen=(
        "Gen 1: 1.14",
        "Gen 2 and later: 1.0 to 1.7",
    ),
    device="""\
1. Generation 2 and later: open the device's page, *Settings*, *MQTT*; enable it, server `HOST:PORT`, a prefix
   such as `plug-7`.
2. Tick *RPC status notifications* and *Generic status update*; reboot when it asks to.
3. Generation 1: *Internet & Security*, *Advanced - Developer Settings*, enable MQTT, server `HOST:PORT`. This
   ends the Shelly Cloud of that device.
""",
)
