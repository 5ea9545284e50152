"""Data whose time is ahead of the computer's clock, as after a fast run: a warning for all."""

import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from broker.contract.events import NS_PER_S, StateChange
from services.store.interface import Batch
from services.store.opening import default_url, open_store
from tests.stack.running import Demo

MACHINE = "my-site/shop/line-1/lathe-1"
HOUR = 3_600 * NS_PER_S


@pytest.fixture
async def ahead(tmp_path: Path) -> AsyncIterator[Demo]:
    """A demo on data whose newest event is more than three hours to come."""
    store = await open_store(default_url(tmp_path))
    at = time.time_ns() + 3 * HOUR + 30 * 60 * NS_PER_S
    await store.write(Batch(events=[StateChange(asset=MACHINE, at=at, state="running")]))
    await store.close()
    async with Demo(tmp_path, "--no-simulator", "--broker", "nats") as demo:
        yield demo


@pytest.mark.slow
@pytest.mark.browser
async def test_a_clock_that_is_ahead_is_reported_at_the_start_and_on_the_wall(ahead: Demo) -> None:
    reported_state = " ".join(" ".join(ahead.lines).split())
    assert "is 3 h 29 min ahead of this computer's clock" in reported_state or "is 3 h 30 min ahead" in reported_state
    assert "messages of a device with the" in reported_state
    assert "--data, or wait until 20" in reported_state
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{ahead.port}/")
        await expect(page.get_by_role("status").first).to_contain_text("ahead of the computer’s clock")
        await browser.close()


@pytest.mark.slow
async def test_a_fast_run_says_at_its_start_that_it_will_be_ahead(tmp_path: Path) -> None:
    async with Demo(tmp_path, "--no-simulator", "--broker", "nats", "--speed", "60") as demo:
        assert "runs ahead of this computer's clock" in " ".join(demo.lines)


@pytest.mark.slow
async def test_nothing_is_printed_where_the_clocks_agree(tmp_path: Path) -> None:
    async with Demo(tmp_path, "--no-simulator", "--broker", "nats") as demo:
        assert "ahead" not in " ".join(demo.lines)
