"""A gateway in the demo: `[gateway]` in corridor.toml makes machines of what devices publish in their own dialect."""

from pathlib import Path
from typing import Any

import pytest

from tests.stack.running import Demo, client, free_port

PLUG = "sheffield/hall/line-1/plug-7"
SETTINGS = '[gateway]\ndialect = ["tasmota", "shelly"]\nplace = "sheffield/hall/line-1"\n'


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
