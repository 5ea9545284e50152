"""The pages in a real Chromium, over a real server, broker and store; clients that publish are not ours."""

import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from broker.contract.events import Count, Job, StateChange
from services.kpi.ledger_writer import LedgerWriter
from services.store.interface import Batch
from services.store.opening import open_store
from tests.wall.browser.chromium import browser as browser  # noqa: PLC0414  (a fixture)
from tests.wall.works import CMM, EIGHT, LINE, MILL, MINUTE, NOW, PLANT, Wall, running_wall, worked_example

pytestmark = [
    pytest.mark.browser,
    pytest.mark.mosquitto,
    pytest.mark.asyncio(loop_scope="module"),
]

SIZES = {"phone": (360, 740), "paper": (1046, 740), "low": (1280, 400), "laptop": (1366, 768), "wall": (3840, 2160)}
VIEWS = ["/", f"/line/{LINE}", f"/machine/{MILL}", "/devices", "/kiosk?views=/&every=60"]
PATIENCE_MS = 15_000
expect.set_options(timeout=PATIENCE_MS)


def now() -> int:
    """The plant's time: it goes on from the end of the worked example."""
    return NOW + time.monotonic_ns() - _BEGAN


_BEGAN = time.monotonic_ns()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def wall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wall]:
    folder = tmp_path_factory.mktemp("wall")
    store = await open_store(f"sqlite:///{folder}/store.db")
    writer = LedgerWriter(store, PLANT, now)
    events = worked_example()
    await writer.store_events([event for event in events if event.kind not in {"telemetry", "event"}])
    await writer.advance()
    await store.write(Batch(events=[event for event in events if event.kind in {"telemetry", "event"}]))
    async with running_wall(folder, store, now) as running:
        yield running
    await store.close()


@asynccontextmanager
async def page_at(browser: Browser, wall: Wall, path: str, size: str = "laptop", **options: Any) -> AsyncIterator[Page]:
    """Open a page; anything that it says on its console, or asks of another host, fails the test."""
    wide, high = SIZES[size]
    wrong: list[str] = []
    async with await browser.new_context(viewport={"width": wide, "height": high}, **options) as context:
        page = await context.new_page()
        page.on(
            "console",
            lambda reported_state: (
                wrong.append(reported_state.text) if reported_state.type in {"error", "warning"} else None
            ),
        )
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: wrong.append(asked.url) if not asked.url.startswith(wall.url) else None)
        await page.goto(wall.url + path)
        await expect(page.locator("header")).to_be_visible()
        yield page
        assert not wrong


@asynccontextmanager
async def device(wall: Wall) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client("127.0.0.1", int(wall.broker.rsplit(":", 1)[1])) as client:
        yield client


def at() -> int:
    return now() // 1_000_000


async def test_the_overview_is_live_and_shows_the_numbers_of_the_interface(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, "/?from=2026-11-25T08:00:00Z&to=2026-11-25T09:00:00Z") as page:
        tile = page.locator("article", has_text="Line one")
        plan = await page.request.get(
            f"{wall.url}/api/v1/plan?asset={LINE}&from=2026-11-25T08:00:00Z&to=2026-11-25T09:00:00Z"
        )
        assert (await plan.json())["good"] == 33
        await expect(tile.locator(".q")).to_have_text("33")
        await expect(tile).to_contain_text("good of 30")
        await expect(tile).to_contain_text("+3")
        await expect(page.locator(".link.past")).to_contain_text("not live")
        await page.get_by_role("link", name="Back to live").click()
        await expect(page.locator(".link.on")).to_have_text("live")
        assert "from=" not in page.url


@pytest.mark.slow
async def test_each_view_leads_to_its_page_of_grafana_over_the_same_time(browser: Browser, wall: Wall) -> None:
    site, area, line, machine = MILL.split("/")
    chosen = f"?var-site={site}&var-area={area}&var-line={line}"
    span = "from=2026-11-25T08:00:00Z&to=2026-11-25T09:00:00Z"
    ms = "from=1795593600000&to=1795597200000"
    for path, address in (
        (f"/machine/{MILL}?{span}", f"/d/corridor-machine{chosen}&var-machine={machine}&{ms}"),
        (f"/line/{LINE}?from=now-8h", f"/d/corridor-line{chosen}&from=now-8h&to=now"),
        (f"/?{span}", f"/d/corridor-overview?{ms}"),
    ):
        async with page_at(browser, wall, path) as page:
            link = page.get_by_role("link", name="Grafana")
            await expect(link).to_have_attribute("href", f"https://grafana.example{address}")


