"""The client of OPC UA against an independent server: npm's `node-opcua`."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from edge.gateways.opcua.browsing import browse
from tests.edge.gateways.opcua_server import MAP, STATES, Plant, first_map, gateway, server

Until = Callable[[Callable[[], object]], Awaitable[None]]


@pytest.fixture(autouse=True)
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One folder for the server's certificate, which stays the same over its restarts."""
    monkeypatch.setenv("CORRIDOR_PEER_FOLDER", str(tmp_path / "peer"))


@pytest.mark.slow
@pytest.mark.javascript
async def test_nodes_of_an_independent_server_are_what_the_mapping_says(until: Until, tmp_path: Path) -> None:
    async with asyncio.timeout(120), server() as device:
        port = await device.until("port")
        async with gateway(first_map(port), tmp_path / "opcua") as plant:
            await until(lambda: plant.of("telemetry/spindle-speed", "value") == [1480.5])
            await until(lambda: plant.of("state", "state") == ["running"])
            assert plant.of("status", "status") == ["online"]
            assert plant.of("telemetry/spindle-speed", "unit") == ["/min"]
            assert plant.of("telemetry/door", "value") == [True]
            assert plant.of("meter/electricity", "total") == [12.5]
            assert plant.of("count", "produced") == [0]

            await device.ask(bad={"Speed": 99, "PartCount": 70, "Mode": 2, "Energy": 77})
            await until(lambda: plant.of("state", "state")[-1] == "unknown")
            await device.ask(set={"Speed": 3, "PartCount": 2, "Mode": 0, "Energy": 13})
            await until(lambda: plant.of("state", "state") == ["running", "unknown", "idle"])
            await until(lambda: plant.of("meter/electricity", "total") == [12.5, 13])
            await until(lambda: plant.of("count", "produced") == [0, 2])
            await until(lambda: plant.of("telemetry/spindle-speed", "value") == [1480.5, 3])
            assert plant.of("telemetry/missing", "value") == plant.of("telemetry/other", "value") == []


async def restart(times: int, until: Until, folder: Path, *, found_again_s: float) -> Plant:
    """Kill and start a server that counts on, again and again; return what the gateway has published."""
    async with contextlib.AsyncExitStack() as stack:
        async with server() as device:
            port = await device.until("port")
            plant = await stack.enter_async_context(gateway(first_map(port), folder))
            await until(lambda: plant.of("count", "produced"))
            await device.ask(set={"PartCount": 1})
            await until(lambda: plant.of("count", "produced")[-1] == 1)
        for count in range(2, times + 2):
            await until(lambda: plant.of("status", "status")[-1] == "offline")
            async with server(port=port) as device:
                await device.until("port")
                await device.ask(bad={"PartCount": 1_000}, set={"Speed": count})
                await device.ask(set={"PartCount": count})
                async with asyncio.timeout(found_again_s):
                    await until(lambda count=count: plant.of("count", "produced")[-1] == count)  # type: ignore[misc]
                assert plant.of("status", "status")[-1] == "online"
    return plant


@pytest.mark.slow
@pytest.mark.javascript
async def test_a_server_that_is_killed_and_started_again_is_read_on(until: Until, tmp_path: Path) -> None:
    async with asyncio.timeout(150):
        plant = await restart(1, until, tmp_path / "opcua", found_again_s=60)
    assert plant.of("status", "status")[:3] == ["online", "offline", "online"]
    assert 1_000 not in plant.of("count", "produced")


@pytest.mark.javascript
@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_server_killed_twenty_times_is_found_within_ten_seconds(until: Until, tmp_path: Path) -> None:
    async with asyncio.timeout(880):
        plant = await restart(20, until, tmp_path / "opcua", found_again_s=10)
    counted = [count for count in map(str, plant.of("count", "produced")) if float(count)]  # a server begins with 0
    assert counted == sorted(counted, key=float), "a counter went back"
    assert float(counted[-1]) == 21
    assert 1_000 not in map(float, counted)


@pytest.mark.javascript
@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_five_thousand_monitored_items(until: Until, tmp_path: Path) -> None:
    items = 5_000
    lines = ['[server.mill-4]\nurl = "opc.tcp://127.0.0.1:{port}"\nasset = "works/hall/line-1/mill-4"\n']
    lines += [
        f'[[server.mill-4.value]]\nnode = "nsu=http://example.org/mill;s=Item{number}"\nsignal = "item-{number}"\n'
        for number in range(items)
    ]
    async with asyncio.timeout(380), server(str(items)) as device:
        port = await device.until("port")
        async with gateway("".join(lines).replace("{port}", str(port)), tmp_path / "opcua") as plant:
            await until(lambda: len({one.topic for one in plant.taken}) == items + 1)  # and its status
            await device.ask(set={f"Item{number}": -1 for number in range(items)})
            await until(lambda: len(plant.taken) == 2 * items + 1)
    assert {msgspec.json.decode(one.payload)["value"] for one in plant.taken[-items:]} == {-1}


@pytest.mark.javascript
@pytest.mark.slow
async def test_a_machine_has_the_states_of_the_profile_that_is_named(until: Until, tmp_path: Path) -> None:
    async with asyncio.timeout(170), server("machinery") as device:
        port = await device.until("port")
        first = await browse(f"opc.tcp://127.0.0.1:{port}", tmp_path / "opcua")
        assert first.count("part = ") == 2
        for profile, not_executing in (("machinetool-1.01", "down"), ("machinetool-1.02", "idle")):
            await device.ask(state={"MachineryItemState": "Executing", "MachineryOperationMode": "Processing"})
            text = first.replace("machinetool-1.02", profile, 1).replace(
                "every =", 'asset = "works/hall/line-1/mill-4"\nevery ='
            )
            async with gateway(text, tmp_path / "opcua") as plant:
                await until(lambda plant=plant: "running" in plant.of("state", "state"))  # type: ignore[misc]
                await device.ask(state={"MachineryItemState": "NotExecuting"})
                await until(lambda plant=plant: plant.of("state", "state")[-1] != "running")  # type: ignore[misc]
                assert plant.of("state", "state")[-1] == not_executing
                await device.ask(state={"MachineryOperationMode": "Maintenance"})
                await until(lambda plant=plant: plant.of("state", "state")[-1] == "maintenance")  # type: ignore[misc]
                assert plant.of("telemetry/speed", "value") == [1480.5]


@pytest.mark.javascript
@pytest.mark.slow
async def test_certificates_are_stored_and_another_servers_is_rejected(until: Until, tmp_path: Path) -> None:
    folder = tmp_path / "opcua"
    async with asyncio.timeout(170), server() as device:
        port = await device.until("port")
        text = MAP.format(port=port, states=STATES, more='security = "encrypt"')
        async with gateway(text, folder) as plant:
            await until(lambda: plant.of("telemetry/spindle-speed", "value"))
        own = (folder / "gateway.der").read_bytes()
        stored = folder / "mill-4.der"
        assert stored.exists()
        assert (folder / "gateway.pem").stat().st_mode & 0o077 == 0
        stored.write_bytes(own)
        async with gateway(text, folder) as plant:
            await until(lambda: plant.of("status", "status") == ["offline"])
        stored.unlink()
        async with gateway(text, folder) as plant:
            await until(lambda: plant.of("telemetry/spindle-speed", "value"))
        assert (folder / "gateway.der").read_bytes() == own
