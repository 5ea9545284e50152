"""What the overview shows of a busy plant is what the interface answers: each second, and when the plant rests.

200 machines in 50 lines and 300 messages a second, over a real demo, broker and Chromium. A wall that freezes, skips
counts or shows a state that nobody has any more fails here, however slow the machine: nothing measures time.
"""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from playwright.async_api import Browser, Page

from tests.stack.running import Demo, client
from tests.wall.browser.chromium import browser as browser  # noqa: PLC0414  (a fixture)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.mosquitto,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="module"),
]

MACHINES = [f"bench/shop/line-{line}/m-{place}" for line in range(1, 51) for place in range(1, 5)]
RATE = 300
ROUNDS = 12
ASKED = 6
"""So many lines are compared in a round, others in each: the interface recounts what the page has from the stream."""
PATIENCE_S = 60

READ = """() => [...document.querySelectorAll('article.tile')].map((tile) => {
  const text = (selector) => tile.querySelector(selector)?.textContent.trim() ?? '';
  return { title: tile.ariaLabel, state: text('.state'), good: text('.q'), oee: text('.oee-value .num') };
})"""


class Tile(msgspec.Struct):
    """What a tile shows: the state's word, good pieces, and OEE in per cent; None where no figure stands."""

    line: str
    state: str
    good: int | None
    oee: float | None


async def test_each_second_a_busy_overview_comes_to_what_the_interface_answers(
    browser: Browser, tmp_path: Path
) -> None:
    async with Demo(tmp_path, "--no-simulator", "--broker", "mosquitto") as demo:
        rest = asyncio.Event()
        load = asyncio.create_task(publish(demo.mqtt_port, rest))
        try:
            await demo.until("/api/v1/assets", lambda assets: len(assets) >= len(MACHINES))
            page = await browser.new_page()
            await page.goto(f"http://127.0.0.1:{demo.port}/")
            await until(page, lambda tiles: resolved(len(tiles) == 24 and all(tile.good is not None for tile in tiles)))
            for _ in range(ROUNDS):
                await keeps_up(page, demo)
                await asyncio.sleep(1)
            rest.set()
            await load
            await agrees_at_rest(page, demo)
            await page.close()
        finally:
            load.cancel()


async def keeps_up(page: Page, demo: Demo) -> None:
    """Check that the page comes to the pieces that the interface answers now, and never shows more than there are."""
    lines = random.sample([tile.line for tile in await tiles_of(page)], ASKED)
    answered = await good_of(demo, lines)

    async def has_come(tiles: list[Tile]) -> bool:
        # A line that is no longer among the worst is not drawn any more.
        return all((tile.good or 0) >= answered.get(tile.line, 0) for tile in tiles)

    shown = {tile.line: tile.good or 0 for tile in await until(page, has_come)}
    # The page has pieces from the messages themselves, a moment before the store that is asked.
    async with asyncio.timeout(PATIENCE_S):
        while any(shown.get(line, 0) > good for line, good in (await good_of(demo, lines)).items()):  # noqa: ASYNC110  (asked)
            await asyncio.sleep(0.1)


async def agrees_at_rest(page: Page, demo: Demo) -> None:
    """Check states, pieces and OEE of all tiles once nothing is published any more."""
    answered: dict[str, list[float]] = {}

    async def agrees(tiles: list[Tile]) -> bool:
        lines = [tile.line for tile in tiles]
        states = {asset["path"]: asset["state"] for asset in await get(demo, "/api/v1/assets")}
        good = await good_of(demo, lines)
        for answer in await get(demo, f"/api/v1/kpi?{asked(lines)}&from=shift&to=now"):
            answered.setdefault(answer["asset"], []).append(100 * answer["indicators"]["oee"])
        # Without pieces OEE only falls: the page's, a few seconds old, is between two answers of the interface.
        between = all(
            tile.oee is not None and min(answered[tile.line]) - 0.1 <= tile.oee <= max(answered[tile.line]) + 0.1
            for tile in tiles
        )
        same = all(tile.state.lower() == states[tile.line] and tile.good == good[tile.line] for tile in tiles)
        return same and between and all(len(answered[line]) > 1 for line in lines)

    await until(page, agrees)


async def until(page: Page, holds: Callable[[list[Tile]], Awaitable[bool]]) -> list[Tile]:
    """Return what the tiles show once that meets a condition."""
    tiles: list[Tile] = []
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await holds(tiles := await tiles_of(page)):  # noqa: ASYNC110  (a page has no event)
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"still shown: {tiles}") from None
    return tiles


async def resolved(value: bool) -> bool:
    return value


async def tiles_of(page: Page) -> list[Tile]:
    shown: list[dict[str, str]] = await page.evaluate(READ)
    return [
        Tile(
            line=f"bench/shop/{each['title'].lower().replace(' ', '-')}",
            state=each["state"],
            good=int(each["good"].replace(",", "")) if each["good"] else None,
            oee=float(each["oee"]) if each["oee"] else None,
        )
        for each in shown
    ]


async def good_of(demo: Demo, lines: list[str]) -> dict[str, int]:
    """Return the good pieces of lines as the interface answers."""
    plans: list[dict[str, Any]] = await get(demo, f"/api/v1/plan?{asked(lines)}&from=shift&to=now")
    return {plan["asset"]: plan["good"] for plan in plans}


async def get(demo: Demo, path: str) -> Any:
    """Ask the interface with the patience that it needs while the machine is busy."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{demo.port}", timeout=PATIENCE_S) as asking:
        return (await asking.get(path)).raise_for_status().json()


def asked(lines: list[str]) -> str:
    return "&".join(f"asset={line}" for line in lines)


async def publish(mqtt_port: int, rest: asyncio.Event) -> None:
    """Publish a count of each machine each seven seconds, a state each twenty, and signals, until it is to rest."""
    chance = random.Random(1)
    made = dict.fromkeys(MACHINES, 0)
    async with client(mqtt_port) as device:
        for machine in MACHINES:
            topic = f"corridor/v1/{machine}"
            order = {"phase": "start", "order": "wo-1", "product": "part", "ideal_cycle": 6}
            await device.publish(f"{topic}/job", json.dumps(order))
            await device.publish(f"{topic}/state", "running")
            await device.publish(f"{topic}/count", '{"produced":0,"good":0,"scrap":0}')
        began, sent = time.monotonic(), 0
        while not rest.is_set():
            while sent < (time.monotonic() - began) * RATE:
                topic = f"corridor/v1/{(machine := MACHINES[sent % len(MACHINES)])}"
                kind = chance.random() * RATE / len(MACHINES)
                if kind < 1 / 7:
                    made[machine] += 1
                    count = {"produced": made[machine], "good": made[machine], "scrap": 0}
                    await device.publish(f"{topic}/count", json.dumps(count))
                elif kind < 1 / 7 + 1 / 20:
                    await device.publish(f"{topic}/state", chance.choice(("running", "running", "starved", "down")))
                else:
                    await device.publish(f"{topic}/telemetry/load", f"{chance.random() * 100:.2f}")
                sent += 1
            await asyncio.sleep(0.01)
