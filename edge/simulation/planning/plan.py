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

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeVar

import msgspec

from broker.contract.errors import ContractError
from broker.contract.names import is_name
from broker.plant.toml_places import Path, dotted
from edge.simulation.floor.cells import CELLS, Cell
from edge.simulation.floor.pieces import OrderPlan
from edge.simulation.machines import MODELS

_T = TypeVar("_T")

_KEY: Final = re.compile(r"\.([a-z0-9-]+)")
_UNKNOWN: Final = re.compile(r"unknown field `([^`]+)`")

Profile = Literal["lively", "plain"]
LIVELY: Final = 6.0
"""In the lively profile machines fail this many times as often, and repairs are as much shorter: same availability."""


class PlanError(ContractError):
    """The plant file's `[simulate]` part has a mistake; the text says where, and how to fix it.

    Attributes:
        path: the keys that lead to it.
        fault: what is wrong there, and after a semicolon what to do.
    """

    def __init__(self, source: str, path: Path, fault: str) -> None:
        super().__init__(f"{source}: {dotted(path)}: {fault}")
        self.path = path
        self.fault = fault


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
        PlanError: it has a mistake.
    """
    tables, at = dict(simulate), _ErrorAt(source, ("simulate",))
    lines, machines, shared, flows = (
        _convert(at.below(key), tables.pop(key, {}), dict[str, Any]) for key in ("line", "machine", "shared", "flow")
    )
    floor = _convert(at, tables, FloorPlan)
    floor = msgspec.structs.replace(
        floor,
        line={path: _convert(at.below("line", path), one, LinePlan) for path, one in lines.items()},
        machine={path: _convert(at.below("machine", path), one, MachinePlan) for path, one in machines.items()},
        shared={path: _convert(at.below("shared", path), one, SharedPlan) for path, one in shared.items()},
        flow={name: _convert(at.below("flow", name), one, FlowPlan) for name, one in flows.items()},
    )
    for path, line in floor.line.items():
        _check_line(floor, path, line, at.below("line", path))
    for path, machine in floor.machine.items():
        wrong = at.below("machine", path)
        _check_place(floor, path, wrong)
        _check_machine(machine, wrong)
        if MODELS[machine.model].serves:
            raise wrong(f'{machine.model} serves others; describe it in [simulate.shared."{path}"], in no stage')
    for path, machine in floor.shared.items():
        wrong = at.below("shared", path)
        _check_machine(machine, wrong)
        _check_shared(floor, path, machine, wrong)
    for name, flow in floor.flow.items():
        _check_flow(flow, at.below("flow", name))
    return floor


def cell_of(machine: MachinePlan, profile: Profile) -> Cell:
    """Return the losses of a machine under a profile."""
    base = msgspec.to_builtins(CELLS[machine.cell])
    cell = msgspec.convert(base | machine.losses, Cell)
    if profile == "plain":
        return cell
    return msgspec.structs.replace(cell, mtbf_h=cell.mtbf_h / LIVELY, mttr_h=cell.mttr_h / LIVELY)


class _ErrorAt(NamedTuple):
    """Makes errors that name their place in the file."""

    source: str
    path: Path

    def below(self, *keys: str) -> "_ErrorAt":
        """Return the place below this one."""
        return _ErrorAt(self.source, (*self.path, *keys))

    def __call__(self, problem: str, *keys: str) -> PlanError:
        return PlanError(self.source, (*self.path, *keys), problem)


def _convert(at: _ErrorAt, table: object, into: type[_T]) -> _T:
    try:
        return msgspec.convert(table, into)
    except msgspec.ValidationError as error:
        problem, _, inner = str(error).partition(" - at `$")
        named = _KEY.match(inner) or _UNKNOWN.search(problem)
        keys = [named[1]] if named and isinstance(table, dict) and named[1] in table else []
        raise at(f"{problem}; compare with edge/simulation/plants/corridor.toml", *keys) from error


def _check_line(plan: FloorPlan, path: str, line: LinePlan, wrong: _ErrorAt) -> None:
    if path.count("/") != 2 or not all(map(is_name, path.split("/"))):
        raise wrong("is not a line's path; write <site>/<area>/<line>")
    if not line.stages or not all(line.stages):
        raise wrong('a stage is empty; write stages = [["mill-1", "mill-2"], ["cmm-1"]]')
    names = [name for stage in line.stages for name in stage]
    if twice := _twice(names):
        raise wrong(f"stages name {twice} twice; a machine stands in one stage")
    for name in names:
        if f"{path}/{name}" not in plan.machine:
            raise wrong(f'stages name {name}, which is not described; add [simulate.machine."{path}/{name}"]', "stages")
    if len(line.buffers) != len(line.stages) - 1:
        raise wrong(
            f"{len(line.buffers)} buffers for {len(line.stages)} stages; give one between each two stages", "buffers"
        )
    if any(places < 1 for places in line.buffers):
        raise wrong("a buffer holds less than one piece; give at least 1", "buffers")
    _check_rework(line, wrong)
    if not line.orders:
        raise wrong('there are no orders; write orders = [{ product = "bracket", pieces = 40 }]')
    for order in line.orders:
        if order.pieces < 1:
            raise wrong(f"an order of {order.product} has {order.pieces} pieces; give at least 1")
        if not 1 <= len(order.product) <= 64:
            raise wrong("a product's name is empty or too long; give it 1 to 64 characters", "orders")


def _check_rework(line: LinePlan, wrong: _ErrorAt) -> None:
    stage_of = {name: place for place, stage in enumerate(line.stages) for name in stage}
    for found_at, back_to in line.rework.items():
        if unknown := next((name for name in (found_at, back_to) if name not in stage_of), None):
            raise wrong(f'rework names {unknown}, which stands in no stage; write rework = {{ cmm-1 = "mill-1" }}')
        if stage_of[back_to] > stage_of[found_at]:
            raise wrong(f"rework goes from {found_at} forward to {back_to}; name a machine of the same stage or before")


def _check_place(plan: FloorPlan, path: str, wrong: _ErrorAt) -> None:
    line, _, name = path.rpartition("/")
    if line not in plan.line or name not in {name for stage in plan.line[line].stages for name in stage}:
        raise wrong(f'stands in no line; name it in a stage of [simulate.line."{line}"]')


def _check_shared(plan: FloorPlan, path: str, shared: SharedPlan, wrong: _ErrorAt) -> None:
    if path.count("/") != 3 or not all(map(is_name, path.split("/"))):
        raise wrong("is not a machine's path; write <site>/<area>/<line>/<machine>")
    if path in plan.machine:
        raise wrong(f'is a machine of a line, too; leave out [simulate.machine."{path}"]')
    if not MODELS[shared.model].serves:
        able = ", ".join(sorted(name for name, model in MODELS.items() if model.serves))
        raise wrong(f"{shared.model} serves no others; use one of {able}, or name it in a stage of a line")
    for served in shared.serves:
        if not any(f"{asset}/".startswith(f"{served}/") for asset in plan.machine):
            raise wrong(f"serves {served}, where no machine stands; write the path of a machine, a line or an area")
    if not shared.serves:
        raise wrong('serves nothing; write serves = ["<site>/<area>/<line>"]')


def _check_machine(machine: MachinePlan, wrong: _ErrorAt) -> None:
    if machine.load is not None and machine.load < 1:
        raise wrong(f"a load of {machine.load} pieces; give at least 1, or leave it out")
    if machine.model not in MODELS:
        raise wrong(f"unknown model {machine.model!r}; use one of {', '.join(sorted(MODELS))}", "model")
    if machine.cell not in CELLS:
        raise wrong(f"unknown cell {machine.cell!r}; use one of {', '.join(sorted(CELLS))}", "cell")
    try:
        cell = cell_of(machine, "plain")
    except msgspec.ValidationError as error:
        raise wrong(f"losses: {error}; use names of a cell: {', '.join(Cell.__struct_encode_fields__)}") from error
    for field, least, most in _RANGES:
        value = getattr(cell, field)
        if not least <= value <= most:
            raise wrong(f"losses: {field.replace('_', '-')} is {value}; it goes from {least} to {most}")


def _check_flow(flow: FlowPlan, wrong: _ErrorAt) -> None:
    if flow.stock is not None and flow.stock < 1:
        raise wrong(f"a stock of {flow.stock} pieces; give at least 1, or leave it out", "stock")
    for name, value, most in (("late", flow.late, 1.0), ("bad", flow.bad, 1.0), ("late-h", flow.late_h, 1e4)):
        if not 0 <= value <= most:
            raise wrong(f"{name} is {value}; it goes from 0 to {most:g}", name)
    if not 0.01 <= flow.every_h <= 1e4:
        raise wrong(f"every-h is {flow.every_h}; it goes from 0.01 to 10000", "every-h")


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
