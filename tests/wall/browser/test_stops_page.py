"""Stops, why, and addresses that are not there, in a real Chromium."""

import re

import pytest
from playwright.async_api import Browser, expect

from tests.wall.browser.chromium import browser as browser  # noqa: PLC0414  (a fixture)
from tests.wall.browser.test_pages import page_at
from tests.wall.browser.test_pages import wall as wall  # noqa: PLC0414  (a fixture)
from tests.wall.works import LINE, MILL, Wall

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.mosquitto,
    pytest.mark.asyncio(loop_scope="module"),
]
HOUR = "from=2026-11-25T08:00:00Z&to=2026-11-25T09:00:00Z"


async def test_a_loss_leads_to_its_stops_which_are_sorted_by_the_address(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, f"/line/{LINE}?{HOUR}") as page:
        await page.locator("ol.pareto").get_by_role("link", name="Spindle overheat").click()
        await expect(page.locator(".stops tbody tr")).to_have_count(1)
        await expect(page.locator(".stops tbody")).to_contain_text("Mill one")
        await expect(page.locator(".stops tbody")).to_contain_text("12 min")
        assert "reason=spindle" in page.url
        await page.get_by_label("reason").select_option("*")
        await expect(page.locator(".stops tbody tr")).to_have_count(3)
        await page.get_by_role("button", name="length").click()
        await expect(page.locator(".stops tbody tr").first).to_contain_text("1 h")
        assert "sort=-seconds" in page.url


async def test_why_names_whose_number_it_is_and_has_an_address_of_its_own(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, f"/machine/{MILL}?{HOUR}") as page:
        await page.locator("tr", has_text="availability").get_by_role("button", name="71.7 %").click()
        await expect(page.locator(".why h2")).to_contain_text("Mill one")
        await expect(page.locator(".why ol.pareto li").first).to_contain_text("Spindle overheat")
        await page.get_by_role("link", name="address of this page").click()
        await expect(page).to_have_url(re.compile(r"/why/.*indicator=availability"))
        await expect(page.locator(".why")).to_contain_text("Why is availability 71.7 %? · Mill one")
        await expect(page.locator(".why .events")).to_contain_text("12 min")


async def test_escape_closes_the_choice_of_ranges_and_the_focus_goes_back(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, "/") as page:
        button = page.locator(".pick").first
        await button.click()
        await expect(page.locator(".menu button").first).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(page.locator(".menu")).to_have_count(0)
        await expect(button).to_be_focused()


async def test_an_address_that_is_not_there_leads_to_what_is(browser: Browser, wall: Wall) -> None:
    async with await browser.new_context() as context:
        page = await context.new_page()
        await page.goto(f"{wall.url}/lines/of/nothing")
        await expect(page.locator("main")).to_contain_text("There is no such page")
        await page.get_by_role("link", name="Line one").click()
        await expect(page.locator("h1")).to_have_text("Line one")
