"""Take the pictures of this folder from a running demo: `python docs/pictures/take.py http://127.0.0.1:8080`.

Needs Chromium and the `test` extra. Each picture is a view at a size and in a scheme; they are small, so that a
reader with a slow line sees them too.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

LINE = "sheffield/machining/line-1"
PICTURES = {
    "overview-light": ("/", 1366, 768, "light"),
    "overview-dark": ("/", 1366, 768, "dark"),
    "overview-phone": ("/", 390, 844, "light"),
    "overview-4k": ("/", 3840, 2160, "dark"),
    "line-light": (f"/line/{LINE}", 1366, 1480, "light"),
    "machine-light": (f"/machine/{LINE}/mill-1", 1366, 1100, "light"),
    "machine-phone": (f"/machine/{LINE}/mill-1", 390, 844, "dark"),
    "stops-light": (f"/stops/{LINE}", 1366, 768, "light"),
    "why-light": (f"/why/{LINE}?indicator=oee", 1366, 900, "light"),
    "devices-light": ("/devices", 1366, 900, "light"),
    "kiosk-andon": (f"/kiosk?views=/line/{LINE}&theme=andon", 1366, 768, "dark"),
}
LOADING_MS = 3_000


def main(wall: str) -> None:
    """Take all of them."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, (path, width, height, scheme) in PICTURES.items():
            page = browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
                reduced_motion="reduce",
            )
            page.goto(wall.rstrip("/") + path)
            page.locator(".link.on").wait_for()
            page.wait_for_timeout(LOADING_MS)
            page.screenshot(path=Path(__file__).parent / f"{name}.png")
            page.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
