"""The demo: how soon it is ready, what it costs while it runs, and how soon a message is on the wall's interface.

Figures are of the whole demo, the broker's process included. The reference of the latency is a plain subscriber of the
same broker: how long the message takes to reach a client that does nothing with it.

    ./corridor bench demo            a minute at real speed
    ./corridor bench demo 60         as many minutes as you like
"""

import asyncio
import os
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

import aiomqtt
import httpx
import psutil

ROOT = Path(__file__).resolve().parent.parent
MESSAGES = 100
TOPIC = "corridor/v1/bench/shop/line-1/device-1"


async def main(minutes: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        port, mqtt_port = free_port(), free_port()
        first_s, process = await start(folder, port, mqtt_port)
        print(f"first start, eight hours of the past included  {first_s:6.2f} s to `ready`")
        page_s = await page(port)
        print(f"page and its first snapshot                    {page_s:6.2f} s")
        process.terminate()
        began = time.monotonic()
        await process.communicate()
        print(f"SIGTERM                                        {time.monotonic() - began:6.2f} s")
        later_s, process = await start(folder, port, mqtt_port)
        print(f"later start                                    {later_s:6.2f} s to `ready`")
        api, plain = await latency(port, mqtt_port)
        print(
            f"published by another client, on the interface  {statistics.median(api) * 1e3:6.1f} ms median,"
            f" {max(api) * 1e3:.0f} ms worst of {len(api)}; plain subscriber {statistics.median(plain) * 1e3:.1f} ms,"
            f" ratio {statistics.median(api) / statistics.median(plain):.1f}"
        )
        share, peak = await cost(process, minutes * 60)
        print(f"CPU over {minutes:g} min at real speed, eight machines   {share:6.1%} of a core")
        print(f"memory, the most                               {peak / 1e6:6.0f} MB")
        process.terminate()
        await process.communicate()


async def start(folder: str, port: int, mqtt_port: int) -> tuple[float, asyncio.subprocess.Process]:
    """Start a demo; return the seconds until it printed `ready`."""
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "cli.main", "demo", "--data", folder),
        *("--port", str(port), "--mqtt-port", str(mqtt_port)),
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    if (await process.stdout.readline()).strip() != b"ready":
        raise SystemExit("the demo did not start")
    return time.monotonic() - began, process


async def page(port: int) -> float:
    """Return the seconds until the overview and the first event of its stream are here."""
    began = time.monotonic()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as web:
        (await web.get("/")).raise_for_status()
        async with web.stream("GET", "/api/v1/stream") as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data:"):
                    break
    return time.monotonic() - began


async def latency(port: int, mqtt_port: int) -> tuple[list[float], list[float]]:
    """Publish states; return how long each took to show on the interface, and to reach a plain subscriber."""
    shown: list[float] = []
    plain: list[float] = []
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as web,
        aiomqtt.Client("127.0.0.1", mqtt_port) as device,
        aiomqtt.Client("127.0.0.1", mqtt_port) as listener,
    ):
        await listener.subscribe(f"{TOPIC}/state", qos=1)
        for number in range(MESSAGES):
            word = ("running", "setup")[number % 2]
            began = time.monotonic()
            await device.publish(f"{TOPIC}/state", word, qos=1)
            await anext(aiter(listener.messages))
            plain.append(time.monotonic() - began)
            while not any(
                asset["path"] == TOPIC.removeprefix("corridor/v1/") and asset["state"] == word
                for asset in (await web.get("/api/v1/assets")).json()
            ):
                pass
            shown.append(time.monotonic() - began)
    return shown, plain


async def cost(process: asyncio.subprocess.Process, seconds: float) -> tuple[float, int]:
    """Return the share of a core that the demo and its broker take, and their greatest memory in bytes."""
    parent = psutil.Process(process.pid)
    family = [parent, *parent.children(recursive=True)]
    before, began, peak = used(family), time.monotonic(), 0
    while (left := began + seconds - time.monotonic()) > 0:
        await asyncio.sleep(min(left, 5))
        peak = max(peak, sum(one.memory_info().rss for one in family))
    return (used(family) - before) / (time.monotonic() - began), peak


def used(family: list[psutil.Process]) -> float:
    """Return CPU seconds used so far."""
    return sum(sum(one.cpu_times()[:2]) for one in family)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 1))
