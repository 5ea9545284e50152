"""The embedded broker, as real processes: starting, stopping, being killed, and what it leaves behind."""

import asyncio
import os
import re
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from broker.contract.topics import PREFIX, REJECTED, build
from broker.mqtt.session import Publication, Session, SessionError
from broker.server import mosquitto, nats
from broker.server.embedded import BrokerError, EmbeddedBroker, Kind, PortInUse

OWNER = """
import asyncio, pathlib, sys
from broker.server.embedded import EmbeddedBroker

async def main():
    async with EmbeddedBroker(pathlib.Path(sys.argv[1]), port=0, kind=sys.argv[2]) as broker:
        print("ready", flush=True)
        await broker.wait()

asyncio.run(main())
"""


def broker_process(folder: Path) -> psutil.Process:
    return psutil.Process(int((folder / "broker.pid").read_text()))


def start_owner(folder: Path, kind: Kind) -> subprocess.Popen[str]:
    """Start another program that has an embedded broker; return when the broker is healthy."""
    command = [sys.executable, "-P", "-c", OWNER, str(folder), kind]
    root = Path(__file__).parents[3]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(root)})
    assert owner.stdout is not None
    while owner.stdout.readline() != "ready\n":
        assert owner.poll() is None
    return owner


@pytest.mark.slow
async def test_it_is_gone_when_left_and_its_port_free_again(kind: Kind, tmp_path: Path) -> None:
    async with EmbeddedBroker(tmp_path, port=0, kind=kind) as broker:
        process = broker_process(tmp_path)
        guard = process.parent()
        assert guard is not None
        assert broker.kind == kind
        assert bool(broker.note) == (kind == "nats")
        # A Ctrl-C in our terminal reaches neither.
        assert os.getsid(process.pid) == os.getsid(guard.pid) != os.getsid(0)
    assert not process.is_running()
    assert not guard.is_running()
    assert not (tmp_path / "broker.pid").exists()
    async with EmbeddedBroker(tmp_path, port=broker.port, kind=kind):
        pass


@pytest.mark.slow
async def test_retained_messages_outlive_it(kind: Kind, tmp_path: Path) -> None:
    async with (
        EmbeddedBroker(tmp_path / "a b", port=0, kind=kind) as broker,
        Session(broker.url, client_id="a") as session,
    ):
        await session.publish(Publication("state", b"running", retain=True))
    async with (
        EmbeddedBroker(tmp_path / "a b", port=0, kind=kind) as broker,
        Session(broker.url, client_id="b", filters=["#"]) as session,
    ):
        batch = await anext(session.batches())
        assert [(each.topic, each.payload, each.retained) for each in batch.messages] == [("state", b"running", True)]


async def test_a_busy_port_is_named(kind: Kind, tmp_path: Path) -> None:
    async with EmbeddedBroker(tmp_path / "first", port=0, kind=kind) as first:
        with pytest.raises(PortInUse, match=f"port {first.port} of 127.0.0.1 is in use") as caught:
            await EmbeddedBroker(tmp_path / "second", port=first.port, kind=kind).__aenter__()
        assert caught.value.port == first.port


async def test_a_folder_in_use_is_named(kind: Kind, tmp_path: Path) -> None:
    async with EmbeddedBroker(tmp_path, port=0, kind=kind):
        with pytest.raises(BrokerError, match="another Corridor's broker uses"):
            await EmbeddedBroker(tmp_path, port=0, kind=kind).__aenter__()


async def test_its_end_is_reported_with_the_end_of_its_log(kind: Kind, tmp_path: Path) -> None:
    async with EmbeddedBroker(tmp_path, port=0, kind=kind) as broker:
        broker_process(tmp_path).kill()
        with pytest.raises(BrokerError, match=r"ended with status 137; the end of .*broker.log:\n  .+"):
            await broker.wait()


