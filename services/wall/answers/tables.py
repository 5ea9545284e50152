"""Tables to download: what the screens show, as CSV for a spreadsheet, at the addresses of the documents with `.csv`.

A row is an answer, an interval, a reason or an event; numbers are unrounded, what is not defined is empty, times are
RFC 3339. A text that a spreadsheet would take for a formula stays a text.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from litestar import Response, get

from services.query.answers import Answer
from services.query.data_quality.noted_readings import NotedReading
from services.query.export.csv_cells import guarded
from services.wall.addresses import (
    AssetPath,
    Assets,
    Every,
    ForReason,
    From,
    GroupBy,
    Named,
    Rated,
    To,
    Wall,
    answers_of,
    explanation_of,
    plans_of,
    stops_of,
)


@get("/api/v1/kpi.csv", summary="The indicators and sums of assets over a range, as CSV")
async def kpi_csv(
    parts: Wall, asset: Assets, start: From, end: To = "now", *, every: Every = "", by: GroupBy = None
) -> Response[bytes]:
    """Return a row an answer: indicators by name, then the ledger's sums, then targets."""
    answers = await answers_of(parts, asset, start, end, every=every, by=by)
    return _table("indicators", [_row(each) | _targets(parts.plant.targets(each.asset)) for each in answers])


@get("/api/v1/losses.csv", summary="Where the time of assets went over a range, as CSV")
async def losses_csv(
    parts: Wall, asset: Assets, start: From, end: To = "now", *, every: Every = "", by: GroupBy = None
) -> Response[bytes]:
    """Return a row a step of the waterfall, reason and big loss, in seconds."""
    answers = await answers_of(parts, asset, start, end, every=every, by=by)
    return _table("losses", [_head(each) | row for each in answers for row in _losses(each)])


@get("/api/v1/plan.csv", summary="Good pieces against plan over a range, as CSV")
async def plan_csv(parts: Wall, asset: Assets, start: From, end: To = "now", every: Every = "") -> Response[bytes]:
    """Return a row an asset or interval."""
    plans = await plans_of(parts, asset, start, end, every)
    return _table(
        "plan",
        [
            msgspec.to_builtins(each) | {"outputs": " ".join(each.outputs), "unplanned": " ".join(each.unplanned)}
            for each in plans
        ],
    )


@get("/api/v1/stops.csv", summary="The stops of machines over a range, as CSV")
async def stops_csv(
    parts: Wall, asset: AssetPath, start: From, end: To = "now", *, reason: ForReason = None
) -> Response[bytes]:
    """Return a row a stop, the newest first."""
    return _table("stops", [msgspec.to_builtins(each) for each in await stops_of(parts, asset, start, end, reason)])


@get("/api/v1/explain.csv", summary="The events behind one number, as CSV")
async def explain_csv(
    parts: Wall, asset: AssetPath, indicator: Named, start: From, end: To = "now", *, rated: Rated = False
) -> Response[bytes]:
    """Return a row a contribution to the sums of the indicator: those of a field add up to its sum.

    Readings that were something else than production come after them: `reading` names their kind, and they have no
    amount, as what they added is among the contributions.
    """
    found = await explanation_of(parts, asset, indicator, start, end, rated=rated)
    events = [msgspec.to_builtins(each) | {"reading": "", "noted": ""} for each in found.events]
    return _table(indicator, [*events, *map(_reading, found.readings)])


HANDLERS: Final = [kpi_csv, losses_csv, plan_csv, stops_csv, explain_csv]


def _row(each: Answer) -> dict[str, Any]:
    rated = {} if each.rated is None else {f"rated_{name}": value for name, value in each.rated.indicators.items()}
    without = " ".join(each.rated.without) if each.rated else ""
    reported = {
        "coverage": each.coverage,
        **each.indicators,
        "good_output": each.good_output,
        "planned": each.planned,
        **each.ledger,
    }
    return _head(each) | reported | rated | {"rated_without": without, "notes": " | ".join(each.to_check)}


def _head(each: Answer) -> dict[str, Any]:
    group = each.group
    return {
        "asset": each.asset,
        "by": group.by if group else "",
        "name": group.name if group else "",
        "from": each.from_,
        "to": each.counted_to,
        "day": group.day if group else "",
    }


def _losses(each: Answer) -> Iterable[dict[str, Any]]:
    for step in each.waterfall:
        yield {"kind": "step", "state": "", "what": step.name, "seconds": step.seconds, "entries": None}
    for reason in each.reasons:
        reported = {"kind": "reason", "state": reason.state, "what": reason.reason}
        yield reported | {"seconds": reason.seconds, "entries": reason.entries}
    for loss, seconds in (each.six_big_losses or {}).items():
        yield {"kind": "big loss", "state": "", "what": loss, "seconds": seconds, "entries": None}


def _reading(noted: NotedReading) -> dict[str, Any]:
    where = {"machine": noted.machine, "field": noted.field, "from": noted.at, "to": noted.at}
    return where | {"reading": noted.kind, "noted": noted.text}


def _targets(targets: Mapping[str, float]) -> dict[str, float]:
    return {f"target_{name}": value for name, value in targets.items()}


def _table(name: str, rows: list[dict[str, Any]]) -> Response[bytes]:
    text = io.StringIO()
    columns = list(dict.fromkeys(column for row in rows for column in row))
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([guarded(row.get(column)) for column in columns] for row in rows)
    return Response(
        text.getvalue().encode("utf-8-sig"),  # the mark lets spreadsheets read it as UTF-8
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )
