"""The documents as a site: every page is in it, links and anchors hold, and it asks no other server for anything."""

import asyncio
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from broker.contract.documents import asyncapi
from cli.invocation.errors import CommandError
from cli.site.building import build
from cli.site.navigation import navigation
from cli.site.staging import GENERATED, pages
from services.wall import openapi
from tests.wall.browser.chromium import browser as browser  # noqa: PLC0414  (a fixture)

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.xdist_group("site")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    build(ROOT, target)
    return target


def small(root: Path, text: str) -> Path:
    """Return a checkout of few pages, one of which has this text."""
    (root / "docs").mkdir()
    for name in ("mkdocs.yml", "site.css"):
        shutil.copy(ROOT / "docs" / name, root / "docs")
    (root / "README.md").write_text("# A\n\n## Start here\n\n[all](docs/README.md)\n", "utf-8")
    (root / "docs" / "README.md").write_text(f"# B\n\n{text}\n", "utf-8")
    (root / "docs" / "reference").mkdir()
    for page in ("contract", "http"):
        (root / "docs" / "reference" / f"{page}.md").write_text(f"# {page}\n", "utf-8")
    return root


@pytest.mark.slow
def test_every_page_of_the_repository_is_in_the_site_and_in_its_search(site: Path) -> None:
    wanted = {re.sub(r"(README)?\.md$", "", page) for page in pages(ROOT)}
    wanted |= {page.removesuffix(".md") for page in GENERATED}
    built = {
        re.sub(r"(index)?\.html$", "", page.relative_to(site).as_posix())
        for page in site.rglob("*.html")
        if page.name != "404.html"
    }
    assert built == wanted
    found = json.loads((site / "search" / "search_index.json").read_text("utf-8"))["docs"]
    assert {re.sub(r"(index)?\.html(#.*)?$", "", entry["location"]) for entry in found} >= wanted - {""}


