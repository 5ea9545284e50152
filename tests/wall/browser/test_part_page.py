"""Parts, batches and the flows between lines in a real Chromium: found by number, read by people, no finding of axe."""

import json
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from services.kpi.ledger_writer import LedgerWriter
from services.store.interface import Batch
from services.store.opening import open_store
from tests.wall.browser.chromium import browser as browser  # noqa: PLC0414  (a fixture)
from tests.wall.browser.test_axe import axe as axe  # noqa: PLC0414  (a fixture)
from tests.wall.browser.test_pages import page_at
from tests.wall.part_works import BAD, BATCH, CASTER, CASTING, CHAINED, CMM, GOOD, MACHINING, MILL, chained_hour
from tests.wall.works import NOW, Wall, running_wall

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.mosquitto,
    pytest.mark.asyncio(loop_scope="module"),
]
HOUR = "from=2026-11-25T08:00:00Z&to=2026-11-25T09:00:00Z"
AT = {
    "bad": "/part/SN%207%2F1%20%C3%BC",
    "batch": f"/batch/{BATCH}",
    "search": "/part",
    "unknown": "/part/SN-9",
    "map": f"/map?{HOUR}",
    "handed over": f"/machine/{CASTER}?{HOUR}",
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def works(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wall]:
    folder = tmp_path_factory.mktemp("works")
    store = await open_store(f"sqlite:///{folder}/store.db")
    events = chained_hour()
    writer = LedgerWriter(store, CHAINED, lambda: NOW)
    await writer.store_events([event for event in events if event.kind in {"state", "count", "meter"}])
    await writer.advance()
    await store.write(Batch(events=[event for event in events if event.kind not in {"state", "count", "meter"}]))
    async with running_wall(folder, store, lambda: NOW, plant=CHAINED) as running:
        yield running
    await store.close()


async def test_a_part_is_found_from_any_page_and_shows_where_it_was_and_what_is_wrong(
    browser: Browser, works: Wall
) -> None:
    async with page_at(browser, works, "/") as page:
        await page.get_by_role("link", name="Parts", exact=True).click()
        await page.get_by_role("searchbox").fill(f"  {BAD} ")
        await page.get_by_role("button", name="Find").click()
        await expect(page).to_have_url(re.compile(re.escape(AT["bad"])))
        await expect(page.locator("h1")).to_have_text(BAD)
        first = page.locator("main section", has=page.get_by_role("heading", name=f"Part {BAD}"))
        await expect(first).to_contain_text("Scrap")
        await expect(first).to_contain_text("Engine bracket · order wo-7")
        await expect(first).to_contain_text("out of tolerance: bore (Measuring machine)")
        passed = page.locator("section", has=page.get_by_role("heading", name="Machines that it passed"))
        mill, cmm = (passed.locator(".passes > li").nth(place) for place in (0, 1))
        await expect(mill).to_contain_text("08:30:00 – 08:34:00 · 4 min · 0.400 kW·h")
        await expect(cmm).to_contain_text(re.compile(r"bore\s*12.341 mm\s*12.28 … 12.32\s*out of tolerance"))
        await expect(cmm).to_contain_text(re.compile(r"flatness\s*0.02 mm\s*– … 0.05$"))
        await cmm.get_by_role("link", name="Measuring machine").click()
        await expect(page).to_have_url(re.compile(rf"/machine/{CMM}\?from=\d+&to=\d+"))


async def test_a_part_leads_to_its_material_and_that_to_all_that_it_affects(browser: Browser, works: Wall) -> None:
    async with page_at(browser, works, AT["bad"]) as page:
        origin = page.locator("section", has=page.get_by_role("heading", name="Where it came from"))
        await expect(origin).to_contain_text("Leeds · Castings → York · Machining")
        await expect(origin).to_contain_text(re.compile("left 25 Nov.*08:09:00 · arrived 25 Nov.*08:28:00"))
        await expect(origin).to_contain_text(f"made from part {CASTING} · Lug casting")
        await origin.get_by_role("link", name=BATCH).click()
        await expect(page.locator("h1")).to_have_text(BATCH)
        affected = page.get_by_role("region", name="Parts that it affects")
        await expect(affected.locator("tbody tr")).to_have_count(2)
        await expect(page.get_by_role("heading", name="Parts that it affects")).to_contain_text("2 parts · 1 scrap")
        await expect(page.get_by_role("region", name="Parts in it").locator("tbody tr")).to_have_count(2)
        await affected.get_by_role("link", name="cast-2").click()
        went = page.locator("section", has=page.get_by_role("heading", name="Where it went"))
        await expect(went).to_contain_text(f"became part {GOOD} · Engine bracket")


async def test_a_number_that_nobody_reported_is_shown_so_with_what_is_like_it(browser: Browser, works: Wall) -> None:
    async with page_at(browser, works, "/part/sn-8") as page:
        await expect(page.get_by_role("heading", name="Nothing is known of sn-8")).to_be_visible()
        await expect(page.locator("main")).to_contain_text("letter by letter")
        await page.get_by_role("link", name=GOOD, exact=True).click()
        await expect(page.get_by_role("heading", name=f"Part {GOOD}")).to_be_visible()


async def test_the_number_of_a_batch_in_the_box_shows_the_batch(browser: Browser, works: Wall) -> None:
    async with page_at(browser, works, "/part") as page:
        await page.get_by_role("searchbox").fill(BATCH)
        await page.get_by_role("searchbox").press("Enter")
        await expect(page.get_by_role("heading", name="Parts that it affects")).to_be_visible()


@pytest.mark.parametrize("path", [f"/line/{MACHINING}?{HOUR}", f"/machine/{CMM}?{HOUR}"])
async def test_a_line_and_a_machine_lead_to_their_newest_parts(browser: Browser, works: Wall, path: str) -> None:
    async with page_at(browser, works, path) as page:
        row = page.get_by_role("region", name="Newest parts").locator("tbody tr").nth(1)
        await expect(row).to_contain_text("out of tolerance: bore")
        await row.get_by_role("link", name=BAD).click()
        await expect(page.get_by_role("heading", name=f"Part {BAD}")).to_be_visible()


async def test_a_measured_value_on_the_machine_s_page_leads_to_its_part(browser: Browser, works: Wall) -> None:
    async with page_at(browser, works, f"/machine/{CMM}?{HOUR}") as page:
        await page.locator(".limits", has_text="bore").get_by_role("link", name=f"part {BAD}").click()
        await expect(page.get_by_role("heading", name=f"Part {BAD}")).to_be_visible()


async def test_the_map_names_late_batches_and_those_on_their_way(browser: Browser, works: Wall) -> None:
    async with page_at(browser, works, AT["map"]) as page:
        flows = page.locator("section", has=page.get_by_role("heading", name="Material between lines"))
        first = flows.locator("li").first
        await expect(first).to_contain_text(re.compile("Rod castings.*Castings → York.*Late rods-9 · was due 08:56"))
        await expect(flows).to_contain_text("On its way lug-castings-3 · due 09:10")
        await expect(flows).to_contain_text("arrived last bars-7 · 08:01")
        await page.wait_for_function("document.querySelector('img.plan').naturalWidth > 300")
        source = await page.locator("img.plan").get_attribute("src")
        picture = await page.evaluate("path => fetch(path).then((answer) => answer.text())", source)
        assert "late: rods-9" in picture
        await first.get_by_role("link", name="York · Machining").click()
        await expect(page).to_have_url(re.compile(f"/line/{MACHINING}"))


async def test_a_machine_s_page_marks_when_a_device_took_it_over_and_gave_it_back(
    browser: Browser, works: Wall
) -> None:
    async with page_at(browser, works, AT["handed over"]) as page:
        moments = page.get_by_role("list", name="Handed over").get_by_role("listitem")
        await expect(moments).to_have_text(
            [
                "08:20:00 a real device took the machine over; its simulation is silent",
                "08:40:00 the device was gone; the machine is simulated again",
            ]
        )
        strip = page.locator(".orders", has_text="real device").locator("span")
        await expect(strip).to_have_text(["simulated", "real device", "simulated"])
    async with page_at(browser, works, f"/machine/{MILL}?{HOUR}") as page:
        await expect(page.get_by_role("region", name="Newest parts")).to_be_visible()
        await expect(page.get_by_role("list", name="Handed over")).to_have_count(0)


@pytest.mark.parametrize("path", AT.values(), ids=AT.keys())
async def test_it_fits_a_phone(browser: Browser, works: Wall, path: str) -> None:
    async with page_at(browser, works, path, "phone") as page:
        await expect(page.locator("main .card").nth(1)).to_be_visible()
        wide = "document.documentElement.scrollWidth"
        assert await page.evaluate(wide) <= 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", AT.values(), ids=AT.keys())
async def test_axe_finds_nothing(browser: Browser, works: Wall, axe: str, path: str, scheme: str) -> None:
    async with page_at(browser, works, path, color_scheme=scheme, reduced_motion="reduce") as page:
        await expect(page.locator("main .card").nth(1)).to_be_visible()
        await page.evaluate(axe)
        found = await page.evaluate("axe.run({ resultTypes: ['violations'] })")
        assert json.dumps([(each["id"], each["nodes"][0]["html"][:200]) for each in found["violations"]]) == "[]"
