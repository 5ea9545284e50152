"""The map, in a real Chromium: the picture of the plant, and how each line stands."""

import re

import pytest
from playwright.async_api import Browser, expect

from tests.wall.browser.chromium import browser as browser  # noqa: PLC0414  (a fixture)
from tests.wall.browser.test_pages import page_at
from tests.wall.browser.test_pages import wall as wall  # noqa: PLC0414  (a fixture)
from tests.wall.works import LINE, Wall

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.mosquitto,
    pytest.mark.asyncio(loop_scope="module"),
]
HOUR = "from=2026-11-25T08:00:00Z&to=2026-11-25T09:00:00Z"


async def test_the_map_shows_the_picture_and_each_line_with_its_oee_and_main_loss(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, f"/map?{HOUR}") as page:
        row = page.locator("tbody tr", has=page.get_by_role("link", name="Line one"))
        await expect(row).to_contain_text("Leeds")
        await expect(row).to_contain_text(re.compile(r"\d %"))
        await expect(row).to_contain_text("min")
        await expect(page.get_by_role("img", name="Sites, areas and")).to_be_visible()
        await page.wait_for_function("document.querySelector('img.plan').naturalWidth > 300")
        await row.get_by_role("link", name="Line one").click()
        await expect(page).to_have_url(re.compile(f"/line/{LINE}"))


async def test_every_page_leads_to_the_map(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, "/") as page:
        await page.get_by_role("link", name="Map", exact=True).click()
        await expect(page.locator("h1")).to_have_text("Map")
