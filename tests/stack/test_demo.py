"""The demo as its users meet it: one command, foreign clients, mistakes, crashes, and a clean end."""

import asyncio
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import pytest

from broker.contract.message import Message
from broker.plant.plant import NO_PLANT
from services.kpi.ledger_writer import LedgerWriter
from services.store.interface import LedgerRow, Store
from services.store.opening import default_url, open_store
from tests.stack.running import ROOT, Demo, client, free_port

MACHINE = "my-site/shop/line-1/lathe-1"
TOPIC = f"corridor/v1/{MACHINE}"
BROKERS = [pytest.param("mosquitto", marks=pytest.mark.mosquitto), "nats"]


def state_of(assets: list[dict[str, Any]], machine: str = MACHINE) -> str | None:
    return next((asset["state"] for asset in assets if asset["path"] == machine), None)


@pytest.mark.slow
@pytest.mark.parametrize("broker", BROKERS)
async def test_a_machine_nobody_declared_appears_with_its_first_message(broker: str, tmp_path: Path) -> None:
    async with Demo(tmp_path, "--no-simulator", "--broker", broker) as demo:
        assert not await demo.get("/api/v1/assets")
        async with client(demo.mqtt_port) as device:
            await device.publish(f"{TOPIC}/state", "running", qos=1)
            await demo.until("/api/v1/assets", lambda assets: state_of(assets) == "running")
            await device.publish(f"{TOPIC}/telemetry/spindle-speed", "1200", qos=1)
            await demo.until(
                f"/api/v1/telemetry?asset={MACHINE}&signal=spindle-speed&from=now-1h&to=now&points=10",
                lambda found: "1200" in str(found),
            )


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_a_device_joins_with_the_line_that_the_demo_prints(tmp_path: Path) -> None:
    async with Demo(tmp_path, "--no-simulator") as demo:
        reported_state = "\n".join(demo.lines)
        line = reported_state[reported_state.index("mosquitto_pub") :].replace("\\\n", " ").partition("\n")[0]
        assert (await asyncio.to_thread(subprocess.run, line.split(), timeout=10, check=False)).returncode == 0
        await demo.until("/api/v1/assets", lambda assets: state_of(assets) == "running")


@pytest.mark.slow
async def test_the_simulated_floor_has_a_past_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    demo = Demo(tmp_path)
    async with demo:
        first = await demo.get("/api/v1/kpi?asset=sheffield&from=now-7h&to=now")
        assert first["coverage"] == 1
        assert first["ledger"]["produced"] > 0
        assert 0 < first["indicators"]["oee"] < 1
        assert await demo.stop() == 130
        assert demo.process.returncode == 130
        await demo.start()
        second = await demo.until(
            "/api/v1/kpi?asset=sheffield&from=now-7h&to=now", lambda found: found["coverage"] is not None
        )
        assert second["ledger"]["produced"] >= first["ledger"]["produced"] * 0.9
        assert await demo.stop(signal.SIGTERM) == 0


@pytest.mark.slow
@pytest.mark.timeout(150)
@pytest.mark.parametrize("broker", BROKERS)
async def test_killed_at_any_moment_nothing_acknowledged_is_lost_or_counted_twice(broker: str, tmp_path: Path) -> None:
    demo = Demo(tmp_path / "killed", "--no-simulator", "--broker", broker)
    acknowledged: list[Message] = []
    produced = 0
    async with demo:
        for killing in range(3):
            if killing:
                await demo.start()
            deadline = time.monotonic() + random.Random(killing).uniform(0.3, 0.8)
            try:
                async with client(demo.mqtt_port) as device:
                    while True:
                        produced += 1
                        acknowledged.append(await count(device, produced))
                        if time.monotonic() > deadline:
                            demo.process.kill()
                            await demo.process.wait()
                            break
            except aiomqtt.MqttError:
                pass  # the broker went with the demo; what it had not acknowledged may be lost
        await demo.start()
        await write_with_retry(demo, acknowledged)
        await demo.stop()
    store = await open_store(default_url(demo.data))
    replayed = await open_store(default_url(tmp_path))
    try:
        reported = [event.at for event in await store.events(["count"], MACHINE, 0, 2**62)]
        assert len(reported) == len(set(reported))
        writer = LedgerWriter(replayed, NO_PLANT, lambda: max(reported))
        await writer.store_events(await store.events(["state", "count", "status"], MACHINE, 0, 2**62))
        assert await pieces(store) == await pieces(replayed)
    finally:
        await store.close()
        await replayed.close()


async def count(device: aiomqtt.Client, produced: int) -> Message:
    """Publish a count, and return it when it is acknowledged."""
    payload = f'{{"ts":{time.time_ns() // 1_000_000},"produced":{produced},"good":{produced}}}'
    await device.publish(f"{TOPIC}/count", payload, qos=1, retain=True)
    return Message(f"{TOPIC}/count", payload.encode(), received_at=time.time_ns())


