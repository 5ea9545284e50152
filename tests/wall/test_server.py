"""The wall as it runs: a real broker, a real server, and clients that are not ours."""

import asyncio
import gc
import json
import time
from pathlib import Path

import aiomqtt
import httpx
import pytest

from services.store.interface import Store
from tests.wall.works import MILL, NOW, PLANT, Clock, running_wall

pytestmark = pytest.mark.mosquitto


def port_of(url: str) -> int:
    return int(url.rsplit(":", 1)[1])


async def test_a_machine_nobody_declared_is_on_the_interface_and_in_the_stream_with_its_first_message(
    tmp_path: Path, store: Store
) -> None:
    async with (
        asyncio.timeout(40),
        running_wall(tmp_path, store, time.time_ns) as wall,
        httpx.AsyncClient(base_url=wall.url, timeout=20) as client,
        client.stream("GET", "/api/v1/stream", params={"messages": "true"}) as reply,
        aiomqtt.Client("127.0.0.1", port_of(wall.broker)) as device,
    ):
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert reply.headers["x-accel-buffering"] == "no"
        lines = reply.aiter_lines()
        while not (await anext(lines)).startswith("data:"):
            pass
        await device.publish("corridor/v1/bench/demo/line-1/robot-9/state", "running", qos=1)
        async for line in lines:
            if line.startswith("data:") and "bench/demo/line-1/robot-9" in line:
                break
        reported = {each["path"]: each for each in (await client.get("/api/v1/assets")).json()}
        assert reported["bench/demo/line-1/robot-9"]["state"] == "running"
        assert reported["bench/demo/line-1/robot-9"]["simulated"] is False
        assert reported[MILL]["state"] == "unknown"  # declared, never reported


@pytest.mark.slow
async def test_the_wall_recalls_what_the_store_knows(tmp_path: Path, filled: Store) -> None:
    async with running_wall(tmp_path, filled, Clock(NOW)) as wall, httpx.AsyncClient(base_url=wall.url) as client:
        reported = {each["path"]: each for each in (await client.get("/api/v1/assets")).json()}
        assert (reported[MILL]["state"], reported[MILL]["since"]) == ("running", "2026-11-25T08:55:00Z")


@pytest.mark.slow
async def test_stopping_does_not_wait_for_open_pages(tmp_path: Path, store: Store) -> None:
    async with running_wall(tmp_path, store, time.time_ns) as wall, httpx.AsyncClient(base_url=wall.url) as client:
        async with client.stream("GET", "/api/v1/stream") as reply:
            lines = reply.aiter_lines()
            assert await anext(lines) == "retry: 2000"
            async with asyncio.timeout(5):
                await wall.stop()
                async for _ in lines:
                    pass
        with pytest.raises(httpx.ConnectError):
            await client.get("/healthz")


@pytest.mark.slow
async def test_a_port_in_use_is_an_error_that_says_so(tmp_path: Path, store: Store) -> None:
    async with running_wall(tmp_path, store, time.time_ns) as wall:
        with pytest.raises(ExceptionGroup, match="unhandled") as caught:
            async with running_wall(tmp_path / "second", store, time.time_ns, port=port_of(wall.url)):
                pass
        assert caught.group_contains(OSError, match="in use")


@pytest.mark.slow
async def test_the_devices_box_knows_the_real_broker(tmp_path: Path, store: Store) -> None:
    async with (
        running_wall(tmp_path, store, time.time_ns, plant=PLANT) as wall,
        httpx.AsyncClient(base_url=wall.url) as client,
        client.stream("GET", "/api/v1/stream") as reply,
    ):
        async for line in reply.aiter_lines():
            if line.startswith("data:"):
                assert json.loads(line[5:])["plant"]["broker"] == {
                    "host": "127.0.0.1",
                    "port": port_of(wall.broker),
                    "login": False,
                }
                break


@pytest.mark.slow
async def test_the_garbage_collector_does_not_pass_over_what_stays_in_memory(tmp_path: Path, filled: Store) -> None:
    async with running_wall(tmp_path, filled, Clock(NOW)):
        assert gc.get_freeze_count() > 0
        assert not [each for each in gc.get_objects() if each is PLANT.assets]
    assert gc.get_freeze_count() == 0
    assert [each for each in gc.get_objects() if each is PLANT.assets]
