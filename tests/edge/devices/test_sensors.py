from pathlib import Path

import psutil
import pytest

from edge.devices import sensors
from edge.devices.sensors import EnergyCounters, Sensors, battery_power


def package(folder: Path, number: int, energy_uj: int, name: str = "package") -> Path:
    """Lay out a zone of energy counters as Linux does."""
    zone = folder / f"intel-rapl:{number}"
    zone.mkdir(parents=True, exist_ok=True)
    (zone / "name").write_text(f"{name}-{number}\n")
    (zone / "energy_uj").write_text(f"{energy_uj}\n")
    (zone / "max_energy_range_uj").write_text("262143328850\n")
    return zone


def battery(folder: Path, **files: str | int) -> Path:
    place = folder / "BAT0"
    place.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (place / name).write_text(f"{content}\n")
    return folder


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_what_every_computer_can_measure_is_measured(tmp_path: Path) -> None:
    clock = Clock()
    computer = Sensors(tmp_path, tmp_path, clock)
    clock.now_s += 1
    reading = computer.read()
    assert 0 <= reading.load <= 100
    assert reading.signals["cpu-load"] == (reading.load, "%")
    assert 0 < reading.signals["memory-used"][0] < 100
    assert 0 < reading.signals["disk-used"][0] <= 100
    assert reading.energy_kwh is None
    assert not {"power", "processor-power"} & reading.signals.keys()


def test_rates_are_means_since_the_reading_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    totals = iter(
        [{"disk-read": 1_000.0, "network-in": 50.0}, {"disk-read": 3_000.0}, {"disk-read": 0.0, "network-in": 9.0}]
    )
    monkeypatch.setattr(sensors, "_io_totals", lambda: next(totals))
    computer = Sensors(tmp_path, tmp_path, clock)
    clock.now_s += 2
    rates = [computer.read().signals]
    clock.now_s += 1
    rates.append(computer.read().signals)
    shown = [{name: signals[name] for name in ("disk-read", "network-in") if name in signals} for signals in rates]
    assert shown == [{"disk-read": (1_000, "By/s")}, {}]  # then a card, and then a disk, was changed


def test_the_processors_energy_is_counted_over_its_packages_and_their_turning_over(tmp_path: Path) -> None:
    package(tmp_path, 0, 262_143_000_000)
    package(tmp_path, 1, 500)
    package(tmp_path, 2, 7, name="dram")
    counters = EnergyCounters(tmp_path)
    assert counters
    package(tmp_path, 0, 671_150)
    package(tmp_path, 1, 1_500)
    assert counters.used_uj() == 1_000_000 + 1_000
    assert counters.used_uj() == 0


def test_energy_counters_that_may_not_be_read_are_none(tmp_path: Path) -> None:
    (package(tmp_path, 0, 0) / "energy_uj").unlink()
    assert not EnergyCounters(tmp_path)
    assert not EnergyCounters(tmp_path / "none")


def test_power_becomes_a_signal_and_energy(tmp_path: Path) -> None:
    clock = Clock()
    package(tmp_path, 0, 0)
    computer = Sensors(tmp_path, tmp_path, clock)
    package(tmp_path, 0, 36_000_000)
    clock.now_s += 2
    reading = computer.read()
    assert reading.signals["processor-power"] == (18.0, "W")
    assert reading.energy_kwh == pytest.approx(1e-5)
    battery(tmp_path, status="Discharging", power_now=25_000_000)  # which is of the whole computer
    clock.now_s += 3600
    reading = computer.read()
    assert reading.signals["power"] == (25.0, "W")
    assert reading.energy_kwh == pytest.approx(0.02501)


@pytest.mark.parametrize(
    ("files", "watts"),
    [
        ({"status": "Discharging", "power_now": 12_500_000}, 12.5),
        ({"status": "Discharging", "power_now": -12_500_000}, 12.5),
        ({"status": "Discharging", "current_now": 1_000_000, "voltage_now": 11_400_000}, 11.4),
        ({"status": "Discharging"}, None),
        ({"status": "Charging", "power_now": 12_500_000}, None),
        ({"status": "Full", "power_now": 0}, None),
        ({}, None),
    ],
)
def test_a_battery_reports_the_power_while_it_discharges(
    tmp_path: Path, files: dict[str, str | int], watts: float | None
) -> None:
    assert battery_power(battery(tmp_path, **files)) == watts


@pytest.mark.parametrize(
    ("chips", "celsius"),
    [
        ({}, None),
        ({"coretemp": [51.0, 54.04]}, 54.0),
        ({"nvme": [70.0], "k10temp": [48.5]}, 48.5),
        ({"coretemp": [0.0, -273.1, 6_553.5]}, None),
        ({"nvme": [70.0]}, None),
    ],
)
def test_the_temperature_is_the_processors_hottest(
    monkeypatch: pytest.MonkeyPatch, chips: dict[str, list[float]], celsius: float | None
) -> None:
    class Sensor:
        def __init__(self, current: float) -> None:
            self.current = current

    read = {chip: [Sensor(value) for value in values] for chip, values in chips.items()}
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: read, raising=False)
    assert sensors.processor_temperature() == celsius


def test_where_no_temperature_can_be_read_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(psutil, "sensors_temperatures", raising=False)
    assert sensors.processor_temperature() is None
