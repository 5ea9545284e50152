"""Titles, shift names and reasons in any alphabet, and very long ones: each is shown, and nothing sticks out."""

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from broker.contract.events import Count, Job, StateChange
from broker.plant.plant_file import parse
from services.kpi.ledger_writer import LedgerWriter
from services.store.opening import open_store
from tests.wall.browser.chromium import browser as browser  # noqa: PLC0414  (a fixture)
from tests.wall.browser.test_pages import now, page_at
from tests.wall.works import CMM, EIGHT, LINE, MILL, MINUTE, Wall, running_wall

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.mosquitto,
    pytest.mark.asyncio(loop_scope="module"),
]

LONG = "Koordinatenmessmaschinenüberwachungseinrichtung Nordhalle"
PLANT = parse(
    f"""
name = "Παγκόσμιο εργοστάσιο"
[calendar.days]
time-zone = "Asia/Shanghai"
shifts = [{{ name = "夜班", start = "13:00", end = "22:00" }}]
[asset."leeds"]
title = "مصنع دبي"
calendar = "days"
[asset."leeds/shop/line-1"]
title = "خط التعبئة الأول"
ideal-cycle = 6
[asset."leeds/shop/line-1/mill-1"]
title = "数控铣床一号"
[asset."leeds/shop/line-1/cmm-1"]
title = "{LONG}"
[product.bracket-7]
title = "支架七"
[reason.spindle]
title = "Υπερθέρμανση ατράκτου"
""",
    "test.toml",
)
VIEWS = ["/", f"/line/{LINE}", f"/machine/{MILL}", f"/machine/{CMM}", "/map", f"/stops/{LINE}", "/devices"]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def wall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wall]:
    folder = tmp_path_factory.mktemp("wall")
    store = await open_store(f"sqlite:///{folder}/store.db")
    writer = LedgerWriter(store, PLANT, now)
    for machine in (MILL, CMM):
        job = Job(asset=machine, at=EIGHT, phase="start", order="wo-1", product="bracket-7", ideal_cycle=6.0)
        counts = [
            Count(asset=machine, at=EIGHT + minute * MINUTE, produced=40 * minute, good=40 * minute, scrap=0)
            for minute in range(56)
        ]
        states = [
            StateChange(asset=machine, at=EIGHT, state="running"),
            StateChange(asset=machine, at=EIGHT + 50 * MINUTE, state="down", reason="spindle"),
        ]
        await writer.store_events([job, *counts, *states])
    reset = Count(asset=CMM, at=EIGHT + 57 * MINUTE, produced=5, good=5, scrap=0)
    await writer.store_events([reset, msgspec.structs.replace(reset, at=EIGHT + 59 * MINUTE, produced=9, good=9)])
    await writer.advance()
    async with running_wall(folder, store, now, plant=PLANT) as running:
        yield running
    await store.close()


@pytest.mark.parametrize("size", ["phone", "laptop"])
@pytest.mark.parametrize("view", VIEWS)
async def test_no_title_sticks_out_of_its_card(browser: Browser, wall: Wall, view: str, size: str) -> None:
    async with page_at(browser, wall, view, size) as page:
        await expect(page.locator("main")).to_contain_text(
            "Υπερθέρμανση ατράκτου" if "mill" in view or view == "/map" else LONG
        )
        out = await page.evaluate(
            "[...document.querySelectorAll('.card, body')].filter((each) => each.scrollWidth > each.clientWidth + 1)"
            ".map((each) => each.textContent.slice(0, 60))"
        )
        assert not out


async def test_a_shift_a_product_and_a_reason_are_shown_by_their_own_words(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, f"/line/{LINE}") as page:
        for words in ("夜班", "支架七", "Υπερθέρμανση ατράκτου", "数控铣床一号"):
            await expect(page.locator("main")).to_contain_text(words)
        await expect(page.locator("h1")).to_have_text("خط التعبئة الأول")
        table = await page.request.get(f"{wall.url}/api/v1/kpi.csv?asset={LINE}&by=shift&from=now-7d")
        assert "夜班" in await table.text()


async def test_why_lists_the_readings_that_counted_otherwise_than_reported(browser: Browser, wall: Wall) -> None:
    about = "from=2026-11-25T08:00:00Z&to=2026-11-25T09:00:00Z&indicator=quality_ratio"
    async with page_at(browser, wall, f"/why/{CMM}?{about}") as page:
        readings = page.get_by_role("region", name="readings")
        await expect(readings.locator("tr").first).to_contain_text("good fell from 2200 to 5")
        await expect(readings.locator("tr").first).to_contain_text("16:57")  # by the clock of the machine's zone
