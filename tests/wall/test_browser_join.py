"""The lines to copy of the wall's devices view, copied out of a real Chromium and run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from broker.server.embedded import EmbeddedBroker
from tests.examples.cutting import assert_known_again_after_a_cut
from tests.wall.chromium import browser as browser  # noqa: PLC0414  (a fixture)
from tests.wall.test_browser import page_at
from tests.wall.test_browser import wall as wall  # noqa: PLC0414  (a fixture)
from tests.wall.works import Wall

pytestmark = [
    pytest.mark.browser,
    pytest.mark.mosquitto,
    pytest.mark.asyncio(loop_scope="module"),
]
MACHINE = "bench/demo/line-1/my-machine"


async def copied(browser: Browser, wall: Wall, way: str) -> str:
    async with page_at(browser, wall, "/devices") as page:
        await page.get_by_role("tab", name=way).click()
        lines = page.locator("pre.copy")
        await expect(lines).to_contain_text(wall.broker.rpartition(":")[2])  # known once the stream has begun
        return await lines.inner_text()


async def test_the_python_lines_are_a_machine_that_is_known_again_after_a_lost_connection(
    browser: Browser, wall: Wall, tmp_path: Path
) -> None:
    text = await copied(browser, wall, "Python")
    port = wall.broker.rpartition(":")[2]
    assert port in text
    script = tmp_path / "device.py"

    def command(other: int) -> list[str]:
        script.write_text(text.replace(port, str(other)))
        return [sys.executable, str(script)]

    async with EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as broker:
        await assert_known_again_after_a_cut(broker, MACHINE, command)


async def test_the_lines_for_node_red_are_a_flow_of_a_machine_with_a_state(browser: Browser, wall: Wall) -> None:
    nodes = {node["id"]: node for node in json.loads(await copied(browser, wall, "Node-RED"))}
    assert all(target in nodes for node in nodes.values() for wire in node.get("wires", []) for target in wire)
    (server,) = [node for node in nodes.values() if node["type"] == "mqtt-broker"]
    assert (server["birthTopic"], server["willTopic"]) == (f"corridor/v1/{MACHINE}/status",) * 2
    topics = {node.get("topic") for node in nodes.values()}
    assert {f"corridor/v1/{MACHINE}/state", f"corridor/v1/{MACHINE}/telemetry/temperature"} <= topics
    assert all(node["qos"] == "1" for node in nodes.values() if node["type"] == "mqtt out")


async def test_the_lines_for_a_shell_are_a_machine(browser: Browser, wall: Wall) -> None:
    text = await copied(browser, wall, "mosquitto_pub")
    subprocess.run(["/bin/sh", "-ec", text], check=True, timeout=20)  # noqa: ASYNC221  (short)
    async with page_at(browser, wall, f"/machine/{MACHINE}") as page:
        await expect(page.locator("main")).to_contain_text("Running")