@pytest.mark.slow
async def test_what_is_named_as_what_every_object_has_is_shown_by_its_name(browser: Browser, wall: Wall) -> None:
    machine, word = "constructor/valueof/constructor/constructor", "constructor"
    reported_state = {
        "job": {"phase": "start", "order": word, "product": word, "ideal_cycle": 60},
        "count": {"produced": 3, "good": 3},
        f"telemetry/{word}": {"value": 1.5, "unit": word},
        f"meter/{word}": {"total": 2, "unit": word},
        f"material/{word}": {"stock": 7, "unit": word},
        f"quality/{word}": {"value": 1, "unit": word, "part": word},
        "event": {"code": word, "severity": "alarm", "text": word},
        "state": {"state": "down", "reason": word},
    }
    async with device(wall) as client:
        for kind, payload in reported_state.items():
            await client.publish(f"corridor/v1/{machine}/{kind}", json.dumps(payload), qos=1)
    views = ("/", f"/line/{machine.rpartition('/')[0]}", f"/machine/{machine}", "/devices", "/kiosk?views=/constructor")
    for view in views:
        ask = "&" if "?" in view else "?"
        async with page_at(browser, wall, f"{view}{ask}scheme=constructor&lang=constructor") as page:
            await expect(page.locator("body")).to_contain_text(re.compile("constructor", re.IGNORECASE))
            shown = await page.locator("body").inner_text()
            assert "native code" not in shown, view
            assert "[object" not in shown, view


@pytest.mark.slow
async def test_a_machine_nobody_declared_appears_by_itself(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, "/") as page, device(wall) as client:
        await expect(page.locator(".link.on")).to_be_visible()
        await client.publish("corridor/v1/york/barn/line-1/lathe-9/state", "setup", qos=1)
        tile = page.locator("article", has_text="Lathe 9")
        await expect(tile.locator(".state")).to_have_text("Set-up")
        await expect(page.locator(".band", has_text="York")).to_be_visible()


async def test_a_machine_that_is_down_marks_its_line_with_shape_word_and_colour(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, "/") as page, device(wall) as client:
        tile = page.locator("article", has_text="Line one")
        await client.publish(
            f"corridor/v1/{MILL}/state", json.dumps({"ts": at(), "state": "down", "reason": "spindle"})
        )
        await expect(tile.locator(".top .state")).to_have_text("Down")
        await expect(tile.locator(".top")).to_contain_text("Mill one · Spindle overheat")
        await expect(tile.locator(".top .icon path")).to_have_count(1)
        await expect(tile).to_have_class("tile card look")
        await client.publish(f"corridor/v1/{MILL}/state", json.dumps({"ts": at(), "state": "running"}))
        await expect(tile.locator(".top .state")).to_have_text("Running")


@pytest.mark.slow
async def test_a_device_that_is_offline_is_unknown_and_hatched(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, "/devices") as page, device(wall) as client:
        row = page.locator("tr", has_text=CMM)
        await client.publish(f"corridor/v1/{CMM}/status", json.dumps({"ts": at(), "status": "offline"}))
        await expect(row.locator(".state")).to_have_text("Unknown")
        await expect(row).to_have_class("hatched")
        await client.publish(f"corridor/v1/{CMM}/status", json.dumps({"ts": at(), "status": "online"}))
        await expect(row.locator(".state")).to_have_text("Idle")


@pytest.mark.slow
async def test_a_number_says_why(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, f"/machine/{MILL}?from=2026-11-25T08:00:00Z&to=2026-11-25T09:00:00Z") as page:
        await page.locator("tr", has_text="availability").get_by_role("button", name="71.7 %").click()
        why = page.locator(".why")
        await expect(why).to_contain_text("Why is availability 71.7 %?")
        await expect(why.locator(".formula")).to_contain_text("APT / PBT")
        await expect(why.locator(".events")).to_contain_text("Spindle overheat")
        await page.keyboard.press("Escape")
        await expect(why).to_have_count(0)


