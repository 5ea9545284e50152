"""Reads a plant file's `[simulate]` part: lines with their stages and orders, and what each machine is.

    [simulate]
    seed = 2026

    [simulate.line."sheffield/machining/line-1"]
    stages = [["mill-1", "mill-2"], ["deburr-1"], ["cmm-1"]]
    buffers = [8, 8]
    orders = [{ product = "hinge-bracket", pieces = 96 }]

    [simulate.machine."sheffield/machining/line-1/mill-1"]
    model = "five-axis-mill"
    cell = "five-axis-titanium"

The ideal cycles stand with the products, since they hold for real machines too; a missing one defaults to the cell's.
Everything is validated here, without I/O, so a mistake is reported with its place and a hint before anything runs.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

import msgspec

from broker.contract.names import is_name
from broker.plant.plant import Plant
from broker.plant.toml_tables import nearest, shown
from edge.simulation.floor.cells import CELLS, Cell
from edge.simulation.floor.pieces import OrderPlan
from edge.simulation.machines import MODELS
from edge.simulation.planning.plan_tables import Fault, Place, PlanError

_T = TypeVar("_T", bound=msgspec.Struct)

Profile = Literal["lively", "plain"]
LIVELY: Final = 6.0
"""In the lively profile machines fail this many times as often, and repairs are as much shorter: same availability."""


class LinePlan(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """How a line flows.

    Attributes:
        stages: the machines of each stage, in the order of the flow; those of one stage work side by side.
        buffers: pieces that fit between two stages, one number fewer than stages.
        orders: the programme, repeated without end.
        rework: the loops: by the machine that finds a piece faulty, the one in the same or an earlier stage to which it
            goes back. Where there is none, rework is done beside the machine.
        serials: each piece has a serial number, with which the machines record it; not so of what is made by thousands.
    """

    stages: list[list[str]]
    buffers: list[int]
    orders: list[OrderPlan]
    rework: dict[str, str] = {}
    serials: bool = True


class MachinePlan(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """What a machine is.

    Attributes:
        model: whose signals and physics it has: one of `edge.simulation.machines.MODELS`.
        cell: how it loses time and pieces: one of `edge.simulation.floor.cells.CELLS`.
        losses: figures of the cell that are different here, by name (`wait`, `setup-min`, …).
        load: pieces that it works on together; None for as many as its model does.
        crew: people at the machine during a shift.
        upkeep_shift: the shift that begins with autonomous maintenance of `upkeep_min` minutes; '' for none.
    """

    model: str
    cell: str
    losses: dict[str, Any] = {}
    load: int | None = None
    crew: float = 1.0
    upkeep_shift: str = ""
    upkeep_min: float = 10.0

    @property
    def together(self) -> int:
        """The pieces that it works on together, by the plan or else by its model."""
        return self.load or MODELS[self.model].load


class SharedPlan(MachinePlan, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A machine that serves others, of several lines: it stands in no stage.

    Attributes:
        serves: the machines, or the lines or areas with all their machines: those whose pieces it carries to the next
            stage, or those that cannot run without it.
    """

    serves: list[str]


