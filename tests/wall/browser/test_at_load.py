"""A page as programs and kiosks open it: with the password in its address, and looked at as soon as it is loaded.

Real Chromium, server, broker and store; what `--print-to-pdf` makes is read as the PDF that it is.
"""

import asyncio
import re
import shlex
import shutil
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from services.kpi.ledger_writer import LedgerWriter
from services.store.interface import Batch, Rejected
from services.store.opening import open_store
from tests.wall.browser.chromium import ARGUMENTS
from tests.wall.browser.chromium import browser as browser  # noqa: PLC0414  (a fixture)
from tests.wall.browser.test_pages import now
from tests.wall.works import LINE, MILL, MINUTE, NOW, PLANT, Wall, running_wall, worked_example

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.mosquitto,
    pytest.mark.asyncio(loop_scope="module"),
]

PAGE = (Path(__file__).resolve().parents[3] / "docs/how-to/kiosk.md").read_text("utf-8")
HOUR = "from=2026-11-25T08:00:00Z&to=2026-11-25T09:00:00Z"
SHOWN = {
    f"/?{HOUR}": "27.5 % OEE",
    f"/line/{LINE}?{HOUR}": "down\n12 min",
    f"/machine/{MILL}?{HOUR}": "71.7 %",
    "/devices": "unknown state 'runing'",
    f"/kiosk?views=/%3F{HOUR.replace('&', '%26')}&every=60": "27.5 % OEE",
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def wall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wall]:
    """A wall with a password, at an address that has the password in it."""
    folder = tmp_path_factory.mktemp("wall")
    store = await open_store(f"sqlite:///{folder}/store.db")
    writer = LedgerWriter(store, PLANT, now)
    await writer.store_events([event for event in worked_example() if event.kind not in {"telemetry", "event"}])
    await writer.advance()
    rejected = Rejected(NOW - MINUTE, f"corridor/v1/{MILL}/state", "unknown state 'runing'", b"runing", 6)
    await store.write(Batch(events=[], rejected=[rejected]))
    async with running_wall(folder, store, now, password="s3cret") as running:
        running.url = running.url.replace("http://", "http://wall:s3cret@")
        yield running
    await store.close()


@pytest.mark.parametrize("path", SHOWN)
async def test_a_page_with_the_password_in_its_address_has_its_numbers_once_it_is_loaded(
    browser: Browser, wall: Wall, path: str
) -> None:
    wrong: list[str] = []
    async with await browser.new_context() as context:
        page = await context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        await page.goto(wall.url + path)
        text = await page.inner_text("main")  # at once: this waits for nothing
        assert SHOWN[path] in text
        await expect(page.locator(".trouble")).to_have_count(0)
    assert not wrong


async def test_what_was_rejected_is_not_none_when_it_could_not_be_asked(browser: Browser, wall: Wall) -> None:
    async with await browser.new_context() as context:
        page = await context.new_page()
        await page.route("**/api/v1/rejected*", lambda route: route.abort())
        await page.goto(f"{wall.url}/devices")
        rejected = page.locator("section", has=page.get_by_role("heading", name="Rejected messages"))
        await expect(rejected).to_contain_text("could not be loaded")
        await expect(rejected).not_to_contain_text("no rejected messages")


async def test_the_page_on_paper_prints_as_the_manual_says(wall: Wall, tmp_path: Path) -> None:
    (line,) = re.findall(r"^chromium .*--print-to-pdf.*$", PAGE, re.MULTILINE)
    program, *words = shlex.split(line)
    found = shutil.which(program) or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found
    address = f"{wall.url}/line/{LINE}?{HOUR}"
    assert words[-1].startswith("http://HOST:8080/line/")
    process = await asyncio.create_subprocess_exec(
        found,
        *ARGUMENTS,
        f"--user-data-dir={tmp_path}/profile",
        *words[:-1],
        address,
        cwd=tmp_path,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert any("27.5%" in text for text in texts((tmp_path / "line.pdf").read_bytes()))


def texts(pdf: bytes) -> Iterator[str]:
    """Yield the text of a PDF of Chromium's without its spaces, read by each of its fonts in turn."""
    streams = list(inflated(pdf))
    shown = [[int(glyph, 16) for glyph in re.findall(rb"<([0-9A-F]{4})> Tj", stream)] for stream in streams]
    for stream in streams:
        pairs = re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]{4})>\n", stream) if b"begincmap" in stream else []
        font = {int(glyph, 16): chr(int(code, 16)) for glyph, code in pairs}
        for first, last, code in re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]{4})> <([0-9A-F]{4})>\n", stream):
            font |= {int(first, 16) + n: chr(int(code, 16) + n) for n in range(int(last, 16) - int(first, 16) + 1)}
        yield "".join(font.get(glyph, "") for glyphs in shown for glyph in glyphs).replace(" ", "")


def inflated(pdf: bytes) -> Iterator[bytes]:
    for found in re.finditer(rb"stream\r?\n", pdf):
        try:
            yield zlib.decompressobj().decompress(pdf[found.end() :])
        except zlib.error:
            continue  # the word was `endstream`, or it is not a compressed one