@pytest.mark.slow
async def test_the_pieces_of_a_line_say_which_they_are_and_how_the_plan_comes_about(
    browser: Browser, tmp_path: Path
) -> None:
    counts = [Count(asset=CMM, at=EIGHT + at * MINUTE, produced=made, good=made) for at, made in ((0, 0), (30, 20))]
    job = Job(asset=CMM, at=EIGHT, phase="start", order="wo-1", product="bracket-7", ideal_cycle=60.0)
    store = await open_store(f"sqlite:///{tmp_path}/store.db")
    await LedgerWriter(store, PLANT, lambda: NOW).store_events([*worked_example(), job, *counts])
    async with (
        running_wall(tmp_path, store, now) as wall,
        page_at(browser, wall, f"/line/{LINE}?from=2026-11-25T08:00:00Z&to=2026-11-25T08:50:00Z") as page,
    ):
        await page.locator(".figure", has_text="Good pieces").locator(".num").click()
        await expect(page.locator(".why .formula")).to_contain_text("= 20 / 25 = 0.8")
        await expect(page.locator(".why .events")).to_contain_text("oee 0.5 × 3000 s / 60 s")
    await store.close()


@pytest.mark.slow
async def test_the_steps_of_the_waterfall_are_those_of_the_answer(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, f"/machine/{MILL}?from=2026-11-25T08:00:00Z&to=2026-11-25T09:00:00Z") as page:
        steps = page.locator(".steps").first
        await expect(steps).to_contain_text("planned60 min")
        await expect(steps).to_contain_text("down12 min")
        await expect(steps).to_contain_text("set-up5 min")
        await expect(steps).to_contain_text("fully productive33 min")


@pytest.mark.slow
async def test_traces_are_drawn_and_go_on_live(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, f"/machine/{MILL}") as page, device(wall) as client:
        signal = page.locator(".signal", has_text="Spindle temperature")
        await expect(signal.locator("canvas")).to_have_count(1)
        await client.publish(
            f"corridor/v1/{MILL}/telemetry/spindle-temp", json.dumps({"ts": at(), "value": 71.25, "unit": "Cel"})
        )
        await expect(signal.locator("b")).to_contain_text("71.3 °C")
        await expect(signal.locator("b.t-down")).to_have_count(1)  # beyond its alarm limit
        await expect(signal.locator(".reach")).to_contain_text("71.3")
        assert await signal.locator("canvas").evaluate(
            "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
        )


@pytest.mark.slow
async def test_dragging_over_a_trace_zooms_all_of_the_page_by_its_address(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, f"/machine/{MILL}?from=2026-11-25T08:00:00Z&to=2026-11-25T09:00:00Z") as page:
        box = await page.locator(".plot .u-over").first.bounding_box()
        assert box is not None
        middle = box["y"] + box["height"] / 2
        await page.mouse.move(box["x"] + box["width"] * 0.25, middle)
        await page.mouse.down()
        await page.mouse.move(box["x"] + box["width"] * 0.75, middle, steps=5)
        await page.mouse.up()
        await expect(page.locator(".pick").first).to_contain_text(re.compile("08:1[456]–08:4[456]"))
        assert "from=1795" in page.url


@pytest.mark.slow
async def test_the_range_is_chosen_once_and_every_link_keeps_it(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, "/?theme=andon&scheme=dark") as page:
        await page.locator(".pick").first.click()
        await page.get_by_role("button", name="Last hour").click()
        await expect(page.locator(".pick").first).to_contain_text("Last hour")
        await page.get_by_role("link", name="Line one").click()
        await expect(page.locator("h1")).to_have_text("Line one")
        for part in ("from=now-1h", "theme=andon", "scheme=dark"):
            assert part in page.url
        assert await page.evaluate("document.documentElement.dataset.theme") == "andon"
        await page.go_back()
        await expect(page.locator("h1")).to_have_text("All sites")


