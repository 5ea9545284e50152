"""Orders and shifts: what was made for whom, and how each shift did."""

from broker.plant.plant import Plant
from dashboards import looks, panels
from dashboards.grafana import Ask, Object, Section, Tile, dashboard
from dashboards.names import ORDERS, RAW
from dashboards.page import levels, page
from dashboards.pages import parts
from dashboards.production_days import cuts
from dashboards.queries import UNTIL, Cut, indicator, scope, total


def page_of(plant: Plant) -> dashboard.Dashboard:
    """Return the page."""
    return page(
        ORDERS,
        "Shifts side by side, products, the orders on each machine, and those that were started last.",
        [
            Section("Shifts", [_shifts(plant), _good_by_shift(plant)]),
            Section("Products", [_products(plant), _work()]),
            Section("Orders", [parts.orders_ribbon(), _started()]),
        ],
        levels(),
        since="now-48h",
    )


def _shifts(plant: Plant) -> Tile:
    by = ("site", "shift")
    return panels.table(
        "Shifts",
        "Each shift of each production day, which begins with its first shift; '-' is time outside of shifts.",
        [
            Ask(query, table=True)
            for cut in cuts(plant, by)
            for query in (
                *(indicator(name, cut) for name in (*parts.TITLES, "coverage")),
                total(parts.TABLE_SUMS, cut),
            )
        ],
        parts.factor_columns(plant, {"site": ("Site", {}), "shift": ("Shift", {})}),
        by_time="Day",
        sort=("Day", True),
        size=(24, 9),
    )


def _good_by_shift(plant: Plant) -> Tile:
    return panels.bars(
        "Good pieces by shift",
        "Good pieces of all machines shown, by shift and production day.",
        [Ask(total({"good": "good"}, cut), alias="$tag_shift") for cut in cuts(plant, ("shift",))],
        looks.PIECES,
        interval="1d",
        size=(24, 7),
    )


def _products(plant: Plant) -> Tile:
    return panels.table(
        "Products",
        "Each product over the range: while it was on the machines, how productive they were; '-' is no order.",
        parts.factors(("product",)),
        parts.factor_columns(plant, {"product": ("Product", {})}),
        sort=("Good", True),
        size=(24, 8),
    )


def _work() -> Tile:
    return panels.bars(
        "Good pieces by product and hour",
        "Good pieces of all machines shown, by product.",
        [Ask(total({"good": "good"}, Cut(("product",), "1h")), alias="$tag_product")],
        looks.PIECES,
        size=(24, 7),
    )


def _started() -> Tile:
    columns: dict[str, tuple[str, Object]] = {
        "order": ("Order", {}),
        "product": ("Product", {}),
        "planned": ("Planned", {"decimals": 0}),
        "ideal_cycle": ("Ideal cycle", {"unit": looks.SECONDS}),
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