async def test_stopping_it_is_no_unexpected_end(kind: Kind, tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group, EmbeddedBroker(tmp_path, port=0, kind=kind) as broker:
        waiting = group.create_task(broker.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
    assert waiting.exception() is None


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_does_not_outlive_its_owner(kind: Kind, tmp_path: Path, how: signal.Signals) -> None:
    with start_owner(tmp_path, kind) as owner:
        process = broker_process(tmp_path)
        owner.send_signal(how)
        process.wait(10)
    assert owner.returncode == -how
    assert not process.is_running()


@pytest.mark.slow
async def test_what_a_killed_guard_left_is_ended_at_the_next_start(kind: Kind, tmp_path: Path) -> None:
    with start_owner(tmp_path, kind) as owner:
        left = broker_process(tmp_path)
        guard = left.parent()
        assert guard is not None
        owner.kill()
        guard.kill()
    async with EmbeddedBroker(tmp_path, port=0, kind=kind):
        # Where no parent reaps orphans, in a container say, a zombie remains.
        assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE
        assert broker_process(tmp_path).pid != left.pid


async def test_a_stale_pid_of_another_program_is_left_alone(kind: Kind, tmp_path: Path) -> None:
    (tmp_path / "broker.pid").write_text(str(os.getpid()))
    async with EmbeddedBroker(tmp_path, port=0, kind=kind):
        assert broker_process(tmp_path).pid != os.getpid()


MILL = "york/barn/line-1/mill-1"
OF_DEVICES = (
    build(MILL, "state"),
    build(MILL, "telemetry", "load"),
    build(MILL, "cmd", "start"),
    f"{PREFIX}/{MILL}/stat",
)
NOT_OF_DEVICES = (
    *(build(MILL.rsplit("/", cut)[0] if cut else MILL, "kpi", "hour") for cut in range(4)),
    f"{PREFIX}/{REJECTED}",
    "corridor-health/x",
    "elsewhere",
)


async def test_devices_publish_for_machines_and_receive_their_topics_and_none_of_the_services(
    kind: Kind, tmp_path: Path
) -> None:
    every = (*OF_DEVICES, *NOT_OF_DEVICES)
    async with EmbeddedBroker(tmp_path, port=0, user="corridor", password="word", kind=kind) as broker:
        devices = f"mqtt://corridor:word@127.0.0.1:{broker.port}"
        async with (
            Session(broker.url, client_id="services", filters=["#"]) as services,
            Session(devices, client_id="device", filters=[f"{PREFIX}/+/+/+/+/#"]) as device,
        ):
            for topic in every:
                with suppress(SessionError):
                    await device.publish(Publication(topic, b"a device"))
            await services.publish(*(Publication(topic, b"the services") for topic in every))
            last = build(MILL, "count")
            await services.publish(Publication(last, b"last"))
            assert await received(services, last) == {
                *((topic, b"a device") for topic in OF_DEVICES),
                *((topic, b"the services") for topic in every),
            }
            own = {(topic, reported_state) for topic in OF_DEVICES for reported_state in (b"a device", b"the services")}
            assert await received(device, last) == own


@pytest.mark.mosquitto
async def test_a_device_that_subscribes_to_everything_receives_machines_only(tmp_path: Path) -> None:
    last = build(MILL, "count")
    async with (
        EmbeddedBroker(tmp_path, port=0, user="corridor", password="word", kind="mosquitto") as broker,
        Session(f"mqtt://corridor:word@127.0.0.1:{broker.port}", client_id="device", filters=["#"]) as device,
        Session(broker.url, client_id="services") as services,
    ):
        await services.publish(*(Publication(topic, b"1") for topic in (*OF_DEVICES, *NOT_OF_DEVICES)))
        await services.publish(Publication(last, b"last"))
        assert await received(device, last) == {(topic, b"1") for topic in OF_DEVICES}


@pytest.mark.parametrize("wanted", ["#", f"{PREFIX}/#", f"{PREFIX}/{REJECTED}", "$MQTT/sess/#", "$JS/#"])
async def test_nats_rejects_a_device_that_subscribes_to_more(tmp_path: Path, wanted: str) -> None:
    async with EmbeddedBroker(tmp_path, port=0, user="corridor", password="word", kind="nats") as broker:
        with pytest.raises(SessionError, match="subscri"):
            async with Session(f"mqtt://corridor:word@127.0.0.1:{broker.port}", client_id="device", filters=[wanted]):
                pass


async def received(session: Session, last: str) -> set[tuple[str, bytes]]:
    """Return what a session receives before a last message."""
    found: set[tuple[str, bytes]] = set()
    async for batch in session.batches():
        found |= {(message.topic, message.payload) for message in batch.messages}
        batch.acknowledge()
        if (last, b"last") in found:
            break
    return found - {(last, b"last")}


async def test_a_password_stands_in_no_file_and_on_no_command_line(kind: Kind, tmp_path: Path) -> None:
    password = 'a"b\\c: #$é'
    async with EmbeddedBroker(tmp_path, host="0.0.0.0", port=0, user="plant 1", password=password, kind=kind) as broker:
        assert broker.url.endswith(f"@127.0.0.1:{broker.port}")
        async with Session(broker.url, client_id="a") as session:
            assert session.connected
        with pytest.raises(SessionError, match="rejects"):
            await Session(f"mqtt://127.0.0.1:{broker.port}", client_id="a").__aenter__()
        process = broker_process(tmp_path)
        services = urlsplit(broker.url).password
        assert services
        assert not {password, services} & set(re.split(r"[\s=]", " ".join(process.cmdline())))
        for folder, _, files in os.walk(tmp_path):
            for file in (Path(folder, name) for name in files):
                assert password.encode() not in file.read_bytes()
                assert services.encode() not in file.read_bytes()
                assert file.name != "passwords" or stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"host": "0.0.0.0"}, "give it a user and a password"),
        ({"host": "factory.example"}, "give it a user and a password"),
        ({"user": "a"}, "belong together"),
        ({"user": "", "password": ""}, "neither may be empty"),
        ({"user": "a:b", "password": "c"}, "colon"),
        ({"user": "corridor-services", "password": "c"}, "nor be corridor-services"),
    ],
)
def test_a_broker_open_to_others_is_rejected(tmp_path: Path, arguments: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        EmbeddedBroker(tmp_path, kind="nats", **arguments)  # type: ignore[arg-type]  # all are strings


def test_without_any_broker_the_error_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mosquitto, "find", lambda: None)
    assert EmbeddedBroker(tmp_path).kind == "nats"
    monkeypatch.setattr(nats, "find", lambda: None)
    with pytest.raises(BrokerError, match="apt install mosquitto"):
        EmbeddedBroker(tmp_path)


@pytest.mark.mosquitto
def test_mosquitto_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert EmbeddedBroker(tmp_path).kind == "mosquitto"


async def test_a_broker_that_does_not_start_reports_why(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (mosquitto, nats):
        monkeypatch.setattr(module, "configure", lambda *_: ["-c", "/no/such/file"])
    with pytest.raises(BrokerError, match=r"(?s)ended with status \d+; the end of .*/no/such/file"):
        await EmbeddedBroker(tmp_path, port=0, kind=kind).__aenter__()


async def test_a_host_that_is_not_ours_is_named(kind: Kind, tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match=r"cannot listen on port 0 of 192\.0\.2\.1"):
        await EmbeddedBroker(tmp_path, host="192.0.2.1", port=0, user="a", password="b", kind=kind).__aenter__()
