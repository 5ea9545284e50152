"""Grouped answers, and tables to take away as CSV: the numbers are those of the documents."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from broker.contract.events import NS_PER_S, Count, Job
from broker.contract.instants import format_rfc3339, parse
from services.kpi.ledger_writer import LedgerWriter
from services.query.asked_range import Range, RangeError, cut
from services.wall.addresses import Parts
from tests.wall.test_api import open_client
from tests.wall.works import EIGHT, LINE, MILL, NOW, PLANT

HOUR = {"from": format_rfc3339(EIGHT), "to": format_rfc3339(NOW)}
STEP = 3_600_000_000_000


@pytest.fixture
async def client(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(parts) as opened:
        yield opened


async def table(client: httpx.AsyncClient, path: str, **query: Any) -> list[dict[str, str]]:
    reply = await client.get(path, params=query | HOUR)
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"].startswith("text/csv")
    assert reply.headers["content-disposition"].startswith("attachment")
    return list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"))))


async def test_a_range_is_grouped(client: httpx.AsyncClient) -> None:
    reply = await client.get("/api/v1/kpi", params={"asset": LINE, "by": "product"} | HOUR)
    reported = reply.json()
    assert [each["group"]["name"] for each in reported] == ["bracket-7", "-"]
    assert reported[0]["indicators"]["oee"] == pytest.approx(0.55)
    alone = await client.get("/api/v1/kpi", params={"asset": MILL, "by": "shift"} | HOUR)
    assert [each["group"]["name"] for each in alone.json()] == ["day"]  # a list, however long
    both = await client.get("/api/v1/kpi", params={"asset": MILL, "by": "shift", "every": "1h"} | HOUR)
    assert "ask for one" in both.json()["detail"]
    wrong = await client.get("/api/v1/kpi", params={"asset": MILL, "by": "colour"} | HOUR)
    assert wrong.status_code == 400


async def test_indicators_are_a_row_an_answer(client: httpx.AsyncClient) -> None:
    (row,) = await table(client, "/api/v1/kpi.csv", asset=MILL)
    assert float(row["oee"]) == pytest.approx(0.55)
    assert (row["produced"], row["cp"]) == ("35.0", "")
    assert (row["from"], float(row["target_oee"])) == (HOUR["from"], 0.5)
    rows = await table(client, "/api/v1/kpi.csv", asset=MILL, every="20m")
    assert [float(each["running_s"]) for each in rows] == [1200.0, 600.0, 780.0]
    rows = await table(client, "/api/v1/kpi.csv", asset=LINE, by="machine")
    assert rows[1]["name"] == MILL


async def test_losses_plan_and_events_are_tables_too(client: httpx.AsyncClient) -> None:
    losses = await table(client, "/api/v1/losses.csv", asset=MILL)
    seconds = {(each["kind"], each["what"]): float(each["seconds"]) for each in losses}
    assert (seconds["step", "planned"], seconds["reason", "spindle"], seconds["big loss", "setup"]) == (3600, 720, 300)
    (plan,) = await table(client, "/api/v1/plan.csv", asset=MILL)
    assert (float(plan["plan"]), plan["outputs"]) == (30.0, MILL)
    events = await table(client, "/api/v1/explain.csv", asset=MILL, indicator="availability")
    assert sum(float(each["amount"]) for each in events if each["field"] == "down_s") == 720.0


async def test_a_reading_that_was_no_production_is_a_row_without_an_amount(
    parts: Parts, client: httpx.AsyncClient
) -> None:
    after = [
        Count(asset=MILL, at=NOW - at * NS_PER_S, produced=made, good=made) for at, made in ((90, 2), (60, 3), (30, 4))
    ]
    writer = LedgerWriter(parts.store, PLANT, lambda: NOW)
    await writer.store_events(after)
    await writer.advance()
    rows = await table(client, "/api/v1/explain.csv", asset=MILL, indicator="quality_ratio")
    noted = [row for row in rows if row["reading"]]
    assert {(row["machine"], row["reading"], row["amount"]) for row in noted} == {(MILL, "reset", "")}
    assert "it is counted from zero" in noted[0]["noted"]
    assert sum(float(row["amount"]) for row in rows if row["field"] == "good" and not row["reading"]) == 37


async def test_a_product_is_no_formula(parts: Parts, client: httpx.AsyncClient) -> None:
    formula = "=HYPERLINK(1)"
    jobs = [Job(asset=MILL, at=NOW - 2, phase="end"), Job(asset=MILL, at=NOW - 1, phase="start", order=formula)]
    writer = LedgerWriter(parts.store, PLANT, lambda: NOW)
    await writer.store_events(jobs)
    await writer.advance()
    rows = await table(client, "/api/v1/kpi.csv", asset=MILL, by="order")
    assert f"'{formula}" in [row["name"] for row in rows]


def test_a_range_that_moves_is_cut_at_whole_hours_and_days() -> None:
    start, end = parse("2026-11-25T05:35:10Z"), parse("2026-11-25T08:10:00Z")
    assert [format_rfc3339(first) for first, _ in cut(Range(start, end), STEP, "Asia/Kolkata")] == [
        "2026-11-25T05:35:10Z",
        "2026-11-25T06:30:00Z",
        "2026-11-25T07:30:00Z",
    ]
    assert [format_rfc3339(first) for first, _ in cut(Range(start, end), STEP, "")] == [
        "2026-11-25T05:35:10Z",
        "2026-11-25T06:35:10Z",
        "2026-11-25T07:35:10Z",
    ]
    spring = Range(parse("2026-03-28T12:00:00Z"), parse("2026-03-30T12:00:00Z"))
    days = cut(spring, 24 * STEP, "Europe/London")
    assert [format_rfc3339(first) for first, _ in days] == [
        "2026-03-28T12:00:00Z",
        "2026-03-29T00:00:00Z",
        "2026-03-29T23:00:00Z",
    ]
    assert days[-1][1] == spring.end
    with pytest.raises(RangeError, match="longer every"):
        cut(spring, STEP // 60, "Europe/London")
