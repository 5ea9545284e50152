"""Half a minute of soak with each broker and each store. `.ci/run` asks for it with `-m soak`."""

import sys
from pathlib import Path

import pytest

from cli.soak import report
from cli.soak.outcome import BrokerKind, Settings, StoreKind
from cli.soak.run import soak

pytestmark = [pytest.mark.soak, pytest.mark.timeout(400), pytest.mark.skipif(sys.platform == "win32", reason="pauses")]


@pytest.mark.parametrize("broker", [pytest.param("mosquitto", marks=pytest.mark.mosquitto), "nats"])
@pytest.mark.parametrize("store", ["sqlite", pytest.param("influxdb", marks=pytest.mark.influx)])
async def test_what_is_acknowledged_is_stored_once_whatever_fails(
    broker: BrokerKind, store: StoreKind, tmp_path: Path
) -> None:
    outcome = await soak(Settings(30.0, 300.0, 20, broker, store, 3, tmp_path), lambda _: None)
    assert outcome.is_good, report.markdown(outcome)
    assert outcome.verdict is not None
    assert outcome.verdict.acknowledged > 1_000
    assert outcome.verdict.rows > 0
    assert sum(outcome.faults.values()) > 5
