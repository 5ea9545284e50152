"""The wall in a real browser: how soon a message changes the text on a page, and what a page costs.

A demo without simulator, machines that publish over MQTT as fast as they are asked to, and headless Chromium on the
overview. A probe machine reports a state, a count and a signal with a value that no other message has; the page itself
notes when the text that shows it changes. The reference is a plain subscriber of the same broker.

    ./corridor bench wall                8 machines with 20 messages/s, then 200 with 300, a minute each
    ./corridor bench wall 200 300 10     so many machines, messages a second and minutes
"""

import asyncio
import itertools
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiomqtt
import psutil
from playwright.async_api import CDPSession, Page, async_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from benchmarks.demo import free_port  # noqa: E402  (it stands beside this)

PROBE = "bench/shop/line-1/m-4"  # the last of its line: its pieces are the line's
SAMPLES = 30
MACHINES_A_LINE = 4
NUMBERS = itertools.count(1_001)
PIECES = itertools.count(1)
LOST_S = 4

# Notes when an element shows a text, in ms since 1970, by the page's own clock.
WATCH = """
(selector) => {
  window.probe = { wanted: null, at: null };
  const look = () => {
    const { wanted, exact, at } = window.probe;
    if (wanted === null || at !== null) return;
    for (const each of document.querySelectorAll(selector)) {
      const text = each.textContent.trim();
      if (exact ? text === wanted : text.includes(wanted)) { window.probe.at = Date.now(); return; }
    }
  };
  window.watcher?.disconnect();
  window.watcher = new MutationObserver(look);
  window.watcher.observe(document.body, { subtree: true, childList: true, characterData: true });
}
"""


async def main(machines: int, rate: float, minutes: float) -> None:
    port, mqtt_port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        demo = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "cli.main", "demo", "--no-simulator", "--data", folder),
            *("--port", str(port), "--mqtt-port", str(mqtt_port)),
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert demo.stdout is not None
        if (await demo.stdout.readline()).strip() != b"ready":
            raise SystemExit("the demo did not start")
        print(f"{machines} machines, {rate:g} messages/s")
        load = asyncio.create_task(publish(mqtt_port, machines, rate))
        try:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
                )
                await measure(await browser.new_page(), port, mqtt_port, minutes, psutil.Process(demo.pid))
                await browser.close()
        finally:
            load.cancel()
            demo.terminate()
            await demo.communicate()


async def publish(mqtt_port: int, machines: int, rate: float) -> None:
    """Publish for all machines but the probe: a count each seven seconds, now and then a state, and signals."""
    chance = random.Random(1)  # noqa: S311  (of a load)
    made = [0] * machines
    async with aiomqtt.Client("127.0.0.1", mqtt_port) as client:
        for machine in range(machines):
            await client.publish(
                f"corridor/v1/{path(machine)}/job", '{"phase":"start","order":"wo-1","product":"part","ideal_cycle":6}'
            )
            await client.publish(f"corridor/v1/{path(machine)}/state", "running")
            await client.publish(f"corridor/v1/{path(machine)}/count", '{"produced":0,"good":0,"scrap":0}')
        began, sent = time.monotonic(), 0
        while True:
            while sent < (time.monotonic() - began) * rate:
                machine = sent % machines
                if path(machine) == PROBE:
                    machine = 0
                kind = chance.random() * rate / machines
                if kind < 1 / 7:
                    made[machine] += 1
                    body = json.dumps({"produced": made[machine], "good": made[machine], "scrap": 0})
                    await client.publish(f"corridor/v1/{path(machine)}/count", body)
                elif kind < 1 / 7 + 1 / 20:
                    # Nobody else of the probe's line goes down: its tile names the machine that has been down longest.
                    worst = "starved" if machine < MACHINES_A_LINE else "down"
                    state = chance.choice(("running", "running", "starved", worst))
                    await client.publish(f"corridor/v1/{path(machine)}/state", state)
                else:
                    await client.publish(f"corridor/v1/{path(machine)}/telemetry/load", f"{chance.random() * 100:.2f}")
                sent += 1
            await asyncio.sleep(0.01)


def path(machine: int) -> str:
    """Return a machine's path."""
    return f"bench/shop/line-{machine // MACHINES_A_LINE + 1}/m-{machine % MACHINES_A_LINE + 1}"


