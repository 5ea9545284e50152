"""Totals in a real Chromium: what cannot be is no figure, and a total names the machines that spoil it."""

import re
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from services.kpi.ledger_writer import LedgerWriter
from services.store.opening import open_store
from tests.wall.mixed_works import LINE, MIXED, SAW, an_hour
from tests.wall.test_browser import ARGUMENTS
from tests.wall.works import NOW, Wall, running_wall

pytestmark = [
    pytest.mark.browser,
    pytest.mark.mosquitto,
    pytest.mark.asyncio(loop_scope="module"),
]
HOUR = "?from=2026-11-25T08:00:00Z&to=2026-11-25T09:00:00Z"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield opened
        await opened.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def wall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wall]:
    folder = tmp_path_factory.mktemp("wall")
    store = await open_store(f"sqlite:///{folder}/store.db")
    writer = LedgerWriter(store, MIXED, lambda: NOW)
    await writer.store_events(an_hour())
    await writer.advance()
    async with running_wall(folder, store, lambda: NOW, plant=MIXED) as running:
        yield running
    await store.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with await browser.new_context(viewport={"width": 1366, "height": 768}) as context:
        yield await context.new_page()


@pytest.mark.parametrize("path", ["/", f"/line/{LINE}", f"/machine/{SAW}"])
async def test_an_oee_that_cannot_be_is_nowhere_a_figure_and_says_what_to_check(
    page: Page, wall: Wall, path: str
) -> None:
    await page.goto(wall.url + path + HOUR)
    reason = page.locator("main .beside.cannot, main .figure.doubt .beside").first
    await expect(reason).to_contain_text("check the ideal cycle")
    await expect(page.locator("main .figure.doubt, main .hatched").first).to_be_visible()
    shown = await page.locator("main .value, main .oee-value, main .station, main td .num").all_inner_texts()
    figures = [float(each.replace("\u202f", "")) for text in shown for each in re.findall(r"([\d.\u202f]+)\s*%", text)]
    assert figures, "what can be is still shown"
    assert max(figures) <= 150


async def test_what_cannot_be_is_explained_with_its_number(page: Page, wall: Wall) -> None:
    await page.goto(f"{wall.url}/machine/{SAW}{HOUR}")
    await page.locator("table.factors tr.first td .num").click()
    await expect(page.locator(".why .formula")).to_contain_text("666.")
