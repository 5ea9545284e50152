"""What Grafana does when a page is looked at: it fills in variables, sends each query, and gets series."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.store.influx.influxd import Influxd

DATABASES = {"corridor-raw": "corridor", "corridor-ledger": "corridor_ledger", "corridor-hour": "corridor_hour"}


class View(NamedTuple):
    """A page that is looked at: its range, milliseconds since 1970, and the values of its variables."""

    start: int
    end: int
    chosen: dict[str, str]


class Question(NamedTuple):
    """A query of a panel (or annotation), and where it stands.

    Attributes:
        lookback_d: days up to the end of the range that the panel is of, whatever range is chosen; 0 for the range.
        is_of_a_target: it is about the assets that have a target, of which there may be none.
    """

    page: str
    panel: str
    query: str
    source: str
    interval: str = "1m"
    lookback_d: int = 0
    is_of_a_target: bool = False


def questions(page: dict[str, Any]) -> Iterator[Question]:
    """Yield all queries of the panels of a dashboard."""
    for panel in page["panels"]:
        for target in panel.get("targets") or ():
            interval, lookback = panel.get("interval") or "1m", panel.get("timeFrom", "0d")
            assert lookback[-1] in "dh"
            yield Question(
                page["uid"],
                panel["title"],
                target["query"],
                target["datasource"]["uid"],
                interval,
                int(lookback[:-1]) if lookback.endswith("d") else 1,
                target.get("alias", "").startswith("target ")
                or any(column in target["query"] for column in ('AS "target"', 'AS "planned"')),
            )


def annotations(page: dict[str, Any]) -> Iterator[Question]:
    """Yield the queries of the marks on the time axes of a dashboard."""
    for one in page["annotations"]["list"]:
        yield Question(page["uid"], one["name"], one["target"]["query"], one["datasource"]["uid"])


def asked(influxd: Influxd, question: Question, view: View) -> list[dict[str, Any]]:
    """Send a query as Grafana does when a page is looked at; return the rows of the answer, each with its tags."""
    if question.lookback_d:
        view = view._replace(start=view.end - question.lookback_d * 86_400_000)
    return rows(answer(influxd, question.source, filled_in(question.query, view, question.interval)))


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
