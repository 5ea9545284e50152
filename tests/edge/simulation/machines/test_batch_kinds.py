"""What belongs to batch kinds and to those that serve others: a lost load, a build, a battery, leaks."""

from collections.abc import Callable

import pytest

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.composites.autoclave import Autoclave
from edge.simulation.machines.model import Condition
from edge.simulation.machines.shaping.powder_bed_printer import PowderBedPrinter
from edge.simulation.machines.shaping.sinter_furnace import SinterFurnace
from edge.simulation.machines.site.carriers import DriverlessVehicle
from edge.simulation.machines.site.utilities import Chiller, Compressor
from edge.simulation.physics import driverless


def streams(owner: str) -> Callable[[str], RandomStream]:
    return lambda purpose: RandomStream(3, owner, purpose)


def running(progress: float = 0.5, signal: str = "", decay: float = 0.0) -> Condition:
    now = Condition()
    now.state, now.progress, now.product = "running", progress, "x"
    now.decaying, now.decay = signal, decay
    return now


def number(value: Value) -> float:
    assert isinstance(value, float | int)
    return value


def test_a_load_that_lost_its_vacuum_is_scrap_and_others_are_not() -> None:
    autoclave = Autoclave(streams("autoclave"))
    reasons = []
    for _ in range(2_000):
        autoclave.begin([Piece("1", "o")], running())
        reasons.append(autoclave.spoiled(running(1.0)))
    assert 0.004 < sum(bool(reason) for reason in reasons) / len(reasons) < 0.025
    autoclave.leak_bar = 0.0
    assert autoclave.spoiled(running(1.0, "bag-vacuum", 0.2)) == ""
    assert "porous" in autoclave.spoiled(running(1.0, "bag-vacuum", 0.9))


def test_cycles_of_an_autoclave_are_as_long_as_usual_on_average_and_longer_with_a_slow_part() -> None:
    autoclave = Autoclave(streams("autoclave"))
    shares = {}
    for _ in range(600):
        share = autoclave.begin([Piece("1", "o")], running())
        shares[autoclave.slowest_min] = share
    assert set(shares) == set(range(12, 26))
    assert sum(shares.values()) / len(shares) == pytest.approx(1.0, abs=0.001)
    assert shares[25] > shares[12]


def test_the_parts_of_a_load_lag_behind_the_air_and_are_cured_at_its_end() -> None:
    autoclave = Autoclave(streams("autoclave"))
    autoclave.begin([Piece("1", "o")], running())
    heating = autoclave.sample(running(0.12), 60.0)
    assert number(heating["air-temp"]) > number(heating["part-temp-1"]) > number(heating["part-temp-8"])
    assert number(autoclave.sample(running(1.0), 60.0)["cure"]) == pytest.approx(0.83, abs=0.005)


def test_fewer_parts_in_a_build_make_shorter_layers() -> None:
    printer = PowderBedPrinter(streams("printer"))
    times = []
    for count in (24, 6):
        printer.begin([Piece(str(place), "o") for place in range(count)], running())
        times.append(number(printer.sample(running(), 60.0)["layer-time"]))
    assert 20 <= times[1] < times[0] <= 120


def test_a_dirty_window_leaves_pores_beyond_the_limit() -> None:
    printer = PowderBedPrinter(streams("printer"))

    def scrap(decay: float) -> float:
        now = running(1.0, "laser-power", decay)
        findings = [printer.finish(Piece("1", "o"), now)[0] for _ in range(1_000)]
        return sum(one.value > one.upper for one in findings) / 1_000

    assert scrap(0.0) < 0.07
    assert scrap(0.95) > 0.5


def test_a_cold_zone_leaves_pellets_larger() -> None:
    furnace = SinterFurnace(streams("furnace"))

    def error(decay: float) -> float:
        pieces = [Piece(str(place), "o") for place in range(500)]
        for piece in pieces:
            furnace.finish(piece, running(1.0, "zone-temp-3", decay))
        return sum(piece.error for piece in pieces) / len(pieces)

    assert error(0.9) > error(0.0) + 0.1


def test_a_vehicle_drives_its_battery_down_and_charges_between_jobs() -> None:
    vehicle = DriverlessVehicle(streams("vehicle"))
    hours = 0
    while vehicle.charge > driverless.CHARGE_AT:
        vehicle.sample(running(), 3_600.0)
        hours += 1
    assert 2 <= hours <= 12
    waiting = running()
    waiting.state = "idle"
    vehicle.sample(waiting, 60.0)
    low = vehicle.charge
    vehicle.sample(waiting, 1_200.0)
    assert vehicle.charge > low + 0.2
    assert vehicle.power_kw > 1


def test_leaks_draw_air_when_nobody_does() -> None:
    compressor = Compressor(streams("compressor"))
    now = running()
    quiet = compressor.sample(now, 60.0)
    now.demand = 1.0
    busy = compressor.sample(now, 60.0)
    assert number(quiet["leaks"]) == pytest.approx(6 * 0.43, rel=0.05)
    assert number(busy["leaks"]) == number(quiet["leaks"])
    assert number(busy["flow"]) > number(quiet["flow"]) + 4
    assert number(quiet["power"]) > 6 * 2.8


def test_a_chiller_that_lost_refrigerant_needs_more_power_for_the_same_cold() -> None:
    chiller = Chiller(streams("chiller"))
    sound = chiller.sample(running(), 60.0)
    weak = chiller.sample(running(0.5, "cop", 0.8), 60.0)
    assert number(weak["power"]) > 1.4 * number(sound["power"])
