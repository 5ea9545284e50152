"""The lines to copy of the wall's devices view, copied out of a real Chromium and run."""

import asyncio
import re
import sys
import time
from pathlib import Path

import aiomqtt
import pytest
from playwright.async_api import Browser, expect

from broker.contract.codec import decode
from broker.contract.events import AnyEvent, Count
from broker.contract.message import Message
from broker.server.embedded import EmbeddedBroker
from cli.onboarding.instructions import Login, of_the_contract
from services.kpi.ledger_writer import LedgerWriter
from services.query.answers import answer
from services.store.opening import open_store
from tests.examples.cutting import assert_known_again_after_a_cut
from tests.wall.browser.chromium import browser as browser  # noqa: PLC0414  (a fixture)
from tests.wall.browser.test_pages import page_at
from tests.wall.browser.test_pages import wall as wall  # noqa: PLC0414  (a fixture)
from tests.wall.works import PLANT, Wall

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.mosquitto,
    pytest.mark.asyncio(loop_scope="module"),
]
MACHINE = "bench/demo/line-1/my-machine"


async def copied(browser: Browser, wall: Wall, way: str) -> str:
    async with page_at(browser, wall, "/devices") as page:
        await page.get_by_role("tab", name=way).filter(has_text=re.compile(f"^{way}")).click()
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


async def test_the_lines_are_those_of_the_command_line(browser: Browser, wall: Wall) -> None:
    login = Login("127.0.0.1", int(wall.broker.rpartition(":")[2]), outside="192.0.2.7")
    for title, text in of_the_contract(MACHINE, login).items():
        assert await copied(browser, wall, title.split()[0].strip(",")) == text


async def test_the_lines_for_a_shell_are_a_machine_with_an_oee(browser: Browser, wall: Wall, tmp_path: Path) -> None:
    text = await copied(browser, wall, "mosquitto_pub")
    events: list[AnyEvent] = []
    async with aiomqtt.Client("127.0.0.1", int(wall.broker.rpartition(":")[2])) as listener, asyncio.timeout(60):
        await listener.subscribe(f"corridor/v1/{MACHINE}/#")
        lines = await asyncio.create_subprocess_exec("/bin/sh", "-ec", text)
        while not (events and isinstance(events[-1], Count) and events[-1].produced == 4):
            message = await anext(listener.messages)
            events += decode(Message(message.topic.value, bytes(message.payload), received_at=time.time_ns()))
        assert await lines.wait() == 0
    store = await open_store(f"sqlite:///{tmp_path}/store.db")
    await LedgerWriter(store, PLANT, time.time_ns).store_events(events)
    start, end = events[0].at, events[-1].at
    found = await answer(store, PLANT, MACHINE, start, end, now=end)
    assert found.indicators["oee"] is not None
    assert found.indicators["oee"] > 0
    await store.close()
    async with page_at(browser, wall, f"/machine/{MACHINE}") as page:
        await expect(page.locator("main")).to_contain_text("Running")
