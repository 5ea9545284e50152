"""Machines in Home Assistant, at a real Mosquitto: what a fresh reader finds there is what its documents describe."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Self

import pytest

from broker.contract.events import STATES
from broker.contract.message import Message, Publication
from broker.mqtt.session import Session
from broker.server.embedded import EmbeddedBroker
from edge.dialects import DIALECTS
from edge.dialects.dialect import Setup
from edge.gateways.homeassistant import announcer
from edge.gateways.homeassistant.announcement import Titles
from edge.gateways.homeassistant.board import FILTERS, Board

Until = Callable[[Callable[[], object]], Awaitable[None]]

MILL = "corridor/v1/works/hall/line-1/mill-4/"
OBJECT = "corridor_works_hall_line-1_mill-4"
CONFIG, VALUES = f"homeassistant/device/{OBJECT}/config", f"homeassistant/device/{OBJECT}/state"
GATEWAY = "homeassistant/corridor/g1/availability"
TITLE = "铣床 4 – Фрезерный «Ä»"
KPI = {"start": "2026-11-24T06:00:00Z", "end": "2026-11-24T08:00:00Z", "coverage": 1.0, "notes": []}
DEVICE = {"identifiers", "name", "manufacturer", "model", "suggested_area"}
SHARED = {"device", "origin", "availability", "availability_mode", "state_topic", "qos", "components"}
COMPONENT = {
    "platform",
    "unique_id",
    "name",
    "icon",
    "device_class",
    "state_class",
    "unit_of_measurement",
    "options",
    "suggested_display_precision",
    "value_template",
}
"""Fields that Home Assistant's pages on MQTT and on its sensor have; it rejects an announcement with others."""


class Reader:
    """What a client of the broker that comes now finds, and then receives."""

    def __init__(self, url: str) -> None:
        self.retained: dict[str, bytes] = {}
        self._url = url

    async def __aenter__(self) -> Self:
        self._stack = contextlib.AsyncExitStack()
        session = await self._stack.enter_async_context(
            Session(self._url, client_id="home", filters=["homeassistant/#"])
        )
        task = asyncio.create_task(self._read(session))
        self._stack.callback(task.cancel)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _read(self, session: Session) -> None:
        async for batch in session.batches():
            for message in batch.messages:
                self.retained[message.topic] = message.payload
                if not message.payload:
                    del self.retained[message.topic]
            batch.acknowledge()

    def json(self, topic: str) -> Any:
        return json.loads(self.retained[topic]) if topic in self.retained else None


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    async with EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as broker:
        yield broker.url


@contextlib.asynccontextmanager
async def announcing(url: str, quiet_s: float = 0.2) -> AsyncIterator[Board]:
    board = Board("g1", lambda _: Titles(TITLE, "ライン 1"))
    offline = board.availability(online=False)
    async with (
        Session(url, client_id="g1", filters=FILTERS) as plant,
        Session(
            url,
            client_id="g1-out",
            filters=announcer.found_at(board.base),
            will=offline,
            greeting=board.all,
            farewell=lambda: [offline],
        ) as home,
    ):
        task = asyncio.create_task(announcer.announce(board, plant, home, quiet_s))
        try:
            yield board
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def publish(url: str, **payloads: object) -> None:
    """Publish on the mill's topics; `None` clears one."""
    async with Session(url, client_id="device") as session:
        await session.publish(
            *(
                Publication(
                    MILL + kind.replace("__", "/"), b"" if sent is None else json.dumps(sent).encode(), 1, retain=True
                )
                for kind, sent in payloads.items()
            )
        )