@pytest.mark.slow
async def test_the_line_shows_flow_hours_waterfall_and_pareto(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, f"/line/{LINE}?from=2026-11-25T08:00:00Z") as page:
        await expect(page.locator(".station")).to_have_count(2)
        await expect(page.locator(".buffer")).to_contain_text("of 8")
        hour = page.locator(".hours tr", has_text="08:00")
        await expect(hour).to_contain_text("33")
        await expect(hour).to_contain_text("+3")
        await expect(page.locator("ol.pareto")).to_contain_text("Spindle overheat12 min")
        await expect(page.locator("ul.pareto")).to_contain_text("breakdowns12 min")
        # The line has two OEEs, each named for what it is, and a target beside those that have one.
        await expect(page.locator(".figure", has_text="OEE, all machines")).to_contain_text("target 50 %")
        constraint = page.locator(".figure", has_text="OEE of the line, at its constraint")
        await expect(constraint).to_contain_text("were never reported")
        # Its last machine never reported pieces: those of the one before stand in, and no formula explains that.
        pieces = page.locator(".figure:has(h2:text-is('Good pieces'))")
        await expect(pieces).to_contain_text("33")
        await expect(pieces.locator(".num")).to_have_count(0)


@pytest.mark.slow
async def test_products_shifts_and_orders_are_compared_and_lead_to_their_time(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, f"/machine/{MILL}?from=2026-11-25T08:00:00Z&to=2026-11-25T09:00:00Z") as page:
        orders = page.locator("section", has_text="Orders, 7 days")
        await expect(orders.locator("tbody tr")).to_contain_text("wo-1")
        await expect(page.locator("section", has_text="Products, 7 days")).to_contain_text("Bracket seven")
        await expect(page.locator("section", has_text="Shifts by name").locator("tbody tr")).to_contain_text("55.0")
        each = page.locator("section", has_text="Each shift, 7 days").locator("tbody tr")
        await expect(each.first).to_contain_text("Wed 25 Nov day55.0")
        async with page.expect_download() as download:
            await orders.get_by_role("link", name="as CSV").click()
        text = (await (await download.value).path()).read_text()
        assert text.splitlines()[1].startswith(f"{MILL},order,wo-1,2026-11-25T08:00:00Z")
        await orders.get_by_role("link", name="wo-1").click()
        await expect(page.locator(".pick").first).to_contain_text("08:00–09:00")


@pytest.mark.slow
async def test_a_figure_of_the_overview_says_why(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, "/?from=2026-11-25T08:00:00Z&to=2026-11-25T09:00:00Z") as page:
        await page.locator("article", has_text="Line one").locator(".oee .num").click()
        await expect(page.locator(".why")).to_contain_text("Why is OEE 27.5 %?")
        await expect(page.locator(".why .events")).to_contain_text("Mill one")
        await page.keyboard.press("Escape")
        await page.locator(".figure", has_text="OEE").first.locator(".num").click()
        await expect(page.locator(".why")).to_contain_text("Why is OEE 27.5 %?")


@pytest.mark.slow
async def test_a_machine_that_nobody_can_rate_does_not_hide_the_others(browser: Browser, wall: Wall) -> None:
    toy = f"{LINE}/toy"
    writer = LedgerWriter(wall.store, PLANT, now)
    reported = [StateChange(asset=toy, at=EIGHT - 2 * MINUTE, state="running")]
    await writer.store_events([*reported, *(Count(asset=toy, at=EIGHT - MINUTE + n, produced=n) for n in range(6))])
    await writer.advance()
    span = "from=2026-11-25T07:58:00Z&to=2026-11-25T09:00:00Z"
    async with page_at(browser, wall, f"/line/{LINE}?{span}") as page:
        figure = page.locator(".figure", has_text="OEE, all machines")
        await expect(figure.locator(".partly")).to_have_text("*")
        await expect(figure).to_contain_text("without Toy *")
        tip = await figure.locator(".partly").get_attribute("title")
        assert tip is not None
        assert tip.startswith("without Toy: good pieces are not reported")
        await figure.locator(".num").click()
        await expect(page.locator(".why .formula")).not_to_contain_text("not defined")
        await expect(page.locator(".why")).to_contain_text("Why is OEE 27.5 %?")
        await expect(page.locator(".notes").last).to_contain_text("good pieces are not reported")


