"""Devices join by the wall: who may make credentials, who may not, and that they are valid at a real broker."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import pytest

from broker.contract.topics import build
from cli.onboarding.wall import JoiningLines
from services.store.opening import open_store
from tests.wall.works import NOW, Wall, running_wall

pytestmark = pytest.mark.mosquitto
ROBOT = "leeds/shop/line-1/robot-9"
OWN = {"x-corridor": "devices"}


class Walls:
    """A wall, and what asks it with or without its password."""

    def __init__(self, wall: Wall) -> None:
        self.wall = wall

    async def ask(self, method: str, path: str, *, password: str = "s3cret", **more: Any) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.wall.url, auth=("anyone", password)) as client:
            return await client.request(method, f"/api/v1/devices{path}", **more)

    async def post(self, path: str = "", *, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        return await self.ask("POST", path, headers=OWN if headers is None else headers, **more)


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Walls]:
    store = await open_store(f"sqlite:///{tmp_path}/store.db")
    async with running_wall(tmp_path, store, lambda: NOW, password="s3cret", guarded=True) as running:
        yield Walls(running)
    await store.close()


async def lets_in(wall: Wall, user: str, password: str) -> bool:
    """Publish as a device; wait a while for what was changed to be in effect."""
    port = int(wall.broker.rpartition(":")[2])
    try:
        async with aiomqtt.Client("127.0.0.1", port, username=user, password=password) as client:
            await client.publish(build(user, "state"), "running", qos=1)
            return True
    except aiomqtt.MqttError:
        return False


async def test_a_credential_is_made_changed_and_removed_by_who_is_logged_in(guarded: Walls) -> None:
    made = await guarded.post(json={"asset": ROBOT, "host": "wall.example"})
    assert made.status_code == 201
    first = made.json()
    assert first["user"] == ROBOT
    assert all(first["password"] in each["text"] for each in first["sections"])
    assert any("wall.example" in each["text"] for each in first["sections"])
    for _ in itertools.repeat(None, 50):
        if await lets_in(guarded.wall, ROBOT, first["password"]):
            break
    assert await lets_in(guarded.wall, ROBOT, first["password"])
    assert (await guarded.ask("GET", "")).json()["devices"] == [ROBOT]

    assert (await guarded.post(json={"asset": ROBOT})).status_code == 409
    second = (await guarded.post("/rotate", json={"asset": ROBOT})).json()["password"]
    for _ in itertools.repeat(None, 50):
        if await lets_in(guarded.wall, ROBOT, second):
            break
    assert await lets_in(guarded.wall, ROBOT, second)
    assert not await lets_in(guarded.wall, ROBOT, first["password"])

    assert (await guarded.post("/remove", json={"asset": ROBOT})).json() == {"asset": ROBOT}
    for _ in itertools.repeat(None, 50):
        if not await lets_in(guarded.wall, ROBOT, second):
            break
    assert not await lets_in(guarded.wall, ROBOT, second)
    assert (await guarded.ask("GET", "")).json()["devices"] == []


@pytest.mark.slow
@pytest.mark.parametrize("path", ["", "/rotate", "/remove"])
@pytest.mark.parametrize(
    ("headers", "more"),
    [
        ({}, {"json": {"asset": ROBOT}}),
        ({**OWN, "origin": "https://elsewhere.example"}, {"json": {"asset": ROBOT}}),
        ({**OWN, "origin": "null"}, {"json": {"asset": ROBOT}}),
        ({**OWN, "sec-fetch-site": "cross-site"}, {"json": {"asset": ROBOT}}),
        ({**OWN, "content-type": "text/plain"}, {"content": f'{{"asset":"{ROBOT}"}}'}),
        (OWN, {"data": {"asset": ROBOT}}),
    ],
)
async def test_a_page_of_elsewhere_changes_nothing_though_the_browser_sends_the_password(
    guarded: Walls, path: str, headers: dict[str, str], more: dict[str, Any]
) -> None:
    answer = await guarded.post(path, headers=headers, **more)
    assert answer.status_code in {400, 403}
    assert (await guarded.ask("GET", "")).json()["devices"] == []


@pytest.mark.slow
async def test_without_the_password_nothing_is_shown_or_changed(guarded: Walls) -> None:
    for method, path in (("GET", ""), ("POST", ""), ("POST", "/remove")):
        answer = await guarded.ask(method, path, password="wrong", headers=OWN, json={"asset": ROBOT})
        assert answer.status_code == 401


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"asset": "leeds/shop"}, "no machine"),
        ({"asset": "Leeds/shop/line-1/robot"}, "Leeds"),
        ({"asset": ROBOT, "form": "toaster"}, "toaster is no form"),
    ],
)
async def test_what_cannot_be_made_is_reported_with_a_hint(guarded: Walls, wanted: dict[str, str], words: str) -> None:
    answer = await guarded.post(json=wanted)
    assert answer.status_code == 409
    assert words in answer.json()["detail"]
    assert answer.json()["hint"]
    assert (await guarded.ask("GET", "")).json()["devices"] == []


@pytest.mark.slow
async def test_a_wall_without_a_password_makes_no_credential_and_shows_lines(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path}/store.db")
    async with running_wall(tmp_path, store, lambda: NOW) as running:
        walls = Walls(running)
        assert (await walls.ask("GET", "")).json() | {"forms": []} == {"may": False, "forms": [], "devices": []}
        assert (await walls.post(json={"asset": ROBOT})).status_code == 403
        shown = (await walls.ask("GET", "/lines", params={"asset": ROBOT, "host": "localhost"})).json()["sections"]
        texts = {each["title"].split()[0].strip(","): each["text"] for each in shown}
        assert "-h localhost" in texts["mosquitto_pub"]
        assert 'setServer("192.0.2.7"' in texts["Arduino"]
        assert not [title for title, text in texts.items() if "USER" in text.replace("USER,", "").replace("USER =", "")]
        evil = {"asset": ROBOT, "host": '"; system("x") //'}
        assert "system" not in (await walls.ask("GET", "/lines", params=evil)).text
    await store.close()


@pytest.mark.slow
async def test_a_wall_whose_broker_asks_nobody_makes_no_credential(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path}/store.db")
    async with running_wall(tmp_path, store, lambda: NOW, password="s3cret") as running:
        answer = await Walls(running).post(json={"asset": ROBOT})
        assert answer.status_code == 403
        assert "--registrar" in answer.json()["detail"]
    await store.close()


def test_the_forms_of_devices_have_steps_and_a_gateway() -> None:
    lines = JoiningLines("127.0.0.1", 1883, "192.0.2.7", is_stack=False)
    for form in lines.forms:
        found = lines.lines(ROBOT, form, "localhost", None)
        assert any("192.0.2.7" in text for text in found.values()), form
        assert any("./corridor gateway" in text for text in found.values())
