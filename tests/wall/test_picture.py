"""The picture of the map: what the plant declares, and what has joined since."""

from xml.etree import ElementTree as ET

import httpx
import msgspec

from broker.contract.message import Message
from broker.plant.assets import AssetInfo
from services.wall.addresses import Parts
from services.wall.application import application
from tests.wall.works import CMM, MILL, NOW


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


async def machines(parts: Parts) -> dict[str, str]:
    """Return the machines of the map with their classes."""
    transport = httpx.ASGITransport(application(parts, None))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        reply = await client.get("/api/v1/map.svg")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("image/svg+xml")
    drawn = [each for each in ET.fromstring(reply.text).iter() if each.get("class", "").startswith("machine")]
    return {each.get("data-asset", ""): each.get("class", "") for each in drawn}
