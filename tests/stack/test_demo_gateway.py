"""A gateway in the demo: `[gateway]` in corridor.toml makes machines of what devices publish in their own dialect."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from broker.server.embedded import EmbeddedBroker
from tests.stack.running import Demo, client, free_port

PLUG = "sheffield/hall/line-1/plug-7"
SETTINGS = '[gateway]\ndialect = ["tasmota", "shelly"]\nplace = "sheffield/hall/line-1"\n'


MAPPING = """
[[message]]
topic = "Enterprise B/{site}/{area}/{line}/{tag...}"
machine = "{site}/{area}/{line}/line"
value = "value"
time = "timestamp"

[message.count]
produced = "count/outfeed"
scrap = "count/defect"

[message.state]
from = "state/name"
values = { Running = "running", Stopped = "down" }

[message.job]
order = "workorder/number"
ideal-rate = "rate/standard"
"""
MINUTE_MS = 60_000


def line_of_an_hour(began_ms: int) -> list[tuple[str, object, int]]:
    """Return what a line sends in an hour: 48 minutes of running, 12 stopped, 20 pieces in each minute, 5 % scrap."""
    sent: list[tuple[str, object, int]] = [
        ("workorder/number", "WO-7", 0),
        ("rate/standard", 25, 0),
        ("state/name", "Running", 0),
        ("state/name", "Stopped", 20),
        ("state/name", "Running", 32),
    ]
    made = 0
    for minute in range(61):
        made += 20 if minute and not 20 < minute <= 32 else 0
        sent += [("count/outfeed", made, minute), ("count/defect", made // 20, minute)]
    return [(tag, value, began_ms + minute * MINUTE_MS) for tag, value, minute in sorted(sent, key=lambda one: one[2])]


@pytest.mark.mosquitto
@pytest.mark.slow
async def test_a_foreign_tree_has_an_oee_after_twenty_lines(tmp_path: Path) -> None:
    assert len(MAPPING.strip().splitlines()) <= 20
    (tmp_path / "tree.toml").write_text(MAPPING)
    began_ms = (int(time.time()) // 60 - 90) * MINUTE_MS
    async with EmbeddedBroker(tmp_path / "theirs", port=0, kind="mosquitto") as theirs:
        (tmp_path / "corridor.toml").write_text(
            f'[gateway]\ndialect = ["mapped"]\nmapping = "tree.toml"\nsource = "{theirs.url}"\n'
        )
        async with Demo(tmp_path, "--no-simulator") as demo, client(theirs.port) as line:
            prefix = "Enterprise B/Site1/Filling/Line 1"
            first = json.dumps({"value": 0, "timestamp": began_ms})
            await line.publish(f"{prefix}/count/outfeed", first, qos=1, retain=True)
            path = "site1/filling/line-1/line"
            await demo.until("/api/v1/assets", lambda assets: any(asset["path"] == path for asset in assets))
            for tag, value, at in line_of_an_hour(began_ms):
                await line.publish(f"{prefix}/{tag}", json.dumps({"value": value, "timestamp": at}), qos=1)
            asked = f"asset={path}&from={began_ms}&to={began_ms + 60 * MINUTE_MS}"
            found = await demo.until(
                f"/api/v1/kpi?{asked}",
                lambda answer: answer["ledger"]["produced"] == 960 and answer["indicators"]["oee"],
            )
    indicators = found["indicators"]
    assert indicators["availability"] == pytest.approx(48 / 60)
    assert indicators["effectiveness"] == pytest.approx(20 / 25)
    assert indicators["quality_ratio"] == pytest.approx(0.95)
    assert indicators["oee"] == pytest.approx(0.8 * 0.8 * 0.95)


def online(assets: list[dict[str, Any]]) -> bool:
    return any(asset["path"] == PLUG for asset in assets)


@pytest.mark.mosquitto
@pytest.mark.slow
async def test_a_plug_with_tasmota_is_a_machine_of_the_demo(tmp_path: Path) -> None:
    (tmp_path / "corridor.toml").write_text(SETTINGS)
    async with Demo(tmp_path, "--no-simulator") as demo, client(demo.mqtt_port) as plug:
        await plug.publish("tele/plug-7/LWT", "Online", qos=1, retain=True)
        await demo.until("/api/v1/assets", online)
        await plug.publish("tele/plug-7/SENSOR", '{"ENERGY":{"Total":6.294,"Power":2635}}', qos=1)
        await demo.until(
            f"/api/v1/telemetry?asset={PLUG}&signal=power&from=now-1h&to=now&points=10",
            lambda found: "2635" in str(found),
        )


@pytest.mark.mosquitto
@pytest.mark.slow
async def test_the_demo_goes_on_while_the_devices_broker_is_away(tmp_path: Path) -> None:
    (tmp_path / "corridor.toml").write_text(f'{SETTINGS}source = "mqtt://127.0.0.1:{free_port()}"\n')
    async with Demo(tmp_path, "--no-simulator") as demo, client(demo.mqtt_port) as device:
        await device.publish("corridor/v1/sheffield/hall/line-1/plug-7/state", "running", qos=1)
        await demo.until("/api/v1/assets", online)
