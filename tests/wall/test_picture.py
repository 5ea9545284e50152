"""The map: what the plant declares, and what has joined since, as a picture and as data."""

from typing import Any
from xml.etree import ElementTree as ET

import httpx
import msgspec

from broker.contract.message import Message
from broker.plant.assets import AssetInfo
from services.wall.addresses import Parts
from services.wall.application import application
from tests.wall.works import CMM, LINE, MILL, NOW


async def test_the_picture_has_what_is_declared_and_what_has_joined(parts: Parts) -> None:
    newcomer = "bench/a/b/sensor"
    parts.live_state.receive(Message(f"corridor/v1/{newcomer}/state", b"running", received_at=NOW))
    found = await machines(parts)
    assert found == {MILL: "machine", CMM: "machine", newcomer: "machine"}


async def test_a_machine_whose_device_is_expected_is_marked_until_it_has_reported(parts: Parts) -> None:
    robot, saw = (f"bench/a/b/{name}" for name in ("robot-1", "saw-1"))
    awaited = {path: AssetInfo(path, connected=True) for path in (robot, saw)}
    parts.plant = msgspec.structs.replace(parts.plant, assets=parts.plant.assets | awaited)
    for path in awaited:
        parts.live_state.declare(path, connected=True)
    parts.live_state.receive(Message(f"corridor/v1/{saw}/telemetry/load", b"3", received_at=NOW))
    found = await machines(parts)
    assert (found[robot], found[saw]) == ("machine awaited", "machine")


async def test_the_map_as_data_has_what_the_answer_of_each_line_has(parts: Parts) -> None:
    (line,) = (await data(parts, "/api/v1/map"))["lines"]
    answer = await data(parts, f"/api/v1/kpi?asset={LINE}&from=shift")
    assert answer["indicators"]["oee"]
    assert (line["oee"], line["coverage"]) == (answer["indicators"]["oee"], answer["coverage"])
    assert (line["from"], line["asset"]) == (answer["from"], LINE)
    lost = line["lost_most"]
    assert lost["seconds"] == max(each["seconds"] for each in answer["reasons"])
    assert (lost["state"], lost["reason"]) == ("down", "spindle")


async def test_the_map_of_a_site_has_its_places_alone(parts: Parts) -> None:
    parts.live_state.receive(Message("corridor/v1/bench/a/b/sensor/state", b"running", received_at=NOW))
    whole, bench, nowhere = [await data(parts, f"/api/v1/map?asset={asset}") for asset in ("", "bench", "hull")]
    assert [place["path"] for place in whole["places"]] == [
        "bench", "bench/a", "bench/a/b", "leeds", "leeds/shop", "leeds/shop/line-1",
    ]  # fmt: skip
    assert {place["level"] for place in whole["places"]} == {"site", "area", "line"}
    assert [place["path"] for place in bench["places"]] == ["bench", "bench/a", "bench/a/b"]
    assert [line["asset"] for line in bench["lines"]] == ["bench/a/b"]
    assert bench["lines"][0]["oee"] is None
    assert nowhere == {"places": [], "lines": [], "flows": []}


async def machines(parts: Parts) -> dict[str, str]:
    """Return the machines of the map with their classes."""
    reply = await asked(parts, "/api/v1/map.svg")
    assert reply.headers["content-type"].startswith("image/svg+xml")
    drawn = [each for each in ET.fromstring(reply.text).iter() if each.get("class", "").startswith("machine")]
    return {each.get("data-asset", ""): each.get("class", "") for each in drawn}


async def data(parts: Parts, address: str) -> Any:
    """Return what is answered."""
    return (await asked(parts, address)).json()


async def asked(parts: Parts, address: str) -> httpx.Response:
    transport = httpx.ASGITransport(application(parts, None))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        reply = await client.get(address)
    assert reply.status_code == 200, reply.text
    return reply
