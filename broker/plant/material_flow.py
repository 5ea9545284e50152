"""Flows of material from one line to another, and from suppliers outside of the plant.

    [flow.lug-castings]
    from = "sheffield/castings/line-1"
    to = "sheffield/machining/line-1"
    product = "lug-casting"
    becomes = "engine-lug"
    batch = 12
    transit = "2h"

A flow ends in a line of the plant. It begins in one too, or in an area that the plant does not describe: that supplier
is outside.
"""

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

import msgspec

from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_S
from broker.contract.topics import check_asset
from broker.plant.toml_tables import Table, nearest, shown

SHIPPED: Final = "batch-shipped"
ARRIVED: Final = "batch-arrived"
"""The codes of the notices with which a batch leaves its supplier and reaches its customer; the text is its number."""
_NUMBER: Final = re.compile(r"(.+)-\d{6}-\d{2,}")
"""How the simulator numbers batches: name, day, place in the day."""
_LINE_LEVELS: Final = 3
_LONGEST_NAME: Final = 24
"""A flow's name is part of batch numbers and of a reason."""
_SURELY_MISSPELT: Final = 0.93


class MaterialFlow(msgspec.Struct, frozen=True):
    """A flow of material.

    Attributes:
        name: its own, with which the numbers of its batches begin.
        title: its name for people, '' if it has none.
        supplier: the line that it comes from.
        customer: the line that it goes to.
        products: the supplier's products that it carries; none for all of them.
        becomes: the customer's products that are made from it; none for all of them.
        batch: pieces that leave together.
        transit_ns: how long they are on their way, nanoseconds.
        is_from_outside: the plant does not describe the supplier.
    """

    name: str
    title: str
    supplier: str
    customer: str
    products: tuple[str, ...]
    becomes: tuple[str, ...]
    batch: int
    transit_ns: int
    is_from_outside: bool = False

    @property
    def label(self) -> str:
        """Its title, or its name where it has none."""
        return self.title or self.name


def owner(flows: Iterable[MaterialFlow], batch: str) -> MaterialFlow | None:
    """Return the flow that a batch belongs to, by its number: the flow's name, a hyphen, and a number of its own.

    The name of one flow may begin another's (`bushes`, `bushes-b`). A number of the simulator's form is taken apart
    from its end, so that it has one owner; of any other number the longest name counts.

    Args:
        flows: those that it may belong to: into the line where it arrived, or out of the line that it left.
        batch: its number.
    """
    named = {flow.name: flow for flow in flows}
    form = _NUMBER.fullmatch(batch)
    if form and form[1] in named:
        return named[form[1]]
    begun = [name for name in named if batch.startswith(f"{name}-")]
    return named[max(begun, key=len)] if begun else None


def read_material_flows(table: Table, lines: Collection[str], products: Collection[str]) -> dict[str, MaterialFlow]:
    """Read the flows of material; one with a mistake is left out.

    Args:
        table: the tables of the flows, by name.
        lines: the paths of the plant's lines.
        products: the names of its products.
    """
    found: dict[str, MaterialFlow] = {}
    for name in table.names():
        flow = _flow(name, table.table(name), lines, products)
        if flow is not None:
            circle = _circle(found, flow)
            if circle:
                table.table(name).wrong(
                    "to",
                    f"material goes round in a circle: {' → '.join(each.name for each in (*circle, circle[0]))}",
                    "leave one of these flows out, or give each the product that it carries and what that becomes",
                )
            else:
                found[name] = flow
    return found


def check_simulated_flows(table: Table, declared: Collection[str]) -> None:
    """Add a mistake for each simulated flow, a key of the table, that is not declared."""
    for name in table:
        if name not in declared:
            hint = nearest(name, declared, "the flows are") if declared else f"describe it in [flow.{name}]"
            table.wrong(name, f"no flow is named {shown(name)}", hint)


