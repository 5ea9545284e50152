"""What a page no longer draws leaves its memory."""

import pytest
from playwright.async_api import Browser

from tests.wall.browser.chromium import browser as browser  # noqa: PLC0414  (a fixture)
from tests.wall.browser.test_pages import page_at
from tests.wall.browser.test_pages import wall as wall  # noqa: PLC0414  (a fixture)
from tests.wall.works import Wall

pytestmark = [
    pytest.mark.browser,
    pytest.mark.mosquitto,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
]

# A list through which a hundred components pass, ten at a time, beside an element that never changes.
PASS_THROUGH = """
async (make) => {
  const { html, render, Component } = await import('/static/lib.js');
  const { Ticking } = await import('/static/parts/ticking.js');
  class Row extends Component { render({ text }) { return html`<b>${text()}</b>`; } }
  const of = { Row, Ticking }[make];
  const texts = [];
  window.made = [];
  const text = (number) => {
    if (!texts[number]) {
      texts[number] = () => `row ${number}`;
      window.made.push(new WeakRef(texts[number]));
    }
    return texts[number];
  };
  window.box = document.createElement('div');
  for (let first = 0; first < 91; first += 1) {
    const rows = Array.from({ length: 10 }, (_, place) => first + place)
      .map((row) => html`<${of} key=${row} text=${text(row)} />`);
    render(html`<div>${rows}<i>always the same</i></div>`, window.box);
    await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
    delete texts[first - 1];
  }
  return [window.made.length, window.box.textContent];
}
"""
LAST_TEN = "".join(f"row {number}" for number in range(90, 100)) + "always the same"


@pytest.mark.parametrize("made", ["Row", "Ticking"])
async def test_a_component_that_is_drawn_no_more_is_gone(browser: Browser, wall: Wall, made: str) -> None:
    async with page_at(browser, wall, "/devices") as page:
        assert await page.evaluate(PASS_THROUGH, made) == [100, LAST_TEN]
        chromium = await page.context.new_cdp_session(page)
        await chromium.send("HeapProfiler.collectGarbage")
        left = await page.evaluate("window.made.filter((each) => each.deref()).length")
        assert 10 <= left <= 20, "ten are drawn; the renderer may hold those of the last time"
