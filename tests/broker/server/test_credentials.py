"""The credentials of devices, made, changed and removed at real brokers that go on running."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import aiomqtt
import pytest

from broker.contract.topics import build
from broker.mqtt.session import Publication, Session, SessionError
from broker.server import mosquitto
from broker.server.credentials import registrar as credentials
from broker.server.credentials.dynamic_security import DynamicSecurity
from broker.server.credentials.password_files import PasswordFiles
from broker.server.credentials.registrar import CredentialError, Registrar
from broker.server.credentials.security_document import document
from broker.server.embedded import EmbeddedBroker
from tests.broker.server.test_mosquitto_stack import Broker

LATHE, PRESS = "york/barn/line-1/lathe-9", "york/barn/line-1/press-7"
PATIENCE_S = 60


class Place:
    """A running broker, and what changes its devices."""

    def __init__(self, registrar: Registrar, port: int) -> None:
        self.registrar, self.port = registrar, port

    def client(self, user: str, password: str) -> aiomqtt.Client:
        version = aiomqtt.ProtocolVersion.V5
        return aiomqtt.Client("127.0.0.1", self.port, username=user, password=password, protocol=version)

    async def lets_in(self, user: str, password: str) -> bool:
        try:
            async with self.client(user, password):
                return True
        except aiomqtt.MqttError as error:
            if "uthori" not in str(error):
                raise
            return False

    async def until(self, user: str, password: str, *, let_in: bool) -> None:
        """Wait until a credential is valid, or is no more: the embedded broker reads its files when it is signalled."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.lets_in(user, password) != let_in:  # noqa: ASYNC110  (no event says that it read its files)
                await asyncio.sleep(0.05)


@asynccontextmanager
async def stack(folder: Path) -> AsyncIterator[Place]:
    broker = Broker(folder)
    broker.let_in(())
    async with broker.running():
        yield Place(broker.registrar, broker.port)


@asynccontextmanager
async def embedded(folder: Path) -> AsyncIterator[Place]:
    async with EmbeddedBroker(folder, port=0, user="corridor", password="word", kind="mosquitto") as broker:
        files = PasswordFiles(folder)
        assert files.address() == ("127.0.0.1", broker.port)
        yield Place(files, broker.port)