@pytest.mark.slow
async def test_the_devices_page_shows_what_arrives_and_what_is_rejected_and_how_to_join(
    browser: Browser, wall: Wall
) -> None:
    async with page_at(browser, wall, "/devices") as page, device(wall) as client:
        await expect(page.locator("pre.copy")).to_contain_text(f"-p {wall.broker.rsplit(':', 1)[1]}")
        await page.get_by_role("tab", name="Arduino").click()
        await expect(page.locator("pre.copy")).to_contain_text("PubSubClient")
        await client.publish("corridor/v1/york/barn/line-1/lathe-8/telemetry/load", '{"value": 12.5, "unit": "%"}')
        await expect(page.locator(".messages")).to_contain_text("load = 12.5 %")
        await client.publish("corridor/v1/york/barn/line-1/lathe-8/state", "runing")
        await expect(page.locator(".rejected")).to_contain_text("unknown state 'runing'")
        await expect(page.locator(".rejected")).to_contain_text("use one of running")
        row = page.locator(".devices tr", has_text="york/barn/line-1/lathe-8")
        await expect(row).to_contain_text("telemetry")
        await expect(row.locator("td.t-wait")).to_have_text("1")


@pytest.mark.slow
@pytest.mark.parametrize("size", ["phone", "laptop", "wall"])
@pytest.mark.parametrize("view", VIEWS)
async def test_nothing_sticks_out_at_any_size(browser: Browser, wall: Wall, view: str, size: str) -> None:
    async with page_at(browser, wall, view, size) as page:
        await expect(page.locator("main > *").first).to_be_visible()
        await expect(page.locator("footer")).to_contain_text("messages/s")
        wide = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1]


@pytest.mark.slow
@pytest.mark.parametrize("view", ["/line/york/barn/no-line-of-this-name", f"/stops/{LINE}", f"/why/{MILL}"])
async def test_nothing_sticks_out_on_a_phone(browser: Browser, wall: Wall, view: str) -> None:
    async with page_at(browser, wall, view, "phone") as page:
        await expect(page.locator("main > *").first).to_be_visible()
        await expect(page.locator("footer")).to_contain_text("messages/s")
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.slow
async def test_all_of_it_can_be_reached_by_keyboard_and_is_named(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, "/") as page:
        await expect(page.locator("article", has_text="Line one")).to_be_visible()
        await page.keyboard.press("Tab")
        await expect(page.locator(":focus")).to_have_text("Skip to the content")
        await page.get_by_role("link", name="Line one").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_have_text("Line one")
        unnamed = await page.evaluate(
            "[...document.querySelectorAll('a, button, input, [role=img]')].filter("
            "e => !(e.textContent.trim() || e.ariaLabel || e.title || e.labels?.length)).map(e => e.outerHTML)"
        )
        assert not unnamed
        await expect(page.get_by_role("link", name="Mill one: ")).to_be_visible()


@pytest.mark.slow
async def test_a_page_that_is_not_moving_for_who_wants_no_motion(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, "/", reduced_motion="reduce") as page:
        await expect(page.locator(".link.on")).to_be_visible()
        moving = await page.evaluate("document.getAnimations().length")
        assert moving == 0


@pytest.mark.slow
async def test_on_paper_there_are_no_controls(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, "/", color_scheme="dark") as page:
        await expect(page.locator(".range")).to_be_visible()
        await page.emulate_media(media="print")
        await expect(page.locator(".range")).to_be_hidden()
        ink = await page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ink')")
        assert ink.strip() == "#1d2125"  # the light scheme's


