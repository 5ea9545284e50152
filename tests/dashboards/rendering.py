"""Pages drawn by Grafana's own libraries in a real Chromium, over a real InfluxDB: what each panel says and shows.

`grafana_render/` is the program that the browser runs; `npm ci --ignore-scripts` in it installs Grafana's libraries of
the version of the stack's image. Pictures go to `build/grafana/`, for people to look at.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.dashboards.viewing import DATABASES, View
from tests.store.influx.influxd import Influxd

PROGRAM: Final = Path(__file__).parent / "grafana_render"
PICTURES: Final = Path(__file__).parents[2] / "build" / "grafana"
INSTALL: Final = f"Grafana's libraries are not installed: (cd {PROGRAM} && npm ci --ignore-scripts)"
WIDTH_PX: Final = 1_400
"""Of a laptop's screen, less Grafana's margins."""
ADDRESS: Final = "http://localhost/"
"""Nothing is there: the browser is given an empty page for it, for pages without an address have no storage."""
ARGUMENTS: Final = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-web-security"]


class Field(NamedTuple):
    """A column, or a series.

    Attributes:
        name: as the query has it: of a series its alias.
        title: what it is called on the panel.
        type: of its values.
        unit: Grafana's name of it.
        hidden: it is not drawn.
        steps: from which values on it has another colour.
        values: as they are.
        shown: how they are written.
    """

    name: str
    title: str
    type: str
    unit: str
    hidden: bool
    steps: list[float]
    values: list[Any]
    shown: list[str]


class Panel(NamedTuple):
    """A panel as it was drawn.

    Attributes:
        title: with variables filled in.
        type: its kind.
        interval: the width of its intervals.
        error: what went wrong; '' if nothing did.
        frames: the fields of each frame that it draws.
        text: what can be read on it.
        columns_beyond_px: how far a table's columns stick out on the right.
        clipped: texts of a table that do not fit into their cells.
    """

    title: str
    type: str
    interval: str
    error: str
    frames: list[list[Field]]
    text: str
    columns_beyond_px: int
    clipped: list[str]

    @classmethod
    def of(cls, seen: dict[str, Any]) -> Self:
        """Return a panel of what the browser reports."""
        frames = [[Field(**field) for field in frame["fields"]] for frame in seen["frames"] if frame["length"]]
        names = ("title", "type", "interval", "error", "text", "columns_beyond_px", "clipped")
        return cls(**{name: seen[name] for name in names}, frames=frames)

    def fields(self) -> Iterator[Field]:
        """Yield all fields."""
        for frame in self.frames:
            yield from frame

    @property
    def shown(self) -> str:
        """What can be read beside the title, on one line."""
        return " ".join(self.text.removeprefix(self.title).split())


def installed() -> None:
    """Skip a test where Grafana's libraries are missing; fail it where nothing may be missing."""
    if not (PROGRAM / "node_modules" / "@grafana" / "data").exists():
        if os.environ.get("CI") == "true":
            pytest.fail(INSTALL, pytrace=False)
        pytest.skip(INSTALL)


class Screen:
    """A browser with the program in it, in a thread of its own: Playwright's loop would be in the way of others.

    Args:
        folder: for the bundled program.
    """

    def __init__(self, folder: Path) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._open = ExitStack()
        self._page = self._thread.submit(self._start, folder).result()

    def _start(self, folder: Path) -> Page:
        return self._open.enter_context(_opened(self._open.enter_context(_browser(folder)), folder))

    def draw(self, dashboard: dict[str, Any], influxd: Influxd, view: View, picture: str) -> list[Panel]:
        """Draw a dashboard and take its picture; return its panels.

        Args:
            dashboard: as it is committed.
            influxd: the server.
            view: range and variables; its end is the present.
            picture: the name of the picture's file.
        """
        return self._thread.submit(_drawn, self._page, dashboard, influxd, view, picture).result()

    def close(self) -> None:
        """End the browser."""
        self._thread.submit(self._open.close).result()
        self._thread.shutdown()


@contextmanager
def _browser(folder: Path) -> Iterator[Browser]:
    """Bundle the program into a folder and run a browser for it."""
    node = shutil.which("node") or shutil.which("nodejs")
    assert node is not None
    subprocess.run([node, PROGRAM / "build.mjs", folder / "render.js"], check=True)
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield opened
        opened.close()


@contextmanager
def _opened(running: Browser, folder: Path) -> Iterator[Page]:
    """Open an empty page with the program of `folder` in it."""
    with running.new_context(viewport={"width": WIDTH_PX + 40, "height": 900}, timezone_id="Europe/London") as context:
        page = context.new_page()
        page.route(ADDRESS, lambda route: route.fulfill(body="<!doctype html><body></body>", content_type="text/html"))
        page.goto(ADDRESS)
        page.add_script_tag(path=folder / "render.js")
        page.add_style_tag(path=folder / "render.css")
        yield page


def _drawn(page: Page, dashboard: dict[str, Any], influxd: Influxd, view: View, picture: str) -> list[Panel]:
    signals = [name for name in view.chosen.get("signal", "").split("|") if name]
    asked = {
        "influxd": f"http://127.0.0.1:{influxd.port}",
        "databases": DATABASES,
        "now": view.end,
        "from": f"now-{(view.end - view.start) // 1_000}s",
        "to": "now",
        "timeZone": "browser",
        "width": WIDTH_PX,
        "chosen": view.chosen,
        "all": {"signal": signals},
    }
    seen = page.evaluate("([page, view]) => show(page, view)", [dashboard, asked])
    height = page.evaluate("document.getElementById('page').offsetHeight")
    page.set_viewport_size({"width": WIDTH_PX + 40, "height": height + 40})
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{picture}.png")
    (PICTURES / f"{picture}.json").write_text(json.dumps(seen, ensure_ascii=False, indent=1), encoding="utf-8")
    assert seen["unknown_settings"] == []
    return [Panel.of(one) for one in seen["panels"]]
