"""Each class of machine of the corridor publishes the signals that its trade knows, and the plant describes them."""

from collections.abc import Iterator
from typing import Final

import pytest

from broker.contract.events import NS_PER_S, Sample
from broker.contract.units import ucum
from edge.simulation import districts
from edge.simulation.machines import MODELS
from edge.simulation.planning import plan
from edge.simulation.simulation import Simulation

CLASSES: Final[dict[tuple[str, ...], str]] = {
    ("five-axis-mill", "aluminium-mill", "turn-mill"): """
        spindle-speed /min · spindle-load % · spindle-power kW · spindle-temp Cel · path-feed mm/min · axis-load-x % ·
        axis-load-y % · axis-load-z % · vibration mm/s · coolant-temp Cel · coolant-pressure bar · coolant-conc % ·
        tool-number 1 · tool-wear um · feed-override % · spindle-override % · program · probe-error um · door""",
    ("friction-stir-gantry",): """
        spindle-speed /min · traverse mm/min · force-z kN · force-x kN · torque N.m · tool-temp Cel · plunge-depth mm ·
        seam-offset mm · tilt deg""",
    ("electron-beam-welder",): """
        accel-voltage kV · beam-current mA · focus-current A · travel mm/min · vacuum mbar · seam-deviation mm ·
        arc-count 1""",
    ("autoclave",): """
        air-temp Cel · part-temp-1 Cel · part-temp-2 Cel · part-temp-3 Cel · part-temp-4 Cel · part-temp-5 Cel ·
        part-temp-6 Cel · part-temp-7 Cel · part-temp-8 Cel · pressure bar · bag-vacuum bar · leak-rate mbar/min ·
        cure 1 · load-id""",
    ("fibre-placement",): """
        layup-speed m/s · compaction N · heater-power kW · tow-drops 1 · course 1 · ply 1""",
    ("resin-infusion",): "resin-temp Cel · inject-pressure bar · flow cm3/min · fill %",
    ("powder-bed-printer",): """
        laser-power W · scan-speed mm/s · layer 1 · layer-time s · o2 [ppm] · bed-temp Cel · gas-flow m3/h ·
        filter-dp mbar · powder-left kg""",
    ("casting-furnace",): """
        melt-current kA · melt-voltage V · chamber-vacuum mbar · pour-temp Cel · mould-temp Cel · spin /min ·
        charge kg""",
    ("assembly-robot", "deburr-robot", "weld-robot"): """
        joint-1-torque N.m · joint-2-torque N.m · joint-3-torque N.m · joint-4-torque N.m · joint-5-torque N.m ·
        joint-6-torque N.m · joint-temp Cel · tcp-force N · cycle-time s · protective-stop""",
    ("vision-station",): "vision-score 1",
    ("assembly-robot",): "torque N.m · angle deg · tightened",
    ("grinder", "polisher"): "wheel-speed m/s · wheel-dia mm · grind-power kW · ra um · form-error um",
    ("heavy-turn-mill",): "table-speed /min · spindle-power kW · depth mm · feed-rev mm · mass t · bearing-temp Cel",
    ("coordinate-measuring-machine",): "temp Cel",
    ("pellet-press",): "force kN · green-density % · rate /min",
    ("sinter-furnace",): """
        zone-temp-1 Cel · zone-temp-2 Cel · zone-temp-3 Cel · zone-temp-4 Cel · dew-point Cel""",
    ("laser-gauge",): "diameter um",
    ("driverless-vehicle",): "battery % · speed m/s · x m · y m · heading deg · job",
    ("compressor",): "power kW · pressure bar · flow m3/min · specific-power kW/(m3/min)",
    ("chiller",): "power kW · cop 1",
    ("grid-connection",): "power kW · total kW.h · pf 1 · grid-carbon g/kW.h",
}
"""The kinds of each class, with its signals and their units ('' for texts and truth values)."""
MISSING: Final = {
    ("weld-robot", "tcp-force"): "an arc does not touch the part: its robot has no sensor of force",
    ("polisher", "wheel-dia"): "a pad is changed, not dressed: its diameter stays",
    ("polisher", "form-error"): "a soft pad follows the form that it finds",
}
PLANT: Final = districts.plant(districts.names())
FLOOR: Final = plan.read(PLANT.simulate)


def asked() -> Iterator[tuple[str, str, str]]:
    for kinds, signals in CLASSES.items():
        for signal in signals.split("·"):
            name, _, unit = signal.strip().partition(" ")
            yield from ((kind, name, unit) for kind in kinds)


@pytest.fixture(scope="module")
def published() -> dict[str, dict[str, str]]:
    """Return the signals that each machine of the corridor publishes, with their units."""
    found: dict[str, dict[str, str]] = {}
    for event in Simulation(PLANT, 0).run_until(3 * NS_PER_S):
        if isinstance(event, Sample):
            found.setdefault(event.asset, {})[event.signal] = event.unit
    return found


@pytest.mark.parametrize(("kind", "signal", "unit"), list(asked()))
def test_each_machine_publishes_the_signals_of_its_class(
    kind: str, signal: str, unit: str, published: dict[str, dict[str, str]]
) -> None:
    machines = [path for path, one in (FLOOR.machine | FLOOR.shared).items() if one.model == kind]
    assert machines, "no place of the corridor has one"
    for path in machines:
        assert (signal in published[path]) == ((kind, signal) not in MISSING), path
        assert published[path].get(signal, unit) == unit


def test_what_is_missing_is_named_once_and_with_a_reason() -> None:
    assert MISSING.keys() <= {(kind, signal) for kind, signal, _ in asked()}
    assert all(MISSING.values())
    assert all(ucum(unit) == unit for _, _, unit in asked())


def test_the_plant_describes_what_its_machines_publish(published: dict[str, dict[str, str]]) -> None:
    assert published.keys() == set(FLOOR.assets)
    for path, signals in published.items():
        shown = vars(MODELS[(FLOOR.machine | FLOOR.shared)[path].model])["shown"]
        for signal, unit in signals.items():
            info = PLANT.signal_info(path, signal)
            assert info, (path, signal)
            assert info.title, (path, signal)
            assert info.unit == unit, (path, signal)
            assert (info.low is None) == (shown[signal].low is None), (path, signal)
