"""The stack's users and rights, on a real Mosquitto with the files that the stack gives it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from broker.contract.topics import PREFIX, REJECTED, build
from broker.mqtt.session import Publication, Session, SessionError
from broker.server import mosquitto, mosquitto_stack
from broker.server.credentials.dynamic_security import DynamicSecurity
from broker.server.credentials.security_document import REGISTRAR, document
from broker.server.mosquitto_stack import HEALTH_TOPIC, INSIDE, PROBE, SECURITY_FILE, SERVICES
from edge.gateways.homeassistant.board import FILTERS

pytestmark = pytest.mark.mosquitto

PRESS, LATHE = "york/barn/line-1/press-7", "york/barn/line-1/lathe-9"
MILL = "sheffield/machining/line-1/mill-1"
DEVICES = (PRESS, LATHE)
REJECTED_TOPIC = f"{PREFIX}/{REJECTED}"
OF_A_DEVICE = (
    build(PRESS, "state"),
    build(PRESS, "telemetry"),
    build(PRESS, "telemetry", "temperature"),
    build(PRESS, "meter", "energy"),
    build(PRESS, "reply", "start"),
    f"{PREFIX}/{PRESS}/tellemetry/temperature",
)
"""The last is misspelt: the broker accepts it, so that it is rejected with a reason."""
NOT_OF_A_DEVICE = (
    build(LATHE, "state"),
    build(PRESS, "kpi", "shift"),
    build("york/barn/line-1", "kpi", "shift"),
    f"{PREFIX}/york/barn/line-1/press-7-b/state",
    REJECTED_TOPIC,
    HEALTH_TOPIC,
    "elsewhere",
)


def plugin() -> Path:
    """Return Mosquitto's dynamic security plugin; the packages of Debian have it in a folder of the architecture."""
    (found,) = Path("/usr/lib").rglob(Path(mosquitto_stack.PLUGIN).name)
    return found


