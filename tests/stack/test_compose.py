"""The compose stack for real: our image is built, everything is brought up, used from outside, hurt, and taken down.

The tests share one stack and stand in the order in which it lives. They need Docker, so they are run only when asked
for: `./corridor test -m docker`. Where no image can be pulled, stand-ins are made (`compose/standins.py`).
"""

import asyncio
import re
import ssl
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cli.stack.probe import Device
from services.store.opening import open_store
from tests.stack.compose import standins
from tests.stack.compose.stack import DEVICE, ROOT, Stack, wait_until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

SECOND = 1_000_000_000
TOPIC = f"corridor/v1/{DEVICE}"
LOAD = 3_000


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(tmp_path_factory.mktemp("stack"), "corridor-test")
    made.compose("down", "-v")  # of a run that was killed
    yield made
    logs = made.compose("logs", "--no-color", "--tail", "15").stdout
    made.compose("down", "-v")
    standins.remove()
    sys.stdout.write(logs)


def device(stack: Stack, **changed: Any) -> Device:
    """Return a connection of the device, from outside, with its own credential."""
    usual: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": stack.port("MQTT"),
        "user": DEVICE,
        "password": stack.password,
    }
    return Device(**(usual | changed))


def publish(stack: Stack, signal: str, *payloads: str, **changed: Any) -> None:
    """Publish readings as the device, each acknowledged before the next."""
    with device(stack, **changed) as joined:
        for payload in payloads:
            assert joined.publish(f"{TOPIC}/telemetry/{signal}", payload) == "Success"


def newest(stack: Stack, signal: str) -> float | None:
    """Return the newest reading of a signal of the device that the wall's interface has."""
    reported = stack.api(f"events?asset={DEVICE}&kind=telemetry&from=now-10m&order=newest")
    return next((event["value"] for event in reported if event["signal"] == signal), None)


def readings(stack: Stack, signal: str) -> int:
    """Return how many readings of a signal are in the store."""

    async def count() -> int:
        store = await open_store(stack.store)
        try:
            events = await store.events(("telemetry",), DEVICE, 0, 2**62)
            return sum(getattr(event, "signal", "") == signal for event in events)
        finally:
            await store.close()

    return asyncio.run(count())


def test_without_secrets_it_says_what_to_run(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / ".env").touch()
    ran = stack.compose("config", env_file=tmp_path / ".env")
    assert ran.returncode != 0
    assert ran.stderr.strip().endswith("run ./corridor stack init first")


def test_it_is_built_and_comes_up_healthy(stack: Stack) -> None:
    stack.done("build")
    stack.done("up", "-d")
    wait_until(stack.is_healthy, "every container healthy")
    running = {name for name, one in stack.containers().items() if one["State"]["Running"]}
    assert {"broker", "influxdb", "ingest", "kpi", "wall", "simulator", "tls"} <= running
    for name, one in stack.containers().items():
        if one["Config"]["Image"].startswith("corridor:"):
            assert one["Config"]["User"] not in {"", "0", "root"}, name
            assert one["HostConfig"]["ReadonlyRootfs"], name


def test_the_simulated_machines_are_on_the_wall(stack: Stack) -> None:
    def is_running() -> bool:
        states = [asset.get("state") for asset in stack.api("assets") if asset["level"] == "machine"]
        return len(states) >= 8 and any(state not in {None, "unknown"} for state in states)

    wait_until(is_running, "simulated machines with a state")
    hour = stack.api("kpi?asset=sheffield&from=now-2h&to=now-1h")
    assert hour["coverage"] == 1, "the machines have a past"
    assert hour["ledger"]["produced"] > 0


def test_no_user_connects_without_a_password(stack: Stack) -> None:
    for changed in ({"user": None}, {"password": "wrong"}):
        with pytest.raises(ConnectionRefusedError, match="Not authorized"):
            publish(stack, "temperature", "1", **changed)


def test_a_device_joins_with_its_own_credential(stack: Stack) -> None:
    publish(stack, "temperature", "21.5")
    wait_until(lambda: newest(stack, "temperature") == 21.5, "the reading on the wall's interface")


def test_a_device_joins_by_tls(stack: Stack) -> None:
    trusted = ssl.create_default_context(cafile=str(stack.folder / "corridor-ca.pem"))
    publish(stack, "temperature", "22.5", port=stack.port("MQTTS"), trusted=trusted)
    wait_until(lambda: newest(stack, "temperature") == 22.5, "the reading that came by TLS")


