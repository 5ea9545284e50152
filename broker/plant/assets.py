"""The assets of a plant file: what each declares, and the settings that it inherits from those above it.

A setting is a field of `AssetInfo` and a line in `INHERITED`, which reads it; an asset that has none of its own has
that of the nearest asset above it, from machine to line, area and site.
"""

from collections.abc import Callable, Collection
from typing import Any, Final, Literal

import msgspec

from broker.contract import topics
from broker.contract.errors import ContractError
from broker.contract.events import QUANTITY_LIMIT
from broker.contract.units import ucum
from broker.plant.calendar_rules import read_time_zone
from broker.plant.flow import read_stages
from broker.plant.toml_tables import Table, nearest, shown

_RATIOS: Final = ("oee", "nee", "teep", "availability", "effectiveness", "quality", "quality_ratio", "first_pass_yield")


class SignalInfo(msgspec.Struct, frozen=True):
    """A signal: its UCUM unit, its normal band and the limits of its alarm, in that unit; `text` if it is no number."""

    unit: str = ""
    title: str = ""
    low: float | None = None
    high: float | None = None
    alarm_low: float | None = None
    alarm_high: float | None = None
    type: Literal["number", "text"] = "number"


class AssetInfo(msgspec.Struct, frozen=True):
    """A declared asset, with the settings that it inherits filled in.

    Attributes:
        path: its asset path.
        title: its name for people, its own; '' if it has none.
        time_zone: an IANA zone, '' if none is set.
        calendar: the name of its calendar, '' if none is set.
        sector: tags of the industries that it stands for.
        capability: tags of the capabilities that it shows.
        ideal_cycle: seconds a piece where neither order nor product sets it; None if not set.
        load_size: the pieces that it finishes and counts together.
        max_power: the greatest electric power, kW; None if not set.
        counter_max: the greatest value of its counters and meters, after which they begin again at zero; None if not
            set.
        silent_after: seconds without a message after which it is unknown; None if not set.
        dialect: what its machines speak, where they are simulated; '' for the contract's own messages.
        connected: a real device is expected for it: nothing simulated is published.
        targets: the target of each indicator, as a ratio or in the indicator's unit.
        signals: its signals by name.
        stages: of a line: the machines of each step of its flow, those of one step side by side; not inherited.
    """

    path: str
    title: str = ""
    time_zone: str = ""
    calendar: str = ""
    sector: tuple[str, ...] = ()
    capability: tuple[str, ...] = ()
    ideal_cycle: float | None = None
    load_size: float = 1.0
    max_power: float | None = None
    counter_max: float | None = None
    silent_after: float | None = None
    dialect: str = ""
    connected: bool = False
    targets: dict[str, float] = {}
    signals: dict[str, SignalInfo] = {}
    stages: tuple[tuple[str, ...], ...] = ()


_Reader = Callable[[Table, str, Any], Any]
"""Takes a setting from its key in an asset's table; given the one above, returns the asset's."""


def _own_or_above(read: Callable[[Table, str], Any]) -> _Reader:
    def reader(table: Table, key: str, above: Any) -> Any:
        own = read(table, key)
        return above if own is None or own == () else own

    return reader


INHERITED: Final[dict[str, _Reader]] = {
    "time-zone": _own_or_above(lambda table, _: read_time_zone(table)),
    "calendar": _own_or_above(Table.text),
    "sector": _own_or_above(Table.texts),
    "capability": _own_or_above(Table.texts),
    "ideal-cycle": _own_or_above(Table.duration_s),
    "load-size": _own_or_above(lambda table, key: _amount(table, key, "the pieces of a load, as in 24", least=1)),
    "max-power": _own_or_above(lambda table, key: _amount(table, key, "kW, as in 250")),
    "counter-max": _own_or_above(
        lambda table, key: _amount(table, key, "the last value before it begins again, as in 250")
    ),
    "silent-after": _own_or_above(Table.duration_s),
    "dialect": _own_or_above(Table.text),
    "connected": _own_or_above(Table.flag),
    "targets": lambda table, key, above: above | _targets(table.table(key)),
    "signals": lambda table, key, above: above | _signals(table.table(key), above),
}
"""The settings that an asset inherits, by their key, with their reader; the field of `AssetInfo` has the same name."""


def read_assets(table: Table, calendars: Collection[str]) -> dict[str, AssetInfo]:
    """Read the assets in the order of the file, each with the settings of those above it.

    Args:
        table: the tables of the assets, by path.
        calendars: the names of the calendars that the plant has.
    """
    found: dict[str, AssetInfo] = {}
    for path in sorted(table, key=lambda path: path.count("/")):
        inner = table.table(path)
        try:
            topics.check_asset(path)
        except ContractError as error:
            inner.wrong((), error.problem, error.hint)
        above = path
        while above and (above == path or above not in found):
            above = above.rpartition("/")[0]
        found[path] = _asset(path, inner, found.get(above, AssetInfo("")))
        name = found[path].calendar
        if "calendar" in inner and name and name not in calendars:
            hint = nearest(name, calendars, "the calendars are")
            inner.wrong("calendar", f"no calendar is named {shown(name)}", hint)
    return {path: found[path] for path in table}


def _asset(path: str, table: Table, above: AssetInfo) -> AssetInfo:
    inherited = {}
    for key, read in INHERITED.items():
        field = key.replace("-", "_")
        inherited[field] = read(table, key, getattr(above, field))
    info = AssetInfo(path, title=table.text("title") or "", stages=read_stages(path, table), **inherited)
    table.close()
    return info


def _amount(table: Table, key: str, what: str, *, least: float = 0) -> float | None:
    """Read a number above zero and not below the least."""
    value = table.number(key)
    if value is None or (value > 0 and least <= value <= QUANTITY_LIMIT):
        return value
    bound = f"at least {least:g}" if least else "above zero"
    table.wrong(key, f"{value:g} is not {bound}, and at most {QUANTITY_LIMIT:g}", f"write {what}")
    return None


def _targets(table: Table) -> dict[str, float]:
    found = {}
    for indicator in table:
        value = table.number(indicator)
        if value is None:
            continue
        if indicator in _RATIOS and not 0 <= value <= 1:
            table.wrong(indicator, f"{value:g} is not a ratio", "write a part of one, as in 0.72 for 72 %")
        found[indicator] = float(value)
    return found


def _signals(table: Table, above: dict[str, SignalInfo]) -> dict[str, SignalInfo]:
    found = {}
    for name in table.names():
        inner = table.table(name)
        unit = inner.text("unit")
        given: dict[str, Any] = {"unit": unit and ucum(unit), "title": inner.text("title")}
        given["type"] = inner.choice("type", ("number", "text"))
        given |= {key.replace("-", "_"): inner.number(key) for key in ("low", "high", "alarm-low", "alarm-high")}
        inner.close()
        own = {key: value for key, value in given.items() if value is not None}
        signal = msgspec.structs.replace(above.get(name, SignalInfo()), **own)
        limits = [
            limit for limit in (signal.alarm_low, signal.low, signal.high, signal.alarm_high) if limit is not None
        ]
        if limits != sorted(limits):
            inner.wrong((), "the limits are not in order", "let alarm-low ≤ low ≤ high ≤ alarm-high")
        if limits and signal.type == "text":
            inner.wrong("type", "a text has no limits", "leave them out, or the type")
        found[name] = signal
    return found