CUT = """[...document.querySelectorAll('.why, .scroll, .events, .card')].filter(
  (each) => each.scrollWidth > each.clientWidth + 2 || getComputedStyle(each).maxHeight !== 'none'
).map((each) => each.className)"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "view", [f"/machine/{MILL}", f"/line/{LINE}", f"/why/{MILL}?indicator=oee&from={EIGHT // 10**6}"]
)
async def test_on_paper_nothing_is_cut(browser: Browser, wall: Wall, view: str) -> None:
    async with page_at(browser, wall, view, "paper") as page:
        await expect(page.locator("main table").first).to_be_visible()
        await page.emulate_media(media="print")
        assert await page.evaluate(CUT) == []
        await expect(page.locator(".printed")).to_contain_text("printed")


@pytest.mark.slow
async def test_the_kiosk_goes_from_view_to_view(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, f"/kiosk?views=/,/line/{LINE}&every=5") as page:
        await expect(page.locator("h1")).to_have_text("All sites")
        await expect(page.locator(".range")).to_be_hidden()
        await expect(page.locator("h1")).to_have_text("Line one")
        await expect(page.locator(".station").first).to_be_visible()


@pytest.mark.slow
async def test_the_kiosk_shows_what_is_higher_than_the_screen_in_pages(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, f"/kiosk?views=/machine/{MILL}&every=5", "low") as page:
        await expect(page.locator("h1")).to_have_text("Mill one")
        tops = [0.0]
        while tops[-1] or len(tops) == 1:  # until it begins again
            await page.wait_for_function("(top) => scrollY !== top", arg=tops[-1], timeout=60_000)
            tops.append(await page.evaluate("scrollY"))
        assert len(tops) > 3
        assert tops[1:-1] == sorted(tops[1:-1])


@pytest.mark.slow
async def test_an_open_page_keeps_only_so_much(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, "/devices") as page, device(wall) as client:
        await expect(page.locator(".link.on")).to_be_visible()
        for number in range(600):
            await client.publish("corridor/v1/york/barn/line-1/lathe-7/telemetry/load", str(number), qos=1)
            await client.publish("corridor/v1/york/barn/line-1/lathe-7/state", f"wrong-{number}", qos=1)
        await expect(page.locator(".rejected")).to_contain_text("wrong-599")
        stored = await page.evaluate(
            "import('/static/live.js').then(({ live }) => [live.messages.length, live.rejections.length])"
        )
        assert stored[0] <= 100
        assert stored[1] <= 100
        assert await page.locator(".messages li").count() <= 12


@pytest.mark.slow
async def test_a_lost_connection_is_shown_in_large_letters_and_found_again(
    browser: Browser, tmp_path: Path, wall: Wall
) -> None:
    async with running_wall(tmp_path, wall.store, now) as second:
        port = int(second.url.rsplit(":", 1)[1])
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto(second.url)
        await expect(page.locator(".link.on")).to_be_visible()
        await second.stop()
        await expect(page.get_by_role("alert")).to_contain_text("connection lost")
        await expect(page.locator(".frame.is-lost")).to_have_count(1)
    async with running_wall(tmp_path / "again", wall.store, now, port=port):
        await expect(page.locator(".link.on")).to_be_visible()
        await expect(page.get_by_role("alert")).to_have_count(0)
    await context.close()


@pytest.mark.slow
async def test_a_page_has_no_more_elements_however_often_a_machine_changes(browser: Browser, wall: Wall) -> None:
    async with page_at(browser, wall, "/") as page, device(wall) as mill:
        chromium = await page.context.new_cdp_session(page)
        await chromium.send("Performance.enable")
        tile = page.locator("article", has_text="Line one")

        async def nodes_after(first: int, last: int) -> float:
            for number in range(first, last):
                state = {"state": ("down", "setup")[number % 2], "reason": f"change-{number}", "ts": at()}
                await mill.publish(f"corridor/v1/{MILL}/state", json.dumps(state), qos=1)
                await expect(tile).to_contain_text(re.compile(rf"change {number}(?!\d)"))
            await chromium.send("HeapProfiler.collectGarbage")
            metrics: dict[str, Any] = await chromium.send("Performance.getMetrics")
            return float(next(each["value"] for each in metrics["metrics"] if each["name"] == "Nodes"))

        before = await nodes_after(0, 5)
        assert await nodes_after(5, 35) < before + 30
        await mill.publish(f"corridor/v1/{MILL}/state", json.dumps({"state": "running", "ts": at()}), qos=1)


@pytest.mark.slow
async def test_a_ribbon_names_the_state_that_is_pointed_at(browser: Browser, wall: Wall) -> None:
    view = f"/machine/{MILL}?from=2026-11-25T08:00:00Z&to=2026-11-25T09:00:00Z"
    async with page_at(browser, wall, view) as page:
        ribbon = page.locator("svg.ribbon").first
        await expect(ribbon.locator(".f-down")).to_be_visible()
        box = await ribbon.bounding_box()
        assert box is not None
        for minute, named in ((10, "running"), (35, "Down · Spindle overheat")):
            await page.mouse.move(box["x"] + box["width"] * minute / 60, box["y"] + box["height"] / 2)
            await expect(ribbon.locator("title").first).to_contain_text(named, ignore_case=True)
