"""The HTTP interface, over a real store with the worked example in it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from broker.contract.events import NS_PER_S, AnyEvent, Count, Job, StateChange
from broker.contract.instants import format_rfc3339
from broker.contract.message import Message
from services.kpi.ledger_writer import LedgerWriter
from services.query.answers import answer
from services.store.interface import Store
from services.wall.addresses import Parts
from services.wall.application import application
from tests.wall.browser import mixed_works
from tests.wall.works import CMM, EIGHT, LINE, MILL, MINUTE, NOW, PLANT, Clock, make_parts

FROM, TO = format_rfc3339(EIGHT), format_rfc3339(NOW)


@pytest.fixture
async def client(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(parts) as opened:
        yield opened


def open_client(parts: Parts, password: str | None = None) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=application(parts, password))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


async def get(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    reply = await client.get(path, params=query)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_kpi_is_the_answer_unrounded(client: httpx.AsyncClient, parts: Parts) -> None:
    reported = await get(client, "/api/v1/kpi", asset=MILL, **{"from": FROM, "to": TO})
    assert reported["indicators"]["oee"] == pytest.approx(0.55, abs=0)
    assert reported["indicators"]["availability"] == pytest.approx(43 / 60)
    assert (reported["ledger"]["produced"], reported["ledger"]["down_s"]) == (35.0, 720.0)
    made = await answer(parts.store, PLANT, MILL, EIGHT, NOW, now=NOW)
    assert reported == msgspec.json.decode(msgspec.json.encode(made))


async def test_kpi_of_several_assets_is_a_list_and_every_cuts_the_range(client: httpx.AsyncClient) -> None:
    several = await get(client, "/api/v1/kpi", asset=[MILL, CMM, ""], **{"from": FROM, "to": TO})
    assert [each["asset"] for each in several] == [MILL, CMM, ""]
    hours = await get(client, "/api/v1/kpi", asset=MILL, every="20m", **{"from": FROM, "to": TO})
    assert [each["ledger"]["running_s"] for each in hours] == [1200.0, 600.0, 780.0]


async def test_a_shift_is_that_of_the_assets_calendar(client: httpx.AsyncClient) -> None:
    reported = await get(client, "/api/v1/plan", asset=LINE, **{"from": "shift"})
    assert (reported["shift"], reported["from"], reported["ends"]) == (
        "day",
        "2026-11-25T06:00:00Z",
        "2026-11-25T14:00:00Z",
    )
    former = await get(client, "/api/v1/plan", asset=LINE, **{"from": "previous-shift"})
    assert (former["from"], former["to"]) == ("2026-11-24T06:00:00Z", "2026-11-24T14:00:00Z")


async def test_plan_and_oee_cannot_disagree(client: httpx.AsyncClient) -> None:
    plan = await get(client, "/api/v1/plan", asset=MILL, **{"from": FROM, "to": TO})
    assert (plan["good"], plan["plan"], plan["delta"]) == (33.0, 30.0, 3.0)  # 0.5 × 60 min ÷ 1 min
    assert plan["good"] / plan["plan"] == pytest.approx(0.55 / 0.5)
    line = await get(client, "/api/v1/plan", asset=LINE, **{"from": "shift"})
    assert line["outputs"] == [MILL]  # the last machine that counts
    assert line["forecast"] == pytest.approx(33 * 6)  # an hour of which is known, and five to come


async def test_states_are_intervals_without_gaps_with_their_orders(client: httpx.AsyncClient) -> None:
    cmm, mill = await get(client, "/api/v1/states", asset=LINE, **{"from": FROM, "to": TO})
    assert cmm["asset"] == CMM
    assert [(each[2], each[3]) for each in mill["states"]] == [
        ("running", ""),
        ("down", "spindle"),
        ("running", ""),
        ("setup", ""),
        ("running", ""),
    ]
    assert all(one[1] == other[0] for one, other in zip(mill["states"], mill["states"][1:], strict=False))
    assert mill["states"][0][0] == EIGHT // 1_000_000
    assert mill["states"][-1][1] == NOW // 1_000_000
    assert mill["orders"] == [[EIGHT // 1_000_000, NOW // 1_000_000, "wo-1", "bracket-7"]]


async def test_telemetry_is_downsampled_to_what_was_asked(client: httpx.AsyncClient) -> None:
    (reported,) = await get(client, "/api/v1/telemetry", asset=MILL, points=60, **{"from": FROM, "to": TO})
    assert reported["signal"] == "spindle-temp"
    assert reported["unit"] == "Cel"
    assert len(reported["at"]) == 60
    assert (min(reported["least"]), max(reported["greatest"])) == (20.0, 55.9)


async def test_events_and_rejected_messages_are_returned(client: httpx.AsyncClient) -> None:
    reported = await get(client, "/api/v1/events", asset=MILL, kind=["state", "event"], **{"from": FROM, "to": TO})
    assert [each["kind"] for each in reported].count("state") == 5
    newest = await get(client, "/api/v1/events", asset=MILL, order="newest", limit=1, **{"from": FROM, "to": TO})
    assert newest[0]["kind"] == "telemetry"
    (rejected,) = await get(client, "/api/v1/rejected", **{"from": FROM})
    assert (rejected["reason"], rejected["payload"]) == ("unknown state 'runing'", "runing")


async def test_explain_gives_the_number_that_kpi_gives(client: httpx.AsyncClient) -> None:
    reported = await get(client, "/api/v1/explain", asset=MILL, indicator="availability", **{"from": FROM, "to": TO})
    shown = await get(client, "/api/v1/kpi", asset=MILL, **{"from": FROM, "to": TO})
    assert reported["value"] == shown["indicators"]["availability"]
    assert reported["sums"]["running_s"] == shown["ledger"]["running_s"]


async def test_assets_are_the_tree_as_it_stands(client: httpx.AsyncClient, parts: Parts) -> None:
    parts.live_state.restore_events([StateChange(asset=MILL, at=NOW - 60 * NS_PER_S, state="down", reason="spindle")])
    parts.live_state.receive(Message("corridor/v1/bench/a/b/sensor/telemetry/x", b"1", received_at=NOW))
    reported = {each["path"]: each for each in await get(client, "/api/v1/assets")}
    assert list(reported)[:4] == ["bench", "bench/a", "bench/a/b", "bench/a/b/sensor"]
    assert reported[LINE] | {} == {
        "path": LINE,
        "level": "line",
        "title": "Line one",
        "state": "down",
        "since": "2026-11-25T08:59:00Z",
        "reason": "spindle",
        "last_seen": None,
        "simulated": None,
        "silent": False,
        "retired": None,
    }
    assert reported["bench/a/b/sensor"]["last_seen"] == TO


@pytest.mark.parametrize(
    ("path", "query", "status", "says"),
    [
        ("/api/v1/kpi", {"asset": MILL, "from": "yesterday"}, 400, "RFC 3339"),
        ("/api/v1/kpi", {"asset": MILL, "from": TO, "to": FROM}, 400, "not after"),
        ("/api/v1/kpi", {"asset": "Leeds", "from": FROM}, 400, "a-z"),
        ("/api/v1/kpi", {"from": FROM}, 400, "asset"),
        ("/api/v1/kpi", {"asset": MILL, "from": FROM, "every": "1 hour"}, 400, "30s"),
        ("/api/v1/kpi", {"asset": MILL, "from": "now-1d", "every": "1s"}, 400, "longer every"),
        ("/api/v1/telemetry", {"asset": MILL, "from": FROM, "signal": "spindel"}, 404, "spindle-temp"),
        ("/api/v1/telemetry", {"asset": MILL, "from": FROM, "points": 0}, 400, "points"),
        ("/api/v1/events", {"asset": MILL, "from": FROM, "kind": "states"}, 404, "telemetry"),
        ("/api/v1/explain", {"asset": MILL, "indicator": "oeee", "from": FROM}, 400, "oee"),
        ("/api/v1/nothing", {}, 404, "openapi.json"),
        ("/nothing", {}, 404, "openapi.json"),
        ("/static/nothing.js", {}, 404, "nothing.js"),
    ],
)
async def test_what_is_wrong_is_a_problem_that_says_what_to_change(
    client: httpx.AsyncClient, path: str, query: dict[str, Any], status: int, says: str
) -> None:
    reply = await client.get(path, params=query)
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"].startswith("application/problem+json")
    assert says in reply.json()["detail"]


async def test_nothing_can_be_written(client: httpx.AsyncClient) -> None:
    reply = await client.post("/api/v1/kpi")
    assert reply.status_code == 405
    assert reply.headers["content-type"].startswith("application/problem+json")


async def test_the_interface_describes_itself_without_help_from_elsewhere(client: httpx.AsyncClient) -> None:
    reported = await get(client, "/api/v1/openapi.json")
    assert {"/api/v1/assets", "/api/v1/bottleneck", "/api/v1/kpi", "/api/v1/stream", "/healthz"} <= set(
        reported["paths"]
    )
    parameters = {each["name"] for each in reported["paths"]["/api/v1/kpi"]["get"]["parameters"]}
    assert parameters == {"asset", "from", "to", "every", "by"}
    for path in ("/", "/devices", "/schema", "/docs"):
        assert "cdn" not in (await client.get(path)).text


async def test_every_answer_keeps_the_page_to_this_host(client: httpx.AsyncClient) -> None:
    for path in ("/", "/api/v1/assets", "/static/app.js", "/nothing"):
        policy = (await client.get(path)).headers["content-security-policy"]
        assert policy.startswith("default-src 'self'")
        assert "unsafe" not in policy


@pytest.mark.slow
async def test_files_are_compressed_and_known_files_are_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/static/style.css")
    assert first.headers["content-encoding"] == "gzip"
    again = await client.get("/static/style.css", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    page = await client.get("/devices")
    assert page.text.startswith("<!doctype html>")  # compressed once
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    kpi = await client.get("/api/v1/kpi", params={"asset": MILL, "from": FROM})
    assert kpi.headers["content-encoding"] == "gzip"


async def test_a_password_is_asked_for_everything_but_health(parts: Parts) -> None:
    async with open_client(parts, "s3cret") as client:
        for path in ("/", "/api/v1/assets", "/api/v1/stream", "/metrics", "/static/app.js"):
            reply = await client.get(path)
            assert reply.status_code == 401
            assert reply.headers["www-authenticate"].startswith("Basic")
        assert (await client.get("/", auth=("anyone", "wrong"))).status_code == 401
        assert (await client.get("/", headers={"authorization": "Basic %%%"})).status_code == 401
        assert (await client.get("/api/v1/assets", auth=("anyone", "s3cret"))).status_code == 200
        assert (await client.get("/healthz")).status_code == 200


async def test_measures_are_exposed_to_prometheus(client: httpx.AsyncClient, parts: Parts) -> None:
    parts.live_state.receive(Message("corridor/v1/bench/a/b/sensor/state", b"running", received_at=NOW))
    parts.live_state.receive(Message("corridor/v1/bench/a/b/sensor/state", b"sleeping", received_at=NOW))
    text = (await client.get("/metrics")).text
    assert "corridor_wall_messages_total 2.0" in text
    assert "corridor_wall_refused_total 1.0" in text
    assert 'corridor_wall_machines{state="running"} 1.0' in text


@pytest.mark.slow
async def test_a_line_without_a_plan_does_not_take_the_others_theirs(client: httpx.AsyncClient, parts: Parts) -> None:
    toy = "bench/a/b/toy"
    writer = LedgerWriter(parts.store, PLANT, lambda: NOW)
    await writer.store_events([Count(asset=toy, at=EIGHT + minute * MINUTE, produced=minute) for minute in (0, 5)])
    parts.live_state.declare(toy)
    reported = await get(client, "/api/v1/plan", asset="", **{"from": FROM, "to": TO})
    assert (reported["good"], reported["plan"], reported["outputs"]) == (33.0, 30.0, [MILL])
    alone = await get(client, "/api/v1/plan", asset="bench", **{"from": FROM, "to": TO})
    assert (alone["plan"], alone["outputs"]) == (None, [toy])


async def test_pieces_of_a_line_are_those_of_its_last_stage_from_its_first_count_on(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    writer = LedgerWriter(parts.store, PLANT, lambda: NOW)
    events: list[AnyEvent] = [Job(asset=CMM, at=EIGHT + 25 * MINUTE, phase="start", order="wo-1", ideal_cycle=60.0)]
    events += [
        Count(asset=CMM, at=EIGHT + minute * MINUTE, produced=made, good=made)
        for minute, made in ((30, 0), (45, 0), (59, 4))
    ]
    await writer.store_events(events)
    thirds = await get(client, "/api/v1/plan", asset=LINE, every="20m", **{"from": FROM, "to": TO})
    assert [(each["outputs"], each["good"], each["plan"]) for each in thirds] == [
        ([MILL], 0.0, 10.0),  # the last stage had never counted
        ([CMM], 0.0, 10.0),
        ([CMM], 4.0, 10.0),
    ]
    assert all(each["delta"] == each["good"] - each["plan"] for each in thirds)


async def test_the_bottleneck_is_the_machine_that_is_active_longest(client: httpx.AsyncClient) -> None:
    reported = await get(client, "/api/v1/bottleneck", asset=LINE, **{"from": FROM, "to": TO})
    # The measuring machine only idles; the mill runs, is repaired and set up for the whole hour.
    assert reported == {"asset": LINE, "machine": MILL, "from": FROM, "to": TO}
    alone = await get(client, "/api/v1/bottleneck", asset=MILL, **{"from": FROM, "to": TO})
    assert alone["machine"] is None


async def test_a_range_is_cut_at_production_days_and_shifts(client: httpx.AsyncClient) -> None:
    two_days = {"from": "2026-11-24T00:00:00Z", "to": TO}
    days = await get(client, "/api/v1/kpi", asset=MILL, every="day", **two_days)
    assert [each["from"] for each in days] == [
        "2026-11-24T00:00:00Z",
        "2026-11-24T06:00:00Z",
        "2026-11-25T06:00:00Z",
    ]
    plans = await get(client, "/api/v1/plan", asset=LINE, every="day", **two_days)
    assert [each["from"] for each in plans] == [each["from"] for each in days]
    named = await get(client, "/api/v1/kpi", asset=MILL, by="day", **two_days)
    assert [each["group"]["day"] for each in named] == ["2026-11-23", "2026-11-24", "2026-11-25"]
    shifts = await get(client, "/api/v1/kpi", asset=MILL, by="shift", **two_days)
    assert [(each["group"]["day"], each["group"]["name"], each["ledger"]["good"]) for each in shifts] == [
        ("2026-11-24", "day", 0.0),
        ("2026-11-25", "day", 33.0),
    ]
    assert [each["from"] for each in await get(client, "/api/v1/kpi", asset=MILL, every="shift", **two_days)] == [
        "2026-11-24T06:00:00Z",
        "2026-11-25T06:00:00Z",
    ]


async def test_a_plan_names_the_machines_that_have_none(store: Store) -> None:
    writer = LedgerWriter(store, mixed_works.MIXED, lambda: NOW)
    await writer.store_events(mixed_works.an_hour())
    await writer.advance()
    async with open_client(make_parts(store, mixed_works.MIXED, Clock(NOW))) as asking:
        plan = await get(asking, "/api/v1/plan", asset="", **{"from": FROM, "to": TO})
        assert (plan["outputs"], plan["unplanned"]) == ([mixed_works.WASHER], [mixed_works.PRESS])
        alone = await get(asking, "/api/v1/plan", asset=mixed_works.LYON, **{"from": FROM, "to": TO})
        assert (alone["good"], alone["plan"], alone["unplanned"]) == (24.0, None, [])
