"""Orders and shifts: what was made for whom, and how each shift did."""

from typing import Final

from broker.plant.calendar import NO_SHIFT
from broker.plant.plant import Plant
from dashboards import looks, panels
from dashboards.grafana import Ask, Object, Section, Tile, dashboard
from dashboards.names import LEVELS, ORDERS, RAW
from dashboards.page import levels, page
from dashboards.pages import factor_tables, losses, parts
from dashboards.production_days import cuts
from dashboards.queries import UNTIL, Cut, indicator, last_days, scope, total
from services.ledger.rows import NO_PRODUCT

_DAYS: Final = 2
"""Progress is counted by the minute: over so much, whatever range is chosen."""
_RECENT: Final = last_days(_DAYS)
_STARTED: Final = "\"phase\" = 'start'"
_DONE: Final[Object] = {
    "unit": looks.RATIO,
    "decimals": 0,
    "min": 0,
    "max": 1,
    "color": looks.fixed(looks.RUN),
    "custom.cellOptions": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
}
_PLACE: Final = ", ".join(f'"{level}"' for level in LEVELS)
_NO_PIECE: Final[Object] = {"mappings": looks.as_list(looks.nothing("–"))}
_NO_ORDER: Final = "no order"
_NO_SHIFT: Final = "outside shifts"


def page_of(plant: Plant) -> dashboard.Dashboard:
    """Return the page."""
    return page(
        ORDERS,
        "Shifts side by side, products, the orders on each machine, and those that were started last.",
        [
            Section("Shifts", [_shifts(plant), _good_by_shift(plant)]),
            Section("Products", [_products(), _work()]),
            Section("Plan", [losses.plan(plant)]),
            Section("Orders", [_progress(), parts.orders_ribbon(), _started()]),
        ],
        levels(),
        since="now-48h",
    )


def _shifts(plant: Plant) -> Tile:
    by = ("site", "shift")
    return panels.table(
        "Shifts",
        "Each shift of each production day, which begins with its first shift.",
        [
            Ask(query, table=True)
            for cut in cuts(plant, by)
            for query in (
                *(indicator(name, cut) for name in (*parts.TITLES, "coverage")),
                total(factor_tables.TABLE_SUMS, cut),
            )
        ],
        factor_tables.factor_columns({"site": ("Site", {}), "shift": ("Shift", _named({NO_SHIFT: _NO_SHIFT}))}),
        by_time="Day",
        time_unit="time:ddd, MMM D",
        sort=("Day", True),
        size=(24, 9),
    )


def _good_by_shift(plant: Plant) -> Tile:
    tile = panels.by_period(
        "Good pieces by shift",
        "Good pieces of all machines shown: a bar for each shift of each production day.",
        [Ask(total({"good": "good"}, cut), alias="$tag_shift") for cut in cuts(plant, ("shift",))],
        looks.PIECES,
        period="ddd, MMM D",
        size=(24, 7),
    )
    panels.by_name(tile, NO_SHIFT, {"displayName": _NO_SHIFT})
    return tile


def _products() -> Tile:
    return panels.table(
        "Products",
        "Each product over the range: while it was on the machines, how productive they were.",
        factor_tables.factors(("product",)),
        factor_tables.factor_columns({"product": ("Product", _named({NO_PRODUCT: _NO_ORDER}))}),
        sort=("Good", True),
        size=(24, 8),
    )


def _work() -> Tile:
    tile = panels.bars(
        "Good pieces by product and hour",
        "Good pieces of all machines shown, by product.",
        [Ask(total({"good": "good"}, Cut(("product",), "1h")), alias="$tag_product")],
        looks.PIECES,
        size=(24, 7),
    )
    panels.by_name(tile, NO_PRODUCT, {"displayName": _NO_ORDER})
    return tile