class FlowPlan(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """How a flow of material goes.

    Attributes:
        stock: pieces that the customer wants to have or to have coming; None for three batches.
        every_h: hours from one batch to the next, where the supplier is not simulated.
        late: share of batches that arrive too late, …
        late_h: … by so many hours on average.
        bad: share of batches whose pieces have a flaw.
    """

    stock: int | None = None
    every_h: float = 6.0
    late: float = 0.03
    late_h: float = 4.0
    bad: float = 0.03


class FloorPlan(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """The whole `[simulate]` part.

    Attributes:
        seed: of all random numbers on the floor.
        profile: `lively` (see `LIVELY`) or `plain`: the cells' own figures.
        line: the lines, by asset path.
        machine: the machines, by asset path.
        shared: the machines that serve several lines, by asset path.
        flow: the flows of material, by the name that the plant gives them.
    """

    seed: int = 1
    profile: Profile = "lively"
    line: dict[str, LinePlan] = {}
    machine: dict[str, MachinePlan] = {}
    shared: dict[str, SharedPlan] = {}
    flow: dict[str, FlowPlan] = {}

    @property
    def assets(self) -> list[str]:
        """The paths of all machines, those that serve several lines last."""
        return [*self.machine, *self.shared]

    def served(self, shared: SharedPlan) -> list[str]:
        """Return the paths of the machines that a shared one serves, in the order of the file."""
        return [asset for asset in self.machine if any(f"{asset}/".startswith(f"{path}/") for path in shared.serves)]


def read(simulate: Mapping[str, Any], source: str = "plant file") -> FloorPlan:
    """Parse and validate a plant's `[simulate]` part.

    Args:
        simulate: the raw part.
        source: the file's name, for messages.

    Raises:
        PlanError: it has mistakes; all of them are in it.
    """
    faults: list[Fault] = []
    tables, at = dict(simulate), Place(("simulate",), faults)
    lines, machines, shared, flows = (at.tables(key, tables) for key in ("line", "machine", "shared", "flow"))
    floor = msgspec.structs.replace(
        at.convert(tables, FloorPlan) or FloorPlan(),
        line=_converted(at.below("line"), lines, LinePlan),
        machine=_converted(at.below("machine"), machines, MachinePlan),
        shared=_converted(at.below("shared"), shared, SharedPlan),
        flow=_converted(at.below("flow"), flows, FlowPlan),
    )
    for path, line in floor.line.items():
        _check_line(path, line, machines, at.below("line", path))
    standing = {f"{path}/{name}" for path, line in floor.line.items() for stage in line.stages for name in stage}
    for path, machine in floor.machine.items():
        place = at.below("machine", path)
        above = path.rpartition("/")[0]
        if path not in standing and (above in floor.line or above not in lines):
            place.wrong("stands in no line", f'name it in a stage of [simulate.line."{above}"]')
        _check_machine(machine, place)
        if machine.model in MODELS and MODELS[machine.model].serves:
            place.wrong(f"{machine.model} serves others", f'describe it in [simulate.shared."{path}"], in no stage')
    for path, machine in floor.shared.items():
        place = at.below("shared", path)
        _check_machine(machine, place)
        _check_shared(path, machine, machines, place)
    for name, flow in floor.flow.items():
        _check_flow(flow, at.below("flow", name))
    if faults:
        raise PlanError(source, tuple(faults))
    return floor


def published(plant: Plant, floor: FloorPlan) -> list[str]:
    """Return the machines whose simulation is published: those for which the plant expects no real device."""
    return [asset for asset in floor.assets if not plant.asset(asset).connected]


def cell_of(machine: MachinePlan, profile: Profile) -> Cell:
    """Return the losses of a machine under a profile."""
    base = msgspec.to_builtins(CELLS[machine.cell])
    cell = msgspec.convert(base | machine.losses, Cell)
    if profile == "plain":
        return cell
    return msgspec.structs.replace(cell, mtbf_h=cell.mtbf_h / LIVELY, mttr_h=cell.mttr_h / LIVELY)


def _converted(at: Place, tables: Mapping[str, object], into: type[_T]) -> dict[str, _T]:
    """Return the tables that have no mistake by themselves, converted."""
    found = {name: at.below(name).convert(table, into) for name, table in tables.items()}
    return {name: one for name, one in found.items() if one is not None}


def _check_line(path: str, line: LinePlan, machines: Collection[str], at: Place) -> None:
    if path.count("/") != 2 or not all(map(is_name, path.split("/"))):
        at.wrong("this is not a line's path", "write <site>/<area>/<line>")
    if not line.stages or not all(line.stages):
        at.wrong("a stage is empty", 'write stages = [["mill-1", "mill-2"], ["cmm-1"]]', "stages")
    names = [name for stage in line.stages for name in stage]
    if twice := _twice(names):
        at.wrong(f"{twice} stands in it twice", "name each machine in one stage, once", "stages")
    for name in dict.fromkeys(names):
        if f"{path}/{name}" not in machines:
            at.wrong(f"{name} is not described", f'add [simulate.machine."{path}/{name}"]', "stages")
    if len(line.buffers) != len(line.stages) - 1:
        between = f"{len(line.buffers)} buffers for {len(line.stages)} stages"
        at.wrong(between, "give one between each two stages", "buffers")
    if any(places < 1 for places in line.buffers):
        at.wrong("a buffer holds less than one piece", "give at least 1", "buffers")
    _check_rework(line, at)
    if not line.orders:
        at.wrong("there are no orders", 'write orders = [{ product = "bracket", pieces = 40 }]', "orders")
    for number, order in enumerate(line.orders):
        if order.pieces < 1:
            at.wrong(f"an order of {order.product} has {order.pieces} pieces", "give at least 1", "orders", number)
        if not 1 <= len(order.product) <= 64:
            at.wrong("a product's name is empty or too long", "give it 1 to 64 characters", "orders", number)


def _check_rework(line: LinePlan, at: Place) -> None:
    stage_of = {name: place for place, stage in enumerate(line.stages) for name in stage}
    for found_at, back_to in line.rework.items():
        if unknown := next((name for name in (found_at, back_to) if name not in stage_of), None):
            at.wrong(f"{unknown} stands in no stage", nearest(unknown, stage_of, "those are"), "rework", found_at)
        elif stage_of[back_to] > stage_of[found_at]:
            hint = "name a machine of the same stage or before"
            at.wrong(f"rework goes from {found_at} forward to {back_to}", hint, "rework", found_at)


def _check_shared(path: str, shared: SharedPlan, machines: Collection[str], at: Place) -> None:
    if path.count("/") != 3 or not all(map(is_name, path.split("/"))):
        at.wrong("this is not a machine's path", "write <site>/<area>/<line>/<machine>")
    if path in machines:
        at.wrong("this is a machine of a line, too", f'leave out [simulate.machine."{path}"]')
    if shared.model in MODELS and not MODELS[shared.model].serves:
        able = ", ".join(sorted(name for name, model in MODELS.items() if model.serves))
        at.wrong(f"{shared.model} serves no others", f"use one of {able}, or name it in a stage of a line", "model")
    for served in shared.serves:
        if not any(f"{asset}/".startswith(f"{served}/") for asset in machines):
            hint = nearest(served, _with_above(machines), "write the path of a machine, a line or an area, such as")
            at.wrong(f"no machine stands in {served}", hint, "serves")
    if not shared.serves:
        at.wrong("it serves nothing", 'write serves = ["<site>/<area>/<line>"]', "serves")


def _check_machine(machine: MachinePlan, at: Place) -> None:
    if machine.load is not None and machine.load < 1:
        at.wrong(f"a load of {machine.load} pieces", "give at least 1, or leave it out", "load")
    for name, value in (("crew", machine.crew), ("upkeep-min", machine.upkeep_min)):
        if not 0 <= value <= 1_000:
            at.wrong(f"{value:g} is not possible", "it goes from 0 to 1000", name)
    if machine.model not in MODELS:
        at.wrong(f"there is no model {shown(machine.model)}", nearest(machine.model, MODELS, "use one of"), "model")
    if machine.cell not in CELLS:
        at.wrong(f"there is no cell {shown(machine.cell)}", nearest(machine.cell, CELLS, "use one of"), "cell")
    elif at.below("losses").convert(msgspec.to_builtins(CELLS[machine.cell]) | machine.losses, Cell):
        cell = cell_of(machine, "plain")
        for field, least, most in _RANGES:
            value = getattr(cell, field)
            if not least <= value <= most:
                at.wrong(
                    f"{value:g} is not possible",
                    f"it goes from {least:g} to {most:g}",
                    "losses",
                    field.replace("_", "-"),
                )


def _check_flow(flow: FlowPlan, at: Place) -> None:
    if flow.stock is not None and flow.stock < 1:
        at.wrong(f"a stock of {flow.stock} pieces", "give at least 1, or leave it out", "stock")
    for name, value, most in (("late", flow.late, 1.0), ("bad", flow.bad, 1.0), ("late-h", flow.late_h, 1e4)):
        if not 0 <= value <= most:
            at.wrong(f"{value:g} is not possible", f"it goes from 0 to {most:g}", name)
    if not 0.01 <= flow.every_h <= 1e4:
        at.wrong(f"{flow.every_h:g} is not possible", "it goes from 0.01 to 10000", "every-h")


_RANGES: Final = (
    ("ideal_s", 0.1, 1e6),
    ("lot", 1, 1e6),
    ("setup_min", 0.0, 1e5),
    ("setup_sigma", 0.0, 3.0),
    ("mtbf_h", 0.01, 1e6),
    ("failure_shape", 0.2, 10.0),
    ("mttr_h", 0.001, 1e4),
    ("repair_sigma", 0.0, 3.0),
    ("minor_per_h", 0.0, 1e3),
    ("minor_min", 0.0, 1e3),
    ("speed", 0.05, 2.0),
    ("scrap", 0.0, 1.0),
    ("rework", 0.0, 1.0),
    ("startup_scrap", 0.0, 1e5),
    ("wait", 0.0, 0.95),
)


def _twice(names: Sequence[str]) -> str | None:
    return next((name for place, name in enumerate(names) if name in names[:place]), None)


def _with_above(machines: Collection[str]) -> list[str]:
    """Return the paths of machines, of their lines and areas."""
    return sorted({"/".join(path.split("/")[:level]) for path in machines for level in (2, 3, 4)})
