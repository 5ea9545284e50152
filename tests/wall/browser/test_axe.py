"""No view has a finding of axe-core, in either scheme: names, roles, contrast, order of headings, landmarks.

axe-core is a package of npm that tests alone use: `npm install --global axe-core`, or its file by `AXE_CORE`.
"""

import os
import shutil
import subprocess
from pathlib import Path

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
VIEWS = [
    "/",
    "/site/leeds",
    f"/line/{LINE}?{HOUR}",
    f"/machine/{MILL}?{HOUR}",
    f"/stops/{LINE}?{HOUR}",
    f"/why/{LINE}?indicator=availability&{HOUR}",
    "/map",
    "/devices",
    "/kiosk?views=/&every=60",
]


@pytest.fixture(scope="module")
def axe() -> str:
    """The script of axe-core; without it the tests are skipped."""
    given = os.environ.get("AXE_CORE")
    npm = shutil.which("npm")
    if given is None and npm is not None:
        found = subprocess.run([npm, "root", "--global"], capture_output=True, text=True, check=True, timeout=60)
        given = f"{found.stdout.strip()}/axe-core/axe.min.js"
    if given is None or not Path(given).is_file():
        pytest.skip("axe-core is not installed: npm install --global axe-core")
    return Path(given).read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
async def test_a_view_has_no_finding(browser: Browser, wall: Wall, axe: str, view: str, scheme: str) -> None:
    async with page_at(browser, wall, view, color_scheme=scheme, reduced_motion="reduce") as page:
        await expect(page.locator("main .card").first).to_be_visible()
        await page.evaluate(axe)
        found = await page.evaluate("axe.run({ resultTypes: ['violations'] })")
        assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found["violations"]] == []
