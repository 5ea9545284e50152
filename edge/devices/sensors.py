"""Sensors of a computer: load, memory, disk and network by psutil, and power where Linux shows it.

What cannot be read on a computer is left out: on most only root may read the processor's energy counters, and laptops
report their power only while the battery discharges.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import psutil

POWERCAP: Final = Path("/sys/class/powercap")
POWER_SUPPLY: Final = Path("/sys/class/power_supply")

_PROCESSOR_CHIPS: Final = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "cpu-thermal", "soc_thermal")
_UJ_PER_KWH: Final = 3.6e12


class Reading(msgspec.Struct, frozen=True):
    """What was measured at one instant.

    Attributes:
        load: mean load of the processor since the last reading, percent.
        signals: value and UCUM unit by name; `cpu-load` among them.
        energy_kwh: used since the first reading, kW·h; None where no power can be read.
    """

    load: float
    signals: dict[str, tuple[float, str]]
    energy_kwh: float | None


class Sensors:
    """The computer's sensors; rates are means since the last reading.

    Args:
        powercap: where Linux shows the processor's energy counters.
        power_supply: where Linux shows batteries.
        now_s: a clock that never goes back, seconds.
    """

    def __init__(
        self,
        powercap: Path = POWERCAP,
        power_supply: Path = POWER_SUPPLY,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now_s = now_s
        self._counters = EnergyCounters(powercap)
        self._power_supply = power_supply
        self._energy_kwh: float | None = None
        self._read_s = now_s()
        self._totals = _io_totals()
        psutil.cpu_percent()  # it returns the mean since its last call

    def read(self) -> Reading:
        """Read all sensors."""
        now_s = self._now_s()
        passed_s, self._read_s = now_s - self._read_s, now_s
        load = psutil.cpu_percent()
        signals = {
            "cpu-load": (load, "%"),
            "memory-used": (psutil.virtual_memory().percent, "%"),
            "disk-used": (psutil.disk_usage(Path.home().anchor).percent, "%"),
        }
        temperature = processor_temperature()
        if temperature is not None:
            signals["temperature"] = (temperature, "Cel")
        totals, before = _io_totals(), self._totals
        self._totals = totals
        if passed_s > 0:
            for name, total in totals.items():
                if total >= before.get(name, total + 1):  # it is lower once a disk or card was taken away
                    signals[name] = (round((total - before[name]) / passed_s), "By/s")
            self._add_power(signals, passed_s)
        return Reading(load, signals, self._energy_kwh)

    def _add_power(self, signals: dict[str, tuple[float, str]], passed_s: float) -> None:
        """Add the power of the computer and of the processor, where known; sum up the energy of the more complete."""
        processor_w = self._counters.used_uj() / passed_s / 1e6 if self._counters else None
        whole_w = battery_power(self._power_supply)
        if processor_w is not None:
            signals["processor-power"] = (round(processor_w, 2), "W")
        if whole_w is not None:
            signals["power"] = (round(whole_w, 2), "W")
        best_w = whole_w if whole_w is not None else processor_w
        if best_w is not None:
            self._energy_kwh = (self._energy_kwh or 0.0) + best_w * passed_s * 1e6 / _UJ_PER_KWH


class EnergyCounters:
    """The energy counters of all processor packages; false where there are none that can be read."""

    def __init__(self, powercap: Path = POWERCAP) -> None:
        self._packages = [zone for zone in sorted(powercap.glob("*:*")) if _text(zone / "name").startswith("package")]
        self._before = {zone: uj for zone in self._packages if (uj := _number(zone / "energy_uj")) is not None}

    def __bool__(self) -> bool:
        return bool(self._before)

    def used_uj(self) -> float:
        """Return the energy used since the last call, µJ, across a counter's overflow."""
        used = 0.0
        for zone, before in self._before.items():
            now = _number(zone / "energy_uj")
            if now is None:
                continue
            self._before[zone] = now
            if now < before:
                now += _number(zone / "max_energy_range_uj") or before - now
            used += now - before
        return used


def battery_power(power_supply: Path = POWER_SUPPLY) -> float | None:
    """Return the power that the computer draws from its batteries, W; None while it runs on mains or without one."""
    watts = [_discharge_w(battery) for battery in sorted(power_supply.glob("BAT*"))]
    known = [watt for watt in watts if watt is not None]
    return sum(known) if known else None


def processor_temperature() -> float | None:
    """Return the processor's temperature, °C; None where no sensor reports it."""
    read = getattr(psutil, "sensors_temperatures", None)  # Linux and FreeBSD alone have it
    chips: dict[str, list[Any]] = read() if read is not None else {}
    for chip in _PROCESSOR_CHIPS:
        found = [float(sensor.current) for sensor in chips.get(chip, []) if 0 < sensor.current < 150]
        if found:
            return round(max(found), 1)
    return None


def _discharge_w(battery: Path) -> float | None:
    if _text(battery / "status") != "Discharging":
        return None
    power_uw = _number(battery / "power_now")
    if power_uw is not None:
        return power_uw / 1e6
    current_ua, voltage_uv = _number(battery / "current_now"), _number(battery / "voltage_now")
    return current_ua * voltage_uv / 1e12 if current_ua is not None and voltage_uv is not None else None


def _io_totals() -> dict[str, float]:
    """Return the bytes that went to and from disks and networks since the computer started."""
    totals: dict[str, float] = {}
    disk, network = psutil.disk_io_counters(), psutil.net_io_counters()
    if disk is not None:
        totals |= {"disk-read": disk.read_bytes, "disk-write": disk.write_bytes}
    if network is not None:
        totals |= {"network-in": network.bytes_recv, "network-out": network.bytes_sent}
    return totals


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _number(file: Path) -> float | None:
    try:
        return abs(float(_text(file)))
    except ValueError:
        return None