async def write_with_retry(demo: Demo, acknowledged: list[Message]) -> None:
    """Wait until all these counts are in the store."""
    sent = {int(message.payload.split(b":")[1].split(b",")[0]) * 1_000_000 for message in acknowledged}
    store = await open_store(default_url(demo.data))
    try:
        async with asyncio.timeout(40):
            while sent - {event.at for event in await store.events(["count"], MACHINE, 0, 2**62)}:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    finally:
        await store.close()


async def pieces(store: Store) -> list[tuple[int, int]]:
    """Return the pieces of each minute that has any."""
    rows: list[LedgerRow] = await store.rows("", 0, 2**62)
    return [(row.start, row.sums["produced"]) for row in rows if row.sums.get("produced")]


BAD: list[tuple[str, bytes]] = [
    (f"{TOPIC}/state", b"dancing"),
    (f"{TOPIC}/state", b"\xff\xfe\x00"),
    (f"{TOPIC}/count", b'{"produced":-1}'),
    (f"{TOPIC}/telemetry/x", b"NaN"),
    (f"{TOPIC}/telemetry/x", b"[" * 100_000),
    (f"{TOPIC}/telemetry/x", b"1" * 1_000_000),
    ("corridor/v1/a/b/c/d/e/f/g/h/i/j", b"1"),
    ("corridor/v1/x", b"1"),
    ("corridor/v1/A/b/c/d/state", b"running"),
    (f"{TOPIC}/nonsense", b"1"),
]


@pytest.mark.slow
@pytest.mark.parametrize("broker", BROKERS)
async def test_bad_input_is_rejected_with_its_reason_and_costs_nothing(broker: str, tmp_path: Path) -> None:
    async with Demo(tmp_path, "--no-simulator", "--broker", broker) as demo, client(demo.mqtt_port) as device:
        for topic, payload in BAD:
            await device.publish(f"{TOPIC}/telemetry/good", "1", qos=1)
            await device.publish(topic, payload, qos=1)
        await device.publish(f"{TOPIC}/state", "running", qos=1)
        await demo.until("/api/v1/assets", lambda assets: state_of(assets) == "running")
        rejected = await demo.until("/api/v1/rejected?from=now-1h&to=now", lambda found: len(found) >= len(BAD))
        assert {message["topic"] for message in rejected} == {topic for topic, _ in BAD}
        assert all(message["reason"] for message in rejected)


@pytest.mark.slow
async def test_a_second_demo_on_the_same_data_ends_with_the_reason(tmp_path: Path) -> None:
    async with Demo(tmp_path, "--no-simulator"):
        second = await run("demo", "--data", str(tmp_path), "--no-simulator")
    assert second.returncode == 1
    assert "another demo is running on the data" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.slow
async def test_busy_ports_are_named_and_the_next_are_taken(tmp_path: Path) -> None:
    async with Demo(tmp_path / "first", "--no-simulator") as first:
        second = Demo(tmp_path / "second", "--no-simulator")
        second.port, second.mqtt_port = first.port, first.mqtt_port
        async with second:
            reported_state = "\n".join(second.lines)
            assert f"port {first.port} is in use" in reported_state
            assert f"port {first.mqtt_port} is in use" in reported_state
            await second.stop()


@pytest.mark.slow
async def test_a_plant_file_with_a_mistake_is_reported_by_file_and_line(tmp_path: Path) -> None:
    plant = tmp_path / "mine.toml"
    plant.write_text('name = "mine"\n[asset."a/b"]\ncalender = "day"\n', encoding="utf-8")
    ended = await run("demo", "--data", str(tmp_path / "data"), "--plant", str(plant))
    assert ended.returncode == 1
    assert f"{plant}:3" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
async def test_a_mistake_in_what_is_simulated_is_reported_by_file_and_place(tmp_path: Path) -> None:
    wrong = tmp_path / "works.toml"
    wrong.write_text('[simulate.machine."a/b/c/mill-1"]\nmodel = "washer"\ncell = "cmm"\n', encoding="utf-8")
    ports = ("--port", str(free_port()), "--mqtt-port", str(free_port()))
    ended = await run("demo", "--data", str(tmp_path / "data"), "--plant", str(wrong), "--broker", "nats", *ports)
    assert ended.returncode == 1
    assert f'{wrong}: simulate.machine."a/b/c/mill-1": stands in no line' in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
async def test_opened_to_the_network_it_asks_for_a_password(tmp_path: Path) -> None:
    async with Demo(tmp_path, "--no-simulator", "--host", "0.0.0.0") as demo:
        password = next(line for line in demo.lines if "password" in line).rpartition(" ")[2]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{demo.port}") as web:
            assert (await web.get("/api/v1/assets")).status_code == 401
            assert (await web.get("/api/v1/assets", auth=("corridor", password))).status_code == 200
        with pytest.raises(aiomqtt.MqttError):
            async with client(demo.mqtt_port):
                pass
        async with aiomqtt.Client("127.0.0.1", demo.mqtt_port, username="corridor", password=password):
            pass


async def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-P", "-m", "cli.main", *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin:/usr/sbin", "PYTHONPATH": str(ROOT), "HOME": "/tmp"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
