"""Totals in a real Chromium: what cannot be is no figure, and a total names the machines that spoil it."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from services.kpi.ledger_writer import LedgerWriter
from services.store.opening import open_store
from tests.wall.browser.chromium import browser as browser  # noqa: PLC0414  (a fixture)
from tests.wall.browser.mixed_works import LINE, LYON, MIXED, SAW, an_hour
from tests.wall.works import NOW, Wall, running_wall

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.mosquitto,
    pytest.mark.asyncio(loop_scope="module"),
]
HOUR = "?from=2026-11-25T08:00:00Z&to=2026-11-25T09:00:00Z"


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
    reason = page.locator("main .beside.cannot, main .figure.uncertain .beside").first
    await expect(reason).to_contain_text("check the ideal cycle")
    await expect(page.locator("main .figure.uncertain, main .hatched").first).to_be_visible()
    shown = await page.locator("main .value, main .oee-value, main .station, main td .num").all_inner_texts()
    figures = [float(each.replace("\u202f", "")) for text in shown for each in re.findall(r"([\d.\u202f]+)\s*%", text)]
    assert figures, "what can be is still shown"
    assert max(figures) <= 150


async def test_what_cannot_be_is_explained_with_its_number(page: Page, wall: Wall) -> None:
    await page.goto(f"{wall.url}/machine/{SAW}{HOUR}")
    await page.locator("table.factors tr.first td .num").click()
    await expect(page.locator(".why .formula")).to_contain_text("666.")


async def test_a_total_names_the_machines_that_spoil_it_beside_the_figure(page: Page, wall: Wall) -> None:
    await page.goto(f"{wall.url}/{HOUR}")
    figures = {
        "Good pieces": ["without, as not planned: Press one", "simulated: Washer one"],
        "Energy a good piece": ["not metered: Saw one, Washer one · 1 more", "simulated: Washer one"],
        "Coverage": ["silent: Press one"],
    }
    for title, lines in figures.items():
        figure = page.locator(".strip .figure", has=page.get_by_role("heading", name=title, exact=True))
        await expect(figure.locator(".caveat")).to_have_text(lines)
    energy = page.locator(".strip .figure", has_text="Energy a good piece")
    await expect(energy.locator(".value")).to_contain_text("0.500")
    tile = page.locator("article", has_text="Line one")
    await expect(tile.locator(".caveat")).to_have_text(["simulated: Washer one"])


async def test_each_tile_has_its_own_time_and_no_zone_stands_for_all(page: Page, wall: Wall) -> None:
    await page.goto(f"{wall.url}/{HOUR}")
    await expect(page.locator("footer")).to_contain_text("each tile in its own time: London, Paris")
    await expect(page.locator("header .clock")).to_have_text(["09:00 London", "10:00 Paris"])
    for name, axis in {"Line one · London": "08:00", "Ligne un · Paris": "09:00"}.items():
        await expect(page.locator("article", has_text=name).locator(".axis span").first).to_have_text(axis)
    await page.goto(f"{wall.url}/line/{LYON}{HOUR}")
    await expect(page.locator("footer")).to_contain_text("all times Paris")


async def test_time_of_several_machines_is_called_so_and_a_reason_stands_with_its_state(page: Page, wall: Wall) -> None:
    await page.goto(f"{wall.url}/{HOUR}")
    tile = page.locator("article", has_text="Line one")
    await expect(tile).to_contain_text("main loss: Jam (down)18 machine-min")
    await page.goto(f"{wall.url}/line/{LINE}{HOUR}")
    losses = page.locator("section", has=page.get_by_role("heading", name="Largest losses in machine-minutes"))
    await expect(losses.locator("ol.pareto").get_by_role("link")).to_have_text(["Jam (down)", "Jam (starved)"])
    await expect(page.get_by_text("OEE of the line, at its constraint")).to_be_visible()
    await page.goto(f"{wall.url}/machine/{SAW}{HOUR}")
    await expect(page.get_by_role("heading", name="The six big losses", exact=True)).to_be_visible()


async def test_a_line_with_declared_stages_has_its_flow(page: Page, wall: Wall) -> None:
    await page.goto(f"{wall.url}/line/{LINE}")
    await expect(page.locator(".flow .station b")).to_have_text(["Saw one", "Mill one", "Washer one"])
    await expect(page.locator(".flow .buffer")).to_have_count(2)


async def test_what_is_loading_is_not_shown_to_be_nothing(page: Page, wall: Wall) -> None:
    held = asyncio.Event()

    async def hold(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await page.route("**/api/v1/kpi?*", hold)
    await page.route("**/api/v1/plan?*", hold)
    await page.goto(f"{wall.url}/{HOUR}", wait_until="commit")
    figures = page.locator(".strip .figure .value")
    await expect(figures).to_have_text(["loading …"] * 4)
    await expect(page.get_by_text("no pieces counted yet")).to_have_count(0)
    held.set()
    await expect(page.get_by_text("loading …")).to_have_count(0)


async def test_the_live_overview_names_them_too(page: Page, wall: Wall) -> None:
    await page.goto(f"{wall.url}/?from=now-1h")
    tile = page.locator("article", has_text="Line one")
    await expect(tile).to_contain_text("cannot be OEE")
    await expect(tile).to_contain_text("18 machine-min")
    energy = page.locator(".strip .figure", has_text="Energy a good piece")
    await expect(energy.locator(".caveat").first).to_have_text("not metered: Saw one, Washer one · 1 more")