@pytest.mark.slow
def test_the_api_and_the_contract_are_written_out_and_can_be_downloaded(site: Path) -> None:
    reference = site / "docs" / "reference"
    http = (reference / "openapi.html").read_text("utf-8")
    messages = (reference / "asyncapi.html").read_text("utf-8")
    wanted = [f"{method.upper()} {path}" for path, methods in openapi.document()["paths"].items() for method in methods]
    assert [operation for operation in wanted if f"{operation}</code>" not in http] == []
    channels = asyncapi.document()["channels"].values()
    assert [each["address"] for each in channels if f">{each['address']}</code>" not in messages] == []
    assert json.loads((reference / "openapi.json").read_text("utf-8"))["paths"]
    assert json.loads((reference / "asyncapi.json").read_text("utf-8"))["channels"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[gone](how-to/gone.md)", "how-to/gone.md"),
        ("[gone](../README.md#gone)", "gone"),
        ("[gone](#gone)", "gone"),
        ("![gone](pictures/gone.png)", "pictures/gone.png"),
    ],
    ids=["page", "anchor", "anchor-of-the-page", "picture"],
)
def test_what_leads_nowhere_is_an_error_that_names_it(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(CommandError, match=re.escape(named)):
        build(small(tmp_path, text), tmp_path / "site")
    assert not (tmp_path / "site").exists()


@pytest.mark.slow
def test_what_leads_somewhere_is_none(tmp_path: Path) -> None:
    root = small(tmp_path, "[start](../README.md#start-here), [an example](../examples/lathe.py)")
    (root / "examples").mkdir()
    (root / "examples" / "lathe.py").write_text("print()\n", "utf-8")
    build(root, tmp_path / "site")
    assert (tmp_path / "site" / "examples" / "lathe.py").exists()
    build(root, tmp_path / "site")  # a site that is there is replaced


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.mkdir()
    (target / "letter.txt").write_text("mine", "utf-8")
    with pytest.raises(CommandError, match="is not empty"):
        build(small(tmp_path, ""), target)
    assert (target / "letter.txt").exists()


def test_a_section_has_the_order_of_the_index_then_that_of_the_headings(tmp_path: Path) -> None:
    root = small(tmp_path, "[second](how-to/b.md), [first](how-to/c.md)")
    (root / "docs" / "how-to").mkdir()
    for name, heading in (("a", "Zebra"), ("b", "B"), ("c", "C"), ("d", "Ant")):
        (root / "docs" / "how-to" / f"{name}.md").write_text(f"# {heading}\n", "utf-8")
    (section,) = (each["How-to"] for each in navigation(root, pages(root)) if "How-to" in each)
    assert [next(iter(entry)) for entry in section] == ["B", "C", "Ant", "Zebra"]


@pytest.mark.slow
async def test_it_is_served_until_it_is_interrupted(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "cli.main", "docs", "--serve", "--port", "0", "--out", str(tmp_path)]
    process = await asyncio.create_subprocess_exec(
        *command, env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(60), httpx.AsyncClient() as client:
            assert process.stdout is not None
            assert (await process.stdout.readline()).decode().strip() == str(tmp_path / "index.html")
            address = (await process.stdout.readline()).decode().split()[0]
            assert "A shop floor, live in your browser" in (await client.get(address)).text
            process.send_signal(signal.SIGINT)
            assert await process.wait() in {0, 130}
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


SERVE = """
import sys; from pathlib import Path; from cli.site.building import build, serve
root, target = Path(sys.argv[1]), Path(sys.argv[2])
build(root, target)
serve(root, target, 0)
"""


@pytest.mark.slow
async def test_a_page_that_changes_is_built_again(tmp_path: Path) -> None:
    (tmp_path / "checkout" / "examples").mkdir(parents=True)
    root = small(tmp_path / "checkout", "first words")
    for name in ("CONTRIBUTING", "SECURITY", "CHANGELOG"):
        (root / f"{name}.md").write_text(f"# {name}\n", "utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-c", SERVE, str(root), str(tmp_path / "site")),
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(120), httpx.AsyncClient(timeout=60) as client:
            assert process.stdout is not None
            address = (await process.stdout.readline()).decode().split()[0]
            page = f"{address}docs/index.html"
            assert "first words" in (await client.get(page)).text
            (root / "docs" / "README.md").write_text("# B\n\nsecond words\n", "utf-8")
            while "second words" not in (await client.get(page)).text:  # noqa: ASYNC110  (a browser asks again, too)
                await asyncio.sleep(0.05)
    finally:
        process.kill()
        await process.wait()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, site: Path) -> None:
    """Answer one request with a file, as any web server does."""
    path = (await reader.readline()).split()[1].decode().partition("?")[0]
    file = site / path.lstrip("/")
    body = file.read_bytes() if file.is_file() else b""
    kinds = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    head = f"HTTP/1.1 {'200 OK' if file.is_file() else '404 Not Found'}\r\nConnection: close\r\n"
    head += f"Content-Type: {kinds.get(file.suffix, 'application/octet-stream')}\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    writer.close()
    await writer.wait_closed()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def address(site: Path) -> AsyncIterator[str]:
    server = await asyncio.start_server(lambda reader, writer: serve(reader, writer, site), "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="module")
async def test_a_browser_finds_pages_by_search_and_nothing_is_loaded_from_elsewhere(
    browser: Browser, address: str
) -> None:
    asked: list[str] = []
    page = await browser.new_page(color_scheme="dark")
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"{address}index.html")
    assert await page.locator("body").get_attribute("data-md-color-scheme") == "slate"
    # What is typed before the search is ready is not looked for.
    await page.locator(".md-search-result__meta", has_text="Type to start searching").wait_for(state="attached")
    # It looks when a key is released; a text that is filled in is seen only if it is there a moment after the focus.
    await page.locator("input.md-search__input").press_sequentially("kiosk")
    await page.locator(".md-search-result__link[href*='how-to/kiosk']").first.click(timeout=60_000)
    await page.wait_for_url("**/docs/how-to/kiosk.html**")
    await page.close()
    assert len(asked) > 5
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


SHOWN = [
    "index",
    "docs/tutorials/first-shift",
    "docs/how-to/plug-in-a-device",
    "docs/reference/contract",
    "docs/reference/command-line",
]
CUT = """() => {
  const wide = (element) => element.scrollWidth > element.clientWidth + 1;
  const commands = [...document.querySelectorAll('.language-sh pre > code')].filter(wide);
  const words = [...document.querySelectorAll('td code')].filter((word) => /^\\w+$/.test(word.textContent));
  const broken = words.filter((word) => word.getClientRects().length > 1);
  const page = wide(document.documentElement) ? ['the page is wider than the screen'] : [];
  return [...page, ...[...commands, ...broken].map((element) => element.textContent)];
}"""
"""Returns what a reader cannot read: commands that are cut, fields of a table that are broken."""


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "laptop"])
@pytest.mark.asyncio(loop_scope="module")
async def test_commands_and_fields_are_read_whole(browser: Browser, address: str, width: int) -> None:
    page = await browser.new_page(viewport={"width": width, "height": 900})
    found = {}
    for name in SHOWN:
        await page.goto(f"{address}{name}.html", timeout=120_000)
        assert name == "index" or await page.locator(".language-sh, td code").count()
        if cut := await page.evaluate(CUT):
            found[name] = cut
    await page.close()
    assert found == {}
