"""What is probably a slip in a plant file though it is no mistake: `plant check` lists it as worth a look."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from broker.contract.units import NAMES, ucum
from broker.plant.included import whole
from broker.plant.plant import Plant
from broker.plant.toml_places import Path as Keys
from broker.plant.toml_places import dotted, line_of
from broker.plant.toml_tables import Mistake, nearest, shown
from edge.simulation.machines import MODELS
from edge.simulation.planning.plan import FloorPlan
from services.ledger.indicators.indicators import INDICATORS

_Remark = tuple[Keys, str, str]
"""The keys that lead to it, what is striking, and what to do."""

_UNITS: Final = {*NAMES.values(), *(unit for model in MODELS.values() for unit in model.signals.values())}


def remarks(file: Path, plant: Plant, floor: FloorPlan) -> list[Mistake]:
    """Return what is worth a look in a plant file without mistakes, in the order of the file.

    Args:
        file: the file.
        plant: what it describes.
        floor: its simulated part.
    """
    found = whole(file, file.read_text(encoding="utf-8-sig"))
    every = (*_of_assets(plant), *_of_products(plant, floor), *_of_orders(plant, floor))
    every += (*_of_machines(plant, floor), *_of_loads(plant, floor))
    marked = [Mistake(str(file), line_of(plant.text, keys), dotted(keys), what, hint) for keys, what, hint in every]
    return [found.located(one) for one in sorted(marked, key=lambda one: one.line)]


def _of_assets(plant: Plant) -> Iterator[_Remark]:
    for path, info in plant.assets.items():
        above = plant.asset(path.rpartition("/")[0])
        for name in info.targets.keys() - above.targets.keys() - INDICATORS.keys():
            hint = nearest(name, INDICATORS, "see docs/reference/indicators.md; those are")
            yield ("asset", path, "targets", name), "no indicator has this name", hint
        for name, signal in info.signals.items():
            is_inherited = name in above.signals and above.signals[name].unit == signal.unit
            near = "" if is_inherited or ucum(signal.unit) in _UNITS else nearest(signal.unit, (*NAMES, *_UNITS), "")
            if near.startswith("did you mean"):  # else it is a unit of one's own
                what = f"{shown(signal.unit)} is no unit that is known here, and is shown as it is"
                yield ("asset", path, "signals", name, "unit"), what, near


def _of_products(plant: Plant, floor: FloorPlan) -> Iterator[_Remark]:
    known = {"/".join(path.split("/")[:level]) for path in (*plant.assets, *floor.assets) for level in (1, 2, 3, 4)}
    for name, product in plant.products.items():
        for path in product.ideal_cycles:
            if path and path not in known:
                hint = nearest(path, known, "the assets are")
                yield ("product", name, "ideal-cycle", path), "no asset stands there", hint


def _of_orders(plant: Plant, floor: FloorPlan) -> Iterator[_Remark]:
    for path, line in floor.line.items():
        for place, order in enumerate(line.orders):
            if order.product not in plant.products and plant.products:
                hint = nearest(order.product, plant.products, "the products are")
                yield ("simulate", "line", path, "orders", place), f"no product is named {shown(order.product)}", hint


def _of_machines(plant: Plant, floor: FloorPlan) -> Iterator[_Remark]:
    for kind, machines in (("machine", floor.machine), ("shared", floor.shared)):
        for path, machine in machines.items():
            calendar = plant.calendar_of(path)
            shifts = {shift.name for shift in calendar.rules.shifts} if calendar else set()
            if machine.upkeep_shift and machine.upkeep_shift not in shifts:
                hint = nearest(machine.upkeep_shift, shifts, "the shifts of its calendar are")
                yield ("simulate", kind, path, "upkeep-shift"), "the machine has no such shift", hint
    for path in plant.machines():
        is_alone = path.rpartition("/")[0] in floor.line and path not in floor.assets
        if is_alone and not plant.asset(path).connected:
            hint = "see that its name is right; one that is real has connected = true"
            yield ("asset", path), "its line is simulated, the machine is not", hint


def _of_loads(plant: Plant, floor: FloorPlan) -> Iterator[_Remark]:
    for path, machine in floor.machine.items():
        together = machine.together
        if together != plant.asset(path).load_size:
            hint = f"set load-size = {together} for the asset: by so many pieces its OEE may be above 1"
            at_once = "each piece by itself" if together == 1 else f"{together} pieces at once"
            yield ("simulate", "machine", path), f"it counts {at_once}", hint
