"""Scrap by the reason that people gave when they booked it; what machines counted has none, and is a row of its own."""

from typing import Final

from broker.plant.plant import Plant
from dashboards import looks, panels
from dashboards.grafana import Ask, Object, Tile
from dashboards.names import RAW
from dashboards.queries import RANGE, Cut, grouped, scope, total

_COUNTS: Final = '"void" = 0 AND "scrap" != 0'
"""Which bookings change the scrap: those that were not taken back."""
_WITHOUT: Final[Object] = {
    "type": "special",
    "options": {"match": "empty", "result": {"text": "no reason reported", "color": looks.PLAIN, "index": 1_000}},
}


def by_reason(plant: Plant, *, size: tuple[int, int] = (12, 8)) -> Tile:
    """Return the scrapped pieces of each reason as a Pareto, and those without one: together, all scrap."""
    bar: Object = {
        "unit": looks.PIECES,
        "decimals": 0,
        "min": 0,
        "color": looks.fixed(looks.ATTENTION),
        "custom.cellOptions": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
    }
    return panels.table(
        "Scrap by reason",
        "Scrapped pieces by the reason that was given when they were booked by hand, the most on top. What machines"
        " count comes without a reason, less what was booked.",
        [
            Ask(bookings(), source=RAW, table=True),
            Ask(total({"scrap": "scrap"}, Cut(("reason",))), table=True),
            Ask(without_bookings(), source=RAW, table=True),
        ],
        {
            "reason": ("Reason", {"mappings": [*looks.as_list(looks.reasons(plant)), _WITHOUT]}),
            "scrap (sum)": ("Scrap", bar),
        },
        more=[
            {
                "id": "groupBy",
                "options": {
                    "fields": {
                        "reason": {"operation": "groupby", "aggregations": []},
                        "scrap": {"operation": "aggregate", "aggregations": ["sum"]},
                    }
                },
            }
        ],
        sort=("Scrap", True),
        size=size,
    )


def bookings() -> str:
    """Ask for the bookings of scrap, one row each: their ids distinguish those that are alike."""
    return f'SELECT "reason", "scrap", "id" FROM "adjust" WHERE {RANGE} AND {scope(more=_COUNTS)}'


def without_bookings() -> str:
    """Ask for the booked scrap as what is to be taken from the scrap without a reason."""
    booked = f'SELECT -1 * "scrap" AS "less" FROM "adjust" WHERE {RANGE} AND {scope(more=_COUNTS)}'
    return f'SELECT sum("less") AS "scrap" FROM ({booked}){grouped(("reason",))}'
