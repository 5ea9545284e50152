"""Reads the plant file: TOML in, a plant or all its mistakes with file, line and hint out.

`parse` reads and validates the whole text; a file with mistakes is rejected as a whole. The tables under `simulate` are
passed on as they are, for the simulator to validate; only the flow of a line is read from them too. `load` reads a file
with those that it includes.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from broker.contract import topics
from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_S
from broker.plant.assets import read_assets
from broker.plant.calendar_rules import read_rules, read_time_zone
from broker.plant.flow import read_flows
from broker.plant.included import whole
from broker.plant.material_flow import check_simulated_flows, read_material_flows
from broker.plant.plant import LOSSES, MICROSTOP_LIMIT_NS, NamedCalendar, Plant, Product, Reason
from broker.plant.toml_tables import Document, Mistake, Table


class PlantError(ValueError):
    """A plant file with mistakes.

    Attributes:
        mistakes: all of them, in the order of the file.
        problem: what is wrong with the first.
        hint: what to do about the first.
    """

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes
        self.problem = mistakes[0].problem
        self.hint = mistakes[0].hint


def load(path: Path | str, only: Collection[str] | None = None) -> Plant:
    """Read a plant file and the files that it includes.

    Args:
        path: the file.
        only: the names of the included files to take; None for all.

    Raises:
        OSError: one of them cannot be read.
        PlantError: they have mistakes.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")  # Windows editors write a mark first
    except UnicodeDecodeError as error:
        line = Path(path).read_bytes().count(b"\n", 0, error.start) + 1
        mistake = Mistake(str(path), line, "", "this is not UTF-8", "save the file in the encoding UTF-8")
        raise PlantError((mistake,)) from error
    found = whole(Path(path), text, only)
    if found.mistakes:
        raise PlantError(found.mistakes)
    try:
        return parse(found.text, str(path))
    except PlantError as error:
        raise PlantError(tuple(map(found.located, error.mistakes))) from error


def parse(text: str, source: str) -> Plant:
    """Read a plant from the text of its file.

    Args:
        text: TOML.
        source: the file's name, for messages.

    Raises:
        PlantError: the text has mistakes; all of them are in it.
    """
    document = Document(text, source)
    root = document.root
    limit_s = root.duration_s("microstop-limit")
    calendars = _calendars(root.table("calendar"))
    assets = read_assets(root.table("asset"), calendars)
    simulate = root.table("simulate")
    simulated_lines, products = simulate.table("line"), _products(root.table("product"))
    lines = {"/".join(path.split("/")[:3]) for path in (*assets, *simulated_lines) if path.count("/") > 1}
    material_flows = root.table("flow")
    check_simulated_flows(simulate.table("flow"), material_flows.values)
    plant = Plant(
        name=root.text("name") or "",
        microstop_limit_ns=MICROSTOP_LIMIT_NS if limit_s is None else round(limit_s * NS_PER_S),
        assets=assets,
        products=products,
        reasons=_reasons(root.table("reason")),
        calendars=calendars,
        simulate=simulate.values,
        simulated_flows=read_flows(simulated_lines),
        material_flows=read_material_flows(material_flows, sorted(lines), products),
        text=text,
    )
    root.close()
    if document.mistakes:
        raise PlantError(tuple(sorted(document.mistakes, key=lambda mistake: mistake.line)))
    return plant


def _calendars(table: Table) -> dict[str, NamedCalendar]:
    found = {}
    for name in table.names():
        inner = table.table(name)
        found[name] = NamedCalendar(read_rules(inner), read_time_zone(inner) or "")
        inner.close()
    return found


def _products(table: Table) -> dict[str, Product]:
    found = {}
    for name in table:
        inner = table.table(name)
        title = inner.text("title") or ""
        cycles: dict[str, float] = {}
        if isinstance(inner.value("ideal-cycle"), dict):
            by_asset = inner.table("ideal-cycle")
            for asset in by_asset:
                seconds = by_asset.duration_s(asset)
                try:
                    topics.check_asset(asset)
                except ContractError as error:
                    by_asset.wrong(asset, error.problem, error.hint)
                cycles |= {} if seconds is None else {asset: seconds}
        else:
            seconds = inner.duration_s("ideal-cycle")
            cycles = {} if seconds is None else {"": seconds}
        inner.close()
        found[name] = Product(title, cycles)
    return found


def _reasons(table: Table) -> dict[str, Reason]:
    found = {}
    for code in table.names():
        inner = table.table(code)
        title = inner.text("title") or ""
        loss: Any = inner.choice("loss", (*LOSSES, "set-up"))
        inner.close()
        found[code] = Reason(title, "setup" if loss == "set-up" else loss)
    return found
