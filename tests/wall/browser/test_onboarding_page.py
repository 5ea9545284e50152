"""A device joins by the wall in a real Chromium: credential, lines, first message; not without login."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from broker.contract.topics import build
from services.store.opening import open_store
from tests.wall.browser.chromium import browser as browser  # noqa: PLC0414  (a fixture)
from tests.wall.browser.test_axe import axe as axe  # noqa: PLC0414  (a fixture)
from tests.wall.browser.test_pages import page_at
from tests.wall.works import Wall, running_wall

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.mosquitto,
    pytest.mark.asyncio(loop_scope="module"),
]
LOGIN = {"username": "anyone", "password": "s3cret"}
ROBOT = "leeds/shop/line-1/robot-9"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wall]:
    folder: Path = tmp_path_factory.mktemp("guarded")
    store = await open_store(f"sqlite:///{folder}/store.db")
    async with running_wall(folder, store, time.time_ns, password="s3cret", guarded=True) as running:
        yield running
    await store.close()


async def create(page: Page, asset: str) -> str:
    """Create a credential by the form; return its password."""
    await page.get_by_label("machine path").fill(asset)
    await page.get_by_role("button", name="create credential").click()
    shown = page.locator(".credential code")
    await expect(shown.first).to_have_text(asset)
    return await shown.nth(1).inner_text()


async def test_a_credential_is_shown_once_and_the_first_message_is_awaited(browser: Browser, guarded: Wall) -> None:
    async with page_at(browser, guarded, "/devices", http_credentials=LOGIN) as page:
        password = await create(page, ROBOT)
        await expect(page.locator("pre.copy")).to_contain_text(password)
        waiting = page.locator(".waiting")
        await expect(waiting).to_contain_text(f"waits for the first message of {ROBOT}")
        port = int(guarded.broker.rpartition(":")[2])
        async with aiomqtt.Client("127.0.0.1", port, username=ROBOT, password=password) as device:
            await device.publish(build(ROBOT, "state"), "Running", qos=1)
            await expect(waiting).to_contain_text("unknown state")
            then_ms = time.time_ns() // 1_000_000 - 40_000
            await device.publish(build(ROBOT, "telemetry"), f'{{"ts":{then_ms},"values":{{"a":1,"b":2}}}}', qos=1)
            await expect(waiting).to_contain_text("first message received, signals: 2, clock 4")
            await expect(waiting).to_contain_text("s behind")
        await page.reload()
        await expect(page.locator(".credentials")).to_contain_text(ROBOT)
        await expect(page.locator("pre.copy")).to_contain_text("PASSWORD")
        await expect(page.locator("pre.copy")).not_to_contain_text(password)

        await page.get_by_role("button", name=f"new password: {ROBOT}").click()
        await expect(page.locator(".credential")).to_contain_text(ROBOT)
        assert await page.locator(".credential code").nth(1).inner_text() != password
        await page.get_by_role("button", name=f"remove: {ROBOT}").click()
        await expect(page.locator(".credentials")).to_contain_text(ROBOT)
        await page.get_by_role("button", name=f"really remove: {ROBOT}").click()
        await expect(page.locator("main")).to_contain_text("No device has a credential")


async def test_a_path_that_is_none_is_reported_and_nothing_is_offered(browser: Browser, guarded: Wall) -> None:
    async with page_at(browser, guarded, "/devices", http_credentials=LOGIN) as page:
        await page.get_by_label("machine path").fill("Leeds/shop")
        await expect(page.get_by_role("button", name="create credential")).to_be_disabled()
        await expect(page.locator(".join")).to_contain_text("site/area/line/machine")
        await page.get_by_label("machine path").fill(ROBOT)
        await page.get_by_label("speaks").select_option("tasmota")
        await expect(page.locator("pre.copy")).to_contain_text("robot-9")
        await expect(page.get_by_role("button", name="create credential")).to_have_count(0)


async def test_without_a_password_of_the_wall_the_form_is_not_offered(browser: Browser, tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path}/store.db")
    async with (
        running_wall(tmp_path, store, time.time_ns) as open_wall,
        page_at(browser, open_wall, "/devices") as page,
    ):
        await expect(page.locator("pre.copy")).to_contain_text("mosquitto_pub")
        await expect(page.get_by_role("button", name="create credential")).to_have_count(0)
    await store.close()


@pytest.mark.parametrize(("scheme", "size"), [("light", "laptop"), ("dark", "phone")])
async def test_the_form_and_a_credential_have_no_finding(
    browser: Browser, guarded: Wall, axe: str, scheme: str, size: str
) -> None:
    options = {"color_scheme": scheme, "reduced_motion": "reduce", "http_credentials": LOGIN}
    async with page_at(browser, guarded, "/devices", size, **options) as page:
        await create(page, f"leeds/shop/line-1/robot-{scheme}")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it is too wide"
        await page.evaluate(axe)
        found = await page.evaluate("axe.run({ resultTypes: ['violations'] })")
        assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found["violations"]] == []