@pytest.fixture(params=[stack, embedded], ids=["stack", "embedded"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    async with request.param(tmp_path) as made:
        yield made


async def ended(client: aiomqtt.Client) -> None:
    """Wait until the broker has ended a connection."""
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(aiomqtt.MqttError):
            await anext(client.messages)


@pytest.mark.mosquitto
async def test_a_device_is_let_in_with_its_own_rights_and_no_others(place: Place) -> None:
    password = await credentials.add(place.registrar, LATHE)
    assert await place.registrar.devices() == [LATHE]
    await place.until(LATHE, password, let_in=True)
    assert not await place.lets_in(LATHE, "wrong")
    url = f"mqtt://{quote(LATHE, safe='')}:{password}@127.0.0.1:{place.port}"
    async with Session(url, client_id="lathe") as session:
        await session.publish(Publication(build(LATHE, "state"), b"running"))
        for topic in (build(PRESS, "state"), build(LATHE, "kpi", "hour"), "elsewhere", "$CONTROL/dynamic-security/v1"):
            with pytest.raises(SessionError):
                await session.publish(Publication(topic, b"{}"))


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_a_removed_device_is_cut_off_and_the_others_stay(place: Place) -> None:
    password, other = [await credentials.add(place.registrar, path) for path in (LATHE, PRESS)]
    await place.until(PRESS, other, let_in=True)
    async with place.client(PRESS, other) as stays:
        async with AsyncExitStack() as cut_off:
            client = await cut_off.enter_async_context(place.client(LATHE, password))
            cut_off.pop_all()  # there is nothing to leave once the broker has ended the connection
            await client.publish(build(LATHE, "state"), "running", qos=1)
            await credentials.remove(place.registrar, LATHE)
            await ended(client)
        await place.until(LATHE, password, let_in=False)
        assert await place.registrar.devices() == [PRESS]
        await stays.publish(build(PRESS, "state"), "running", qos=1)


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_a_rotated_password_replaces_the_old_one(place: Place) -> None:
    old = await credentials.add(place.registrar, LATHE)
    await place.until(LATHE, old, let_in=True)
    new = await credentials.rotate(place.registrar, LATHE)
    assert new != old
    await place.until(LATHE, new, let_in=True)
    assert not await place.lets_in(LATHE, old)
    async with place.client(LATHE, new) as client:
        await client.publish(build(LATHE, "state"), "running", qos=1)


@pytest.mark.mosquitto
async def test_what_cannot_be_done_is_reported_with_a_hint(place: Place) -> None:
    await credentials.add(place.registrar, LATHE)
    with pytest.raises(CredentialError, match=r"has a credential already.*rotate"):
        await credentials.add(place.registrar, LATHE)
    for change in (credentials.rotate, credentials.remove):
        with pytest.raises(CredentialError, match=f"{PRESS} has no credential.*{LATHE}"):
            await change(place.registrar, PRESS)
    for path in ("york/barn", "York/a/b/c", "york/a/b/kpi"):
        with pytest.raises(CredentialError, match=path):
            await credentials.add(place.registrar, path)


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_devices_of_the_stack_outlive_a_restart_of_the_broker(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    broker.let_in(())
    async with broker.running():
        password = await credentials.add(broker.registrar, LATHE)
    async with broker.running():
        assert await Place(broker.registrar, broker.port).lets_in(LATHE, password)


@pytest.mark.mosquitto
async def test_devices_of_the_embedded_broker_outlive_its_restart(tmp_path: Path) -> None:
    async with embedded(tmp_path) as place:
        password = await credentials.add(place.registrar, LATHE)
    async with embedded(tmp_path) as place:
        assert await place.lets_in(LATHE, password)


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_two_programs_may_change_devices_at_the_same_moment(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    broker.let_in(())
    async with broker.running():
        paths = [f"york/barn/line-1/lathe-{number}" for number in range(2)]
        await asyncio.gather(*(credentials.add(broker.registrar, path) for path in paths))
        assert await broker.registrar.devices() == paths


@pytest.mark.mosquitto
async def test_a_broker_that_asks_nobody_for_a_password_gives_no_credential(tmp_path: Path) -> None:
    async with EmbeddedBroker(tmp_path, port=0, kind="mosquitto"):
        files = PasswordFiles(tmp_path)
        assert files.address() is None
        with pytest.raises(CredentialError, match="this computer alone"):
            await credentials.add(files, LATHE)


async def test_a_broker_that_is_away_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CredentialError, match="does not change its devices"):
        await DynamicSecurity("mqtt://registrar:word@127.0.0.1:1").devices()
    with pytest.raises(CredentialError, match="no Mosquitto of ours runs"):
        await PasswordFiles(tmp_path).put(LATHE, "word")


def users(found: dict[str, object]) -> dict[str, str]:
    clients = found["clients"]
    assert isinstance(clients, list)
    return {client["username"]: client["password"] for client in clients}


def test_devices_of_the_settings_are_carried_over_once_and_what_the_broker_changed_stays() -> None:
    one, other = mosquitto.hash_password("one"), mosquitto.hash_password("other")
    services = {"health": ("word", [("readwrite", "corridor/health")])}
    first = document(None, services, {LATHE: one}, {})
    assert set(users(first)) == {"health", LATHE}
    assert document(first, services, {LATHE: one}, {LATHE: one}) == first

    removed = {**first, "clients": [client for client in first["clients"] if client["username"] != LATHE]}
    assert set(users(document(removed, services, {LATHE: one}, {LATHE: one}))) == {"health"}

    changed = document(first, services, {LATHE: other}, {LATHE: one})
    assert users(changed)[LATHE] != users(first)[LATHE]

    assert set(users(document(first, services, {}, {LATHE: one}))) == {"health"}
    by_the_wall = document(first, services, {}, {})
    assert set(users(by_the_wall)) == {"health", LATHE}, "the settings never listed it"

    renewed = document(first, {"health": ("new", [])}, {LATHE: one}, {LATHE: one})
    assert users(renewed)["health"] != users(first)["health"]