def _started() -> Tile:
    columns: dict[str, tuple[str, Object]] = {
        "order": ("Order", {}),
        "product": ("Product", {}),
        "planned": ("Planned", {"unit": looks.PIECES, "decimals": 0}),
        "ideal_cycle": ("Ideal cycle", {"unit": looks.CYCLE}),
        "site": ("Site", {}),
        "area": ("Area", {}),
        "line": ("Line", {}),
        "machine": ("Machine", {}),
    }
    names = ", ".join(f'"{name}"' for name in columns)
    started = scope(more="\"phase\" = 'start'")
    return panels.table(
        "Orders started last",
        "The orders that were started last up to the end of the range, 30 days back at most, the newest on top.",
        [
            Ask(
                f'SELECT {names} FROM "job" WHERE {UNTIL} AND {started} ORDER BY time DESC LIMIT 50',
                source=RAW,
                table=True,
            )
        ],
        columns,
        by_time="Started",
        sort=("Started", True),
        size=(24, 9),
    )


def _progress() -> Tile:
    """Return how far each order is: pieces since its start, and when it would end at its ideal cycle and its pace."""
    started = f"{_RECENT} AND {scope(more=_STARTED)}"
    jobs = f'SELECT "order", {_PLACE}, "product", "planned", "ideal_cycle" FROM "job" WHERE {started}'
    counted = f'SELECT "good", "order", {_PLACE} FROM "ledger" WHERE {_RECENT} AND {scope()} AND "good" > 0'
    count: Object = {"unit": looks.PIECES, "decimals": 0}
    return panels.table(
        "Order progress",
        f"Orders started within the {_DAYS} days up to the end of the range: good pieces against those planned, when"
        " the order would be done at its ideal cycle without a stop, and at the pace up to its last good piece.",
        [Ask(jobs, source=RAW, table=True), Ask(counted, table=True)],
        {
            "order": ("Order", {"custom.width": 80}),
            "site": ("Site", {"custom.width": 100}),
            "area": ("Area", {"custom.width": 105}),
            "line": ("Line", {"custom.width": 75}),
            "machine": ("Machine", {"custom.width": 95}),
            "product (lastNotNull)": ("Product", {}),
            "planned (lastNotNull)": ("Planned", count | {"custom.width": 75}),
            "good (sum)": ("Good", count | {"custom.width": 65}),
            "progress": ("Done", _DONE | _NO_PIECE | {"custom.width": 95}),
            "Time (min)": ("Started", {"unit": "dateTimeAsLocal", "custom.width": 190}),
            "due": ("Due at ideal cycle", {"unit": "dateTimeAsLocal", "custom.width": 190}),
            "expected": ("Due at its pace", _NO_PIECE | {"unit": "dateTimeAsLocal", "custom.width": 190}),
        },
        keyed=[
            _grouped(
                "A", {"Time": "min", "product": "lastNotNull", "planned": "lastNotNull", "ideal_cycle": "lastNotNull"}
            ),
            _grouped("B", {"good": "sum", "Time": "max"}),
        ],
        more=[
            _calculated("good (sum)", "/", "planned (lastNotNull)", "progress"),
            _calculated("planned (lastNotNull)", "*", "ideal_cycle (lastNotNull)", "seconds"),
            _calculated("seconds", "*", "1000", "ms"),
            _calculated("Time (min)", "+", "ms", "due"),
            _calculated("Time (max)", "-", "Time (min)", "elapsed"),
            _calculated("elapsed", "/", "progress", "needed"),
            _calculated("Time (min)", "+", "needed", "expected"),
        ],
        sort=("Started", True),
        size=(24, 9),
    )


def _grouped(query: str, reducers: dict[str, str]) -> Object:
    """Return the transformation that makes a row of each order on each machine, of one query alone."""
    keys = {name: {"operation": "groupby", "aggregations": []} for name in ("order", *LEVELS)}
    sums = {name: {"operation": "aggregate", "aggregations": [reducer]} for name, reducer in reducers.items()}
    return {"id": "groupBy", "filter": {"id": "byRefId", "options": query}, "options": {"fields": keys | sums}}


def _named(words: dict[str, str]) -> Object:
    """Return the setting of a column that writes these values otherwise."""
    return {"mappings": looks.as_list(looks.words({value: (word, looks.PLAIN) for value, word in words.items()}))}


def _calculated(left: str, operator: str, right: str, name: str) -> Object:
    return {
        "id": "calculateField",
        "options": {
            "mode": "binary",
            "binary": {"left": left, "operator": operator, "right": right},
            "alias": name,
            "replaceFields": False,
        },
    }