async def measure(page: Page, port: int, mqtt_port: int, minutes: float, demo: psutil.Process) -> None:
    """Measure how soon texts change, then what the overview costs."""
    url = f"http://127.0.0.1:{port}"
    async with aiomqtt.Client("127.0.0.1", mqtt_port) as device, aiomqtt.Client("127.0.0.1", mqtt_port) as listener:
        await listener.subscribe(f"corridor/v1/{PROBE}/#")
        for view, selector, kind in (
            ("/", "article .top .for", "state"),
            ("/line/bench/shop/line-1", ".figure .value", "count"),
            (f"/machine/{PROBE}", ".signal b", "telemetry/probe"),
            ("/", "article .q", "count"),
        ):
            await page.goto(url + view)
            await page.locator(".link.on, .link.old").wait_for()
            if kind.startswith("telemetry"):
                await device.publish(f"corridor/v1/{PROBE}/{kind}", "1")
            await page.evaluate(WATCH, selector)
            await asyncio.sleep(5)
            await report(page, device, listener, view, kind)
        await cost(page, minutes, demo)


async def report(page: Page, device: aiomqtt.Client, listener: aiomqtt.Client, view: str, kind: str) -> None:
    """Publish a kind of message again and again; print how long each took to change the text."""
    chance = random.Random(2)  # noqa: S311  (of pauses)
    took: list[float] = []
    plain: list[float] = []
    lost = 0
    for _ in range(SAMPLES):
        number = next(NUMBERS)
        wanted, body = probe(kind, number)
        await page.evaluate(
            "([wanted, exact]) => { window.probe = { wanted, exact, at: null }; }", [wanted, kind == "count"]
        )
        began = time.time()
        await device.publish(f"corridor/v1/{PROBE}/{kind}", body, qos=1)
        async for message in listener.messages:
            if message.topic.value.endswith(kind):
                break
        plain.append(time.time() - began)
        if (at := await shown_at(page)) is None:
            lost += 1
        else:
            took.append(at / 1e3 - began)
        await asyncio.sleep(chance.random())
    if not took:
        print(f"  {kind:<16} on {view:<26} never shown")
        return
    cut = statistics.quantiles(took, n=20)
    print(
        f"  {kind:<16} on {view:<26} p50 {statistics.median(took) * 1e3:5.0f} ms, p95 {cut[18] * 1e3:5.0f} ms,"
        f" worst {max(took) * 1e3:5.0f} ms of {len(took)}, {lost} not shown;"
        f" plain subscriber p50 {statistics.median(plain) * 1e3:.1f} ms"
    )


async def shown_at(page: Page) -> float | None:
    """Return when the page showed what the probe reported, ms since 1970; None if it has not after long."""
    until = time.monotonic() + LOST_S
    while time.monotonic() < until:
        if (at := await page.evaluate("window.probe.at")) is not None:
            return float(at)
        await asyncio.sleep(0.05)
    return None


def probe(kind: str, number: int) -> tuple[str, str]:
    """Return the text that is to appear, and the payload that makes it."""
    if kind == "state":
        return f"probe {number}", json.dumps({"state": "down", "reason": f"probe-{number}"})
    if kind == "count":  # one piece more each time: a jump is not taken for production
        made = next(PIECES)
        return str(made), json.dumps({"produced": made, "good": made, "scrap": 0})
    return str(number % 997), str(number % 997)


async def cost(page: Page, minutes: float, demo: psutil.Process) -> None:
    """Print what the page's main thread and memory, and the demo, cost over a time."""
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")
    family = [demo, *demo.children(recursive=True)]
    before, used, began = await metrics(session), cpu_s(family), time.monotonic()
    heaps = []
    while (left := began + minutes * 60 - time.monotonic()) > 0:
        await asyncio.sleep(min(left, 15))
        await session.send("HeapProfiler.collectGarbage")
        heaps.append((await metrics(session))["JSHeapUsedSize"] / 1e6)
    passed = time.monotonic() - began
    after = await metrics(session)
    busy = (after["TaskDuration"] - before["TaskDuration"]) / passed * 1e3
    print(
        f"  overview over {minutes:g} min: main thread {busy:.0f} ms a second; memory {heaps[0]:.1f} MB after 15 s,"
        f" {heaps[-1]:.1f} MB at the end; nodes {after['Nodes']:.0f};"
        f" demo {(cpu_s(family) - used) / passed:.0%} of a core,"
        f" {sum(one.memory_info().rss for one in family) / 1e6:.0f} MB"
    )


async def metrics(session: CDPSession) -> dict[str, float]:
    """Return what Chromium counts of a page."""
    found: dict[str, Any] = await session.send("Performance.getMetrics")
    return {each["name"]: each["value"] for each in found["metrics"]}


def cpu_s(family: list[psutil.Process]) -> float:
    """Return CPU seconds used so far."""
    return sum(times.user + times.system for times in (one.cpu_times() for one in family))


async def both() -> None:
    await main(8, 20, 1)
    await main(200, 300, 1)


if __name__ == "__main__":
    given = [float(each) for each in sys.argv[1:]]
    asyncio.run(main(int(given[0]), *given[1:]) if len(given) == 3 else both())
