"""Whatever stands in an address, the interface answers what is wrong with it; it lists its routes: none is left out."""

import re
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode

import msgspec
import pytest

from services.wall.addresses import Parts
from services.wall.application import application
from tests.wall.works import MILL

RIGHT: Final[dict[str, str]] = {
    "asset": MILL,
    "from": "now-1h",
    "to": "now",
    "indicator": "oee",
    "signal": "spindle-temp",
    "kind": "state",
    "every": "10m",
    "by": "product",
    "serial": "p-1",
    "number": "b-1",
    "name": "p-1",
}
TIMES: Final = (
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "1677-09-21T00:12:43Z",
    "2262-04-11T23:47:17Z",
    "2200-02-30T00:00:00Z",
    "now-999999w",
    "now--1h",
    "now-0s",
    "now+1h",
    "-9999999999999999",
    "9999999999999999",
    "9999999999999999.9999999",
    "previous-shift",
)
NUMBERS: Final = ("0", "-1", "-0.0", "1e30", "1e-400", "nan", "NaN", "inf", "-Infinity", "1" + "0" * 400, str(2**63))
DURATIONS: Final = ("0s", "0.001ms", "1e30d", "999999w", "-1h", "1" + "0" * 400 + "d", "1.5.5h", "1ms")
TEXTS: Final = (
    "",
    " ",
    "\x00",
    "\x1b[31m",
    "[/bold]",
    "../../../etc/passwd",
    "a/b/c/d/e/f",
    "constructor",
    "__proto__",
    "%",
    "'; DROP TABLE count --",
    "ß/🏭",
    "\udcff",
    "٣٣٣٣",
    "x" * 5_000,
    "true",
)
NASTY: Final = (*TIMES, *NUMBERS, *DURATIONS, *TEXTS)


EDGES: Final = (
    ("0001-01-01T00:00:00Z", "0001-01-01T01:00:00Z"),
    ("1677-09-21T00:12:44Z", "1677-09-21T01:12:44Z"),
    ("2262-04-11T22:00:00Z", "2262-04-11T23:00:00Z"),
    ("9999-12-31T22:00:00Z", "9999-12-31T23:59:59Z"),
    ("-9999999999999999", "-9999999999999000"),
    ("9999999999999000", "9999999999999999"),
    ("now-999999w", "now-999998w"),
)


@pytest.fixture
def app(parts: Parts) -> Any:
    return application(parts, None)


async def ask(app: Any, template: str, query: dict[str, str]) -> tuple[int, str, bytes]:
    """Return status, media type and the beginning of the body; the asker then hangs up, for a stream has no end."""
    reported_state: list[Any] = []
    asked = False
    path = template
    for name in re.findall(r"{(\w+)}", template):
        path = path.replace(f"{{{name}}}", query[name])
    query = {name: value for name, value in query.items() if f"{{{name}}}" not in template}

    async def receive() -> Any:
        nonlocal asked
        if asked:
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        reported_state.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(quote(path, errors="surrogateescape")),  # as a server reads it
        "raw_path": quote(path, errors="surrogateescape").encode(),
        "root_path": "",
        "query_string": urlencode(query, errors="surrogateescape").encode(),
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    await app(scope, receive, send)
    headers = dict(reported_state[0]["headers"])
    return (
        reported_state[0]["status"],
        headers.get(b"content-type", b"").decode(),
        b"".join(each["body"] for each in reported_state[1:]),
    )


async def routes(app: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the parameters of each route."""
    _, _, body = await ask(app, "/api/v1/openapi.json", {})
    reported = msgspec.json.decode(body)["paths"]
    return {path: item["get"].get("parameters", []) for path, item in reported.items() if "get" in item}


def is_reported(status: int, media_type: str, body: bytes) -> bool:
    """Return whether the asker knows what to do: there is an answer, or it says what is wrong with the question."""
    return status < 400 or (status < 500 and media_type == "application/problem+json" and b'"detail":' in body)


@pytest.mark.slow
@pytest.mark.parametrize("nasty", [TIMES, NUMBERS, DURATIONS, TEXTS], ids=["times", "numbers", "durations", "texts"])
async def test_no_value_of_any_parameter_of_any_route_is_our_fault(app: Any, nasty: tuple[str, ...]) -> None:
    found = await routes(app)
    assert {"/api/v1/kpi", "/api/v1/plan.csv", "/api/v1/stream"} <= found.keys()
    for path, parameters in found.items():
        needed = {each["name"]: RIGHT[each["name"]] for each in parameters if each.get("required")}
        for name in (each["name"] for each in parameters):
            for value in nasty:
                status, media_type, body = await ask(app, path, needed | {name: value})
                assert is_reported(status, media_type, body), (path, name, value[:60], status, media_type, body[:200])


@pytest.mark.parametrize(("start", "end"), EDGES)
async def test_a_range_at_the_edge_of_time_is_reported_everywhere(app: Any, start: str, end: str) -> None:
    for path, parameters in (await routes(app)).items():
        names = {each["name"] for each in parameters}
        if "from" not in names:
            continue
        for more in ({}, {"every": "10m"}, {"by": "shift"}, {"by": "order"}):
            query = {name: RIGHT[name] for name in names & {"asset", "indicator"}}
            reply = await ask(app, path, query | {"from": start, "to": end} | more)
            assert reply[0] == 400, (path, more, reply)
            assert is_reported(*reply), (path, more, reply)


@pytest.mark.parametrize("end", ["0001-01-01T00:00:00Z", "now-2h", "now-1h"])
async def test_a_range_that_does_not_go_forward_is_reported_everywhere(app: Any, end: str) -> None:
    for path, parameters in (await routes(app)).items():
        names = {each["name"] for each in parameters}
        if "from" not in names:
            continue
        query = {name: RIGHT[name] for name in names & {"asset", "indicator"}} | {"from": "now-1h", "to": end}
        status, media_type, body = await ask(app, path, query)
        assert (status, media_type) == (400, "application/problem+json"), path
        assert b"to" in body


async def test_all_that_can_be_asked_is_asked_rightly_here(app: Any) -> None:
    for path, parameters in (await routes(app)).items():
        query = {each["name"]: RIGHT[each["name"]] for each in parameters if each.get("required")}
        status, _, body = await ask(app, path, query)
        # There is no such part or batch, and no broker that devices join: the answer says so.
        is_missing = "{" in path or path.startswith("/api/v1/devices")
        assert status == (404 if is_missing else 200), (path, body[:200])