def read(template: str, document: Any) -> Any:
    """Return what a template means: only paths into the message are announced."""
    inner = template.removeprefix("{{ value_json.").removesuffix(" }}")
    for step in inner.replace("['", ".").replace("']", "").split("."):
        document = document[step]
    return document


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_a_fresh_reader_finds_a_device_with_all_its_values(url: str, until: Until) -> None:
    await publish(
        url,
        status="online",
        state={"state": "running"},
        count={"produced": 12, "scrap": 2},
        meter__electricity={"total": 1_500, "unit": "Wh"},
        meter__water={"total": 7, "unit": "m3"},
        kpi__shift=KPI | {"window": "shift", "indicators": {"oee": 0.48123, "availability": None}},
    )
    async with asyncio.timeout(60), announcing(url) as board:
        await until(lambda: board.machines)
        async with Reader(url) as reader:
            await until(lambda: (reader.json(VALUES) or {}).get("oee"))
            await until(lambda: len(reader.json(CONFIG)["components"]) == 5 and reader.json(VALUES)["good"])
            config, values = reader.json(CONFIG), reader.json(VALUES)
            await until(lambda: reader.retained.get(GATEWAY) == b"online")
    assert set(config) == SHARED
    assert set(config["device"]) <= DEVICE
    assert config["device"]["identifiers"] == [OBJECT]
    assert (config["device"]["name"], config["device"]["suggested_area"]) == (TITLE, "ライン 1")
    assert config["origin"]["name"] == "Corridor"
    found = {each["name"]: read(each["value_template"], values) for each in config["components"].values()}
    assert found == {"State": "running", "OEE": 48.1, "Availability": None, "Good pieces": 10, "Energy": 1.5}
    assert len({each["unique_id"] for each in config["components"].values()}) == len(found)
    for each in config["components"].values():
        assert set(each) <= COMPONENT
        assert each["platform"] == "sensor"
        assert each.get("options", list(STATES)) == list(STATES)
        assert ("options" in each) == (each.get("device_class") == "enum")
        assert ("state_class" in each) != ("options" in each)
    energy = next(each for each in config["components"].values() if each["name"] == "Energy")
    assert {energy[key] for key in ("device_class", "state_class", "unit_of_measurement")} == {
        "energy",
        "total_increasing",
        "kWh",
    }
    gateway, machine = config["availability"]
    assert (gateway["topic"], config["availability_mode"]) == (GATEWAY, "all")
    assert read(machine["value_template"], values) == "online"


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_changes_are_published_and_what_comes_late_is_not(url: str, until: Until) -> None:
    async with asyncio.timeout(60), announcing(url), Reader(url) as reader:
        await publish(url, state={"state": "running", "ts": 1_795_507_200_000})
        await until(lambda: reader.json(CONFIG))
        assert not any("energy" in key for key in reader.json(CONFIG)["components"])
        await publish(url, meter__electricity={"total": 2, "unit": "kWh", "ts": 1_795_507_260_000}, status="offline")
        await until(lambda: f"{OBJECT}_energy_electricity" in reader.json(CONFIG)["components"])
        await publish(url, meter__electricity={"total": 1, "unit": "kWh", "ts": 1_795_507_200_000})
        await publish(url, state={"state": "down", "ts": 1_795_507_300_000})
        await until(lambda: reader.json(VALUES)["state"] == "down")
        assert (reader.json(VALUES)["energy"], reader.json(VALUES)["status"]) == ({"electricity": 2}, "offline")


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_a_retired_machine_is_cleared_also_when_no_gateway_ran(url: str, until: Until) -> None:
    async with asyncio.timeout(90), Reader(url) as reader:
        await publish(url, state="running", count={"good": 1})
        async with announcing(url):
            await until(lambda: reader.json(CONFIG))
            await publish(url, count=None, state=None)
            await until(lambda: CONFIG not in reader.retained and VALUES not in reader.retained)
            await publish(url, state="running")
            await until(lambda: reader.json(CONFIG))
        await until(lambda: reader.retained.get(GATEWAY) == b"offline")
        await publish(url, state=None)
        async with Session(url, client_id="other") as session:
            other = json.dumps({"availability": [{"topic": "homeassistant/corridor/g2/availability"}]}).encode()
            topics = [CONFIG.replace("mill-4", "mill-5"), CONFIG.replace("corridor_", "esp_")]
            await session.publish(*(Publication(topic, other, 1, retain=True) for topic in topics))
            state = MILL.replace("mill-4", "mill-6") + "state"
            await session.publish(Publication(state, b"running", 1, retain=True))
        async with announcing(url):
            await until(lambda: CONFIG not in reader.retained)
            await until(lambda: CONFIG.replace("mill-4", "mill-6") in reader.retained)
        assert set(topics) < reader.retained.keys()  # those of others stay


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_what_was_announced_can_be_removed(url: str, until: Until) -> None:
    await publish(url, state="running")
    async with asyncio.timeout(60), Reader(url) as reader:
        async with announcing(url):
            await until(lambda: reader.json(CONFIG))
        board = Board("g1", lambda _: Titles("", ""))
        async with Session(url, client_id="r", filters=(*announcer.found_at(board.base), board.gateway_at)) as home:
            assert await announcer.remove(board, home) == 1
        await until(lambda: reader.retained == {})


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_a_broker_that_has_lost_all_gets_it_again(tmp_path: Path, until: Until) -> None:
    board = Board("g1", lambda _: Titles(TITLE, ""))
    async with (
        asyncio.timeout(60),
        EmbeddedBroker(tmp_path / "plant", port=0, kind="mosquitto") as plant_broker,
        Session(plant_broker.url, client_id="g1", filters=FILTERS) as plant,
        contextlib.AsyncExitStack() as stack,
    ):
        async with EmbeddedBroker(tmp_path / "home", port=0, kind="mosquitto") as first:
            home = await stack.enter_async_context(Session(first.url, client_id="g1", greeting=board.all))
            task = asyncio.create_task(announcer.announce(board, plant, home))
            stack.callback(task.cancel)
            await publish(plant_broker.url, state="running")
            async with Reader(first.url) as reader:
                await until(lambda: reader.json(CONFIG))
        async with (
            EmbeddedBroker(tmp_path / "another", port=first.port, kind="mosquitto") as second,
            Reader(second.url) as reader,
        ):
            await until(lambda: reader.json(CONFIG) and reader.json(VALUES)["state"] == "running")


def test_our_own_announcement_is_no_foreign_device() -> None:
    board = Board("g1", lambda _: Titles(TITLE, ""))
    board.take(Message(f"{MILL}state", b"running", received_at=1_795_507_200_000_000_000))
    dialect = DIALECTS["homeassistant"].make(Setup())
    found = [dialect.translate(Message(one.topic, one.payload, retained=True)) for one in board.due() * 2]
    assert [event for each in found for event in each.events] == []


def test_what_is_not_of_the_contract_changes_nothing() -> None:
    board = Board("g1", lambda _: Titles(TITLE, ""))
    for topic, payload in (("state", b"busy"), ("count", b"{"), ("meter/electricity", b"\xff"), ("kpi/shift", b"[]")):
        board.take(Message(MILL + topic, payload, received_at=1_795_507_200_000_000_000))
    board.take(Message("corridor/v1/x", b"1"))
    assert (board.machines, board.due()) == (0, [])