class Broker:
    """A Mosquitto with the stack's files, on ports of its own; every user's password is its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            other.bind(("127.0.0.1", 0))
            self.port, self.service_port = int(one.getsockname()[1]), int(other.getsockname()[1])
        self.process: asyncio.subprocess.Process

    def let_in(self, devices: Iterable[str]) -> None:
        """Write the files with which it starts."""
        given = {user: user for user in SERVICES}
        settings = mosquitto_stack.configuration(str(self.folder), str(self.folder), str(plugin()))
        settings = settings.replace("/mosquitto/data", str(self.folder))
        # The container runs it as a user of its own; here it would become one who may not read these files.
        settings = settings.replace("listener 1883", f"listener {self.port} 127.0.0.1")
        settings = settings.replace("listener 1884", f"listener {self.service_port} 127.0.0.1")
        (self.folder / "mosquitto.conf").write_text(f"user root\n{settings}")
        (self.folder / mosquitto_stack.SERVICE_PASSWORDS).write_text(mosquitto_stack.passwords(given))
        (self.folder / "rights").write_text(mosquitto_stack.rights([MILL]))
        hashes = {user: mosquitto.hash_password(user) for user in devices}
        found = document(None, mosquitto_stack.beside_devices(given), hashes, {})
        (self.folder / SECURITY_FILE).write_text(json.dumps(found))

    @property
    def registrar(self) -> DynamicSecurity:
        return DynamicSecurity(self.url(REGISTRAR))

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Broker"]:
        program = mosquitto.find()
        assert program is not None
        self.process = await asyncio.create_subprocess_exec(
            program, "-c", str(self.folder / "mosquitto.conf"), stderr=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(10):
                while True:
                    with suppress(SessionError):
                        async with self.session("health"):
                            break
                    await asyncio.sleep(0.05)
            yield self
        finally:
            self.process.terminate()
            await self.process.wait()

    def url(self, user: str, *, password: str | None = None, port: int = 0) -> str:
        login = f"{quote(user, safe='')}:{quote(password or user, safe='')}@" if user else ""
        return f"mqtt://{login}127.0.0.1:{port or (self.service_port if user in {*INSIDE, 'everyone'} else self.port)}"

    def session(self, user: str, *filters: str, password: str | None = None) -> Session:
        return Session(self.url(user, password=password), client_id=f"test {user}", filters=filters)

    async def takes(self, user: str, topic: str) -> bool:
        """Return whether it accepts a publication of a user."""
        async with self.session(user) as session:
            try:
                await session.publish(Publication(topic, b"1", qos=1))
            except SessionError:
                return False
        return True


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    made = Broker(tmp_path)
    made.let_in(DEVICES)
    async with made.running():
        yield made


async def received(broker: Broker, user: str, wanted: str, topics: Iterable[str], last: str) -> set[str]:
    """Return which of the topics a user receives that subscribes to `wanted`; `last` is one that it must receive."""
    async with broker.session(user, wanted) as listener, broker.session("everyone") as speaker:
        await speaker.publish(*(Publication(topic, b"1", qos=1) for topic in (*topics, last)))
        found: set[str] = set()
        async for batch in listener.batches():
            found |= {message.topic for message in batch.messages}
            batch.acknowledge()
            if last in found:
                return found - {last}
    raise AssertionError


@pytest.fixture
async def open_broker(tmp_path: Path) -> AsyncIterator[Broker]:
    """Return a broker with one more user, with all rights."""
    made = Broker(tmp_path)
    made.let_in(DEVICES)
    with (tmp_path / "rights").open("a") as rights:
        rights.write("\nuser everyone\ntopic write #\n")
    with (tmp_path / mosquitto_stack.SERVICE_PASSWORDS).open("a") as users:
        users.write(f"everyone:{mosquitto.hash_password('everyone')}\n")
    async with made.running():
        yield made


@pytest.mark.slow
@pytest.mark.parametrize(("user", "password"), [("", None), ("ingest", "wrong"), (PRESS, LATHE), ("nobody", None)])
async def test_no_user_connects_without_a_password(broker: Broker, user: str, password: str | None) -> None:
    with pytest.raises(SessionError, match="rejects"):
        async with broker.session(user, password=password):
            pass


async def test_a_device_publishes_its_own_topics_and_no_others(broker: Broker) -> None:
    assert [topic for topic in OF_A_DEVICE if not await broker.takes(PRESS, topic)] == []
    assert [topic for topic in NOT_OF_A_DEVICE if await broker.takes(PRESS, topic)] == []


@pytest.mark.slow
async def test_a_device_receives_its_own_commands_and_nothing_of_others(open_broker: Broker) -> None:
    others = [build(LATHE, "state"), build(LATHE, "cmd", "start"), build(MILL, "count"), REJECTED_TOPIC]
    own = [build(PRESS, "cmd", "start"), build(PRESS, "state")]
    kpi = [build(PRESS, "kpi", "shift")]
    found = await received(open_broker, PRESS, "#", [*others, *own, *kpi], last=build(PRESS, "cmd", "stop"))
    assert found == set(own)


@pytest.mark.slow
async def test_the_simulator_receives_what_a_device_publishes_for_its_machines_and_nothing_of_others(
    open_broker: Broker,
) -> None:
    own, others = build(MILL, "count"), [build(LATHE, "state"), build(PRESS, "count"), build(MILL, "kpi", "shift")]
    line = build(MILL, "state").rsplit("/", 2)[0]
    assert await received(open_broker, "simulator", f"{line}/#", [own, *others], last=build(MILL, "state")) == {own}


@pytest.mark.slow
async def test_each_service_publishes_what_it_must_and_no_more(broker: Broker) -> None:
    levels = MILL.split("/")
    kpi = {build("/".join(levels[:depth]), "kpi", "hour") for depth in (1, 2, 3, 4)}
    may = {
        "ingest": {REJECTED_TOPIC},
        "kpi": {REJECTED_TOPIC, *kpi},
        "wall": set(),
        "simulator": {build(MILL, "state"), build(MILL, "telemetry", "load"), build(MILL, "status")},
        "gateway": {
            *(build(MILL, "state"), build(MILL, "telemetry", "load"), build(MILL, "status")),
            *(build(PROBE, "telemetry", "probe"), build(PROBE, "meter", "probe")),
            *(build(PRESS, "state"), build(PRESS, "cmd", "start")),
        },
        "probe": {build(PROBE, "telemetry", "probe"), build(PROBE, "meter", "probe")},
        "health": {HEALTH_TOPIC},
        REGISTRAR: set(),
    }
    assert set(may) == set(SERVICES)
    every = {*set().union(*may.values()), build(PRESS, "state"), build(PRESS, "cmd", "start"), "elsewhere"}
    for user, topics in may.items():
        assert {topic for topic in every if await broker.takes(user, topic)} == topics, user


@pytest.mark.slow
@pytest.mark.parametrize("user", ["ingest", "kpi", "wall"])
async def test_the_services_receive_everything_of_the_contract(open_broker: Broker, user: str) -> None:
    topics = [build(LATHE, "state"), build(MILL, "cmd", "start"), build("york", "kpi", "hour"), REJECTED_TOPIC]
    found = await received(open_broker, user, "#", [*topics, "elsewhere", HEALTH_TOPIC], last=build(PRESS, "count"))
    assert found == set(topics)


@pytest.mark.slow
async def test_the_gateway_receives_what_it_announces_to_home_assistant_and_no_more(open_broker: Broker) -> None:
    announced = [
        build(LATHE, *kind) for kind in (("state",), ("status",), ("count",), ("meter", "m"), ("kpi", "shift"))
    ]
    others = [build(LATHE, "telemetry", "load"), build(LATHE, "cmd", "start"), build("york", "kpi", "hour")]
    found = await received(
        open_broker, "gateway", "#", [*announced, *others, REJECTED_TOPIC], last=build(MILL, "state")
    )
    assert found == set(announced)


def test_what_home_assistant_is_shown_is_what_the_gateway_may_read() -> None:
    _, _, lines = mosquitto_stack.rights([]).partition("user gateway\n")
    may = {line.removeprefix("topic read ") for line in lines.splitlines() if line.startswith("topic read ")}
    assert may == set(FILTERS)


@pytest.mark.slow
async def test_the_probe_receives_its_own_topics_the_indicators_and_what_was_rejected(open_broker: Broker) -> None:
    topics = [build(PROBE, "telemetry"), build(MILL, "kpi", "hour"), build("york", "kpi", "hour"), REJECTED_TOPIC]
    others = [build(LATHE, "state"), build(MILL, "telemetry", "load")]
    assert await received(open_broker, "probe", "#", [*topics, *others], last=build(PROBE, "meter", "m")) == set(topics)


# ---- Client ids ----

INGEST_ID = "corridor-ingest-1f2e3d4c"


def ingest(broker: Broker) -> Session:
    return Session(broker.url("ingest"), client_id=INGEST_ID, filters=[f"{PREFIX}/#"], persistent=True)


async def held(broker: Broker, count: int) -> list[bytes]:
    """Return the messages that the broker queued for the ingest service."""
    payloads: list[bytes] = []
    async with ingest(broker) as session, asyncio.timeout(10):
        async for batch in session.batches():
            payloads += [message.payload for message in batch.messages]
            batch.acknowledge()
            if len(payloads) >= count:
                break
    return payloads


@pytest.mark.slow
async def test_no_device_takes_over_a_services_session_or_its_queued_messages(broker: Broker) -> None:
    async with ingest(broker):
        pass
    topic = build(PRESS, "telemetry", "load")
    async with Session(broker.url(PRESS), client_id=INGEST_ID) as device:
        await device.publish(*(Publication(topic, str(number).encode()) for number in range(100)))
    async with Session(broker.url(LATHE), client_id=INGEST_ID, filters=[f"{PREFIX}/#"], persistent=True):
        pass
    assert await held(broker, 100) == [str(number).encode() for number in range(100)]
    async with (
        ingest(broker) as service,
        Session(broker.url(PRESS), client_id=INGEST_ID) as device,
        Session(broker.url(LATHE), client_id=INGEST_ID) as other,
    ):
        for speaker, path in ((device, PRESS), (other, LATHE)):
            await speaker.publish(Publication(build(path, "telemetry", "load"), b"live"))
        assert (service.disconnects, device.disconnects, other.disconnects) == (0, 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("user", [PRESS, "probe", "health", REGISTRAR, ""])
async def test_only_the_services_connect_where_client_ids_are_free(broker: Broker, user: str) -> None:
    with pytest.raises(SessionError, match="rejects"):
        async with Session(broker.url(user, port=broker.service_port), client_id=INGEST_ID):
            pass


@pytest.mark.slow
@pytest.mark.parametrize("user", INSIDE)
async def test_no_service_comes_in_where_devices_do(broker: Broker, user: str) -> None:
    with pytest.raises(SessionError, match="rejects"):
        async with Session(broker.url(user, port=broker.port), client_id="anything"):
            pass


@pytest.mark.slow
async def test_what_is_held_for_a_service_outlives_a_restart_of_the_broker(tmp_path: Path) -> None:
    """Rights go by listener, and a client that is away has none; the broker must store which it used."""
    topic = build(PRESS, "telemetry", "load")
    made = Broker(tmp_path)
    made.let_in(DEVICES)
    async with made.running():
        async with ingest(made):
            pass
        async with made.session(PRESS) as device:
            await device.publish(Publication(topic, b"before"))
    async with made.running():
        async with made.session(PRESS) as device:
            await device.publish(Publication(topic, b"after"))
        assert await held(made, 2) == [b"before", b"after"]
