"""The picture of the map: what the plant declares, and what has joined since."""

from xml.etree import ElementTree as ET

import httpx

from broker.contract.message import Message
from services.wall.addresses import Parts
from services.wall.application import application
from tests.wall.works import CMM, MILL, NOW


async def test_the_picture_has_what_is_declared_and_what_has_joined(parts: Parts) -> None:
    newcomer = "bench/a/b/sensor"
    parts.live_state.receive(Message(f"corridor/v1/{newcomer}/state", b"running", received_at=NOW))
    transport = httpx.ASGITransport(application(parts, None))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        reply = await client.get("/api/v1/map.svg")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("image/svg+xml")
    found = [each.get("data-asset") for each in ET.fromstring(reply.text).iter() if each.get("class") == "machine"]
    assert sorted(map(str, found)) == sorted([MILL, CMM, newcomer])
