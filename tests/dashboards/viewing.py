"""What Grafana does when a page is looked at: it fills in variables, sends each query, and gets series."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.store.influxd import Influxd

DATABASES = {"corridor-raw": "corridor", "corridor-ledger": "corridor_ledger", "corridor-hour": "corridor_hour"}


class View(NamedTuple):
    """A page that is looked at: its range, milliseconds since 1970, and the values of its variables."""

    start: int
    end: int
    chosen: dict[str, str]


class Question(NamedTuple):
    """A query of a panel (or annotation), and where it stands."""

    page: str
    panel: str
    query: str
    source: str
    interval: str


def questions(page: dict[str, Any]) -> Iterator[Question]:
    """Yield all queries of a dashboard."""
    for panel in page["panels"]:
        for target in panel.get("targets") or ():
            yield Question(
                page["uid"],
                panel["title"],
                target["query"],
                target["datasource"]["uid"],
                panel.get("interval") or "1m",
            )
    for annotation in page["annotations"]["list"]:
        yield Question(
            page["uid"], annotation["name"], annotation["target"]["query"], annotation["datasource"]["uid"], "1m"
        )


def filled_in(query: str, view: View, interval: str = "1m") -> str:
    """Return a query as Grafana sends it."""
    for name, value in {
        "timeFilter": f"time >= {view.start}ms and time <= {view.end}ms",
        "__interval": interval,
    }.items():
        query = re.sub(rf"\${name}\b", lambda _, value=value: value, query)  # type: ignore[misc]
    known = {**view.chosen, "__from": str(view.start), "__to": str(view.end)}
    query = re.sub(r"\$\{(\w+)(?::\w+)?\}", lambda found: known[found[1]], query)
    assert "$" not in re.sub(r"\$/", "", query), f"a variable is left in {query}"
    return query


def answer(influxd: Influxd, source: str, query: str) -> list[dict[str, Any]]:
    """Send a query that is filled in to the data source that it is for; return the series of the answer."""
    return influxd.query(query, DATABASES[source])


def rows(series: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of an answer, each with its tags."""
    return [
        {**one.get("tags", {}), **dict(zip(one["columns"], values, strict=True))}
        for one in series
        for values in one["values"]
    ]