def test_a_device_writes_and_reads_its_own_topics_only(stack: Stack) -> None:
    event = '{"code":"%s","severity":"notice","text":"a test","active":true}'
    with device(stack) as joined:
        joined.subscribe("corridor/v1/#")
        begun = time.time()
        wait_until(lambda: last_seen(stack) > begun + 1, "messages of other machines")
        assert joined.publish("corridor/v1/york/barn/line-1/lathe-8/event", event % "theirs") == "Not authorized"
        assert joined.publish(f"{TOPIC}/kpi/oee", "1") == "Not authorized"
        assert joined.publish(f"{TOPIC}/event", event % "mine") == "Success"
        received = [joined.received.get(timeout=10)[0]]
    while not joined.received.empty():
        received.append(joined.received.get()[0])
    assert f"{TOPIC}/event" in received
    assert all(topic.startswith(f"{TOPIC}/") for topic in received)
    wait_until(lambda: "mine" in str(stack.api(f"events?asset={DEVICE}&from=now-10m")), "its own event")
    assert "theirs" not in str(stack.api("events?asset=york&from=now-10m"))


def last_seen(stack: Stack) -> float:
    """Return when a machine was last seen, in seconds since 1970."""
    times = [asset["last_seen"] for asset in stack.api("assets") if asset["last_seen"]]
    return max(datetime.fromisoformat(at).timestamp() for at in times)


def test_the_check_of_the_stack_finds_that_all_works(stack: Stack) -> None:
    findings = stack.check()
    assert {finding["part"]: finding["standing"] for finding in findings} == {
        **dict.fromkeys(("settings", "containers", "broker", "store", "ingest", "ledger", "wall"), "ok"),
        "grafana": "left out" if stack.has_standins else "ok",
    }, findings


def test_each_container_may_be_started_again(stack: Stack) -> None:
    services = [name for name, one in stack.containers().items() if one["State"]["Running"]]
    for number, service in enumerate(services):
        stack.done("restart", "-t", "5", service)
        wait_until(stack.is_healthy, f"every container healthy after a restart of {service}")

        wait_until(partial(is_taken, stack, number), f"a message taken after a restart of {service}")
        wait_until(partial(is_shown, stack, number), f"a reading after a restart of {service}")


def is_taken(stack: Stack, value: int) -> bool:
    publish(stack, "restarts", f"{value}")
    return True


def is_shown(stack: Stack, value: int) -> bool:
    return newest(stack, "restarts") == value


def test_a_store_that_is_away_for_a_while_loses_nothing_that_was_acknowledged(stack: Stack) -> None:
    begun = time.time_ns() // 1_000_000
    stack.done("stop", "-t", "10", "influxdb")
    publish(stack, "load", *(f'{{"ts":{begun + number},"value":{number}}}' for number in range(LOAD)))
    stack.done("start", "influxdb")
    wait_until(stack.is_healthy, "every container healthy after the store was away")
    wait_until(lambda: readings(stack, "load") == LOAD, "every reading in the store")


def test_down_and_up_again_loses_nothing(stack: Stack) -> None:
    machines = {asset["path"] for asset in stack.api("assets")}
    # A stop that had not ended at the first question may turn out to be a micro-stop: five minutes at most.
    span = f"from={time.time_ns() // SECOND - 4_200}000&to={time.time_ns() // SECOND - 600}000"
    before = stack.api(f"kpi?asset=sheffield&{span}")
    stack.done("down", "-t", "10")
    stack.done("up", "-d")
    wait_until(stack.is_healthy, "every container healthy after down and up")
    assert readings(stack, "load") == LOAD
    assert {asset["path"] for asset in stack.api("assets")} >= machines
    after = stack.api(f"kpi?asset=sheffield&{span}")
    assert (after["ledger"], after["indicators"]) == (before["ledger"], before["indicators"])


def test_a_copy_of_the_volumes_is_put_back(stack: Stack) -> None:
    page = (ROOT / "docs/how-to/backup-and-restore.md").read_text(encoding="utf-8")
    save, restore = re.findall(r"^for volume .*?^done$", page, re.MULTILINE | re.DOTALL)
    stack.done("stop", "-t", "10")
    stack.shell(save)
    stack.done("down", "-v")
    stack.shell(restore)
    stack.done("up", "-d")
    wait_until(stack.is_healthy, "every container healthy after the copy was put back")
    assert readings(stack, "load") == LOAD
    publish(stack, "temperature", "23.5")
    wait_until(lambda: newest(stack, "temperature") == 23.5, "a reading that came after the copy was put back")