def into_line(flows: Mapping[str, MaterialFlow], line: str) -> list[MaterialFlow]:
    """Return the flows that end in a line."""
    return [flow for flow in flows.values() if flow.customer == line]


def from_line(flows: Mapping[str, MaterialFlow], line: str) -> list[MaterialFlow]:
    """Return the flows that begin in a line."""
    return [flow for flow in flows.values() if flow.supplier == line]


def _flow(name: str, table: Table, lines: Collection[str], products: Collection[str]) -> MaterialFlow | None:
    title = table.text("title") or ""
    supplier, customer = _line(table, "from"), _line(table, "to")
    areas = {line.rpartition("/")[0] for line in lines}
    is_from_outside = bool(supplier) and supplier.rpartition("/")[0] not in areas
    carried, becomes = table.texts("product"), table.texts("becomes")
    batch, transit_s = table.number("batch"), table.duration_s("transit")
    table.close()
    if len(name) > _LONGEST_NAME:
        table.wrong((), f"the name of a flow has {len(name)} characters", f"use at most {_LONGEST_NAME}")
    is_no_number = batch is None and "batch" in table  # which is a mistake of its own
    if not is_no_number and (batch is None or batch < 1 or batch % 1):
        table.wrong("batch", "a flow needs how many pieces leave together", "write a whole number, as in batch = 12")
    if transit_s is None and "transit" not in table:
        table.wrong((), "a flow needs how long its pieces are on their way", 'write transit = "2h"')
    if customer and customer not in lines:
        table.wrong("to", f"the plant has no line {shown(customer)}", nearest(customer, lines, "its lines are"))
    misspelt = difflib.get_close_matches(supplier, lines, n=1, cutoff=_SURELY_MISSPELT)
    if supplier and supplier not in lines and (misspelt or not is_from_outside):
        hint = nearest(supplier, lines, "its lines are")
        table.wrong("from", f"the plant has no line {shown(supplier)}", f"{hint}; a supplier outside has an own area")
    if supplier and supplier == customer:
        table.wrong("to", "a flow leads back to the line that it comes from", "write the path of another line")
    for key, named in (("becomes", becomes), *((("product", carried),) if not is_from_outside else ())):
        for product in named:
            if product not in products:
                table.wrong(key, f"no product is named {shown(product)}", nearest(product, products, "there are"))
    if not supplier or customer not in lines or supplier == customer or not batch or not transit_s:
        return None
    return MaterialFlow(
        name=name,
        title=title,
        supplier=supplier,
        customer=customer,
        products=carried,
        becomes=becomes,
        batch=int(batch),
        transit_ns=round(transit_s * NS_PER_S),
        is_from_outside=is_from_outside,
    )


def _circle(known: Mapping[str, MaterialFlow], flow: MaterialFlow) -> list[MaterialFlow]:
    """Return the flows on which what a flow carries comes back to where it began, the flow first; none usually."""
    ways, seen = [[flow]], set[str]()
    while ways:
        way = ways.pop()
        for each in (*known.values(), flow):
            if not _feeds(way[-1], each):
                continue
            if each is flow:
                return way
            if each.name not in seen:
                seen.add(each.name)
                ways.append([*way, each])
    return []


def _feeds(flow: MaterialFlow, other: MaterialFlow) -> bool:
    """Whether what a flow's material becomes is carried on by another."""
    is_carried = not flow.becomes or not other.products or not set(flow.becomes).isdisjoint(other.products)
    return flow.customer == other.supplier and is_carried


def _line(table: Table, key: str) -> str:
    path = table.text(key)
    if path is None:
        if key not in table:
            table.wrong((), f"a flow needs where it leads {key}", f'write {key} = "site/area/line"')
        return ""
    try:
        check_asset(path)
    except ContractError as error:
        table.wrong(key, error.problem, error.hint)
        return ""
    if path.count("/") != _LINE_LEVELS - 1:
        table.wrong(key, f"{shown(path)} is not the path of a line", 'write three levels, as in "site/area/line"')
        return ""
    return path
