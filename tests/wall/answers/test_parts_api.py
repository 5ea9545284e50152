"""The addresses of parts and batches."""

import msgspec
import pytest

from broker.contract.events import Measurement, Part
from broker.contract.instants import format_rfc3339
from services.query.parts.genealogy import batch_genealogy, genealogy
from services.query.parts.records import as_document
from services.store.interface import Batch
from services.wall.addresses import Parts
from tests.wall.test_api import get, open_client
from tests.wall.works import CMM, EIGHT, MILL, MINUTE, PLANT

SERIAL = "wo 7/1 ü"
MADE = [
    Part(asset=MILL, at=EIGHT, part=SERIAL, result="good", material="heat-1"),
    Part(asset=CMM, at=EIGHT + 1, part=SERIAL, result="scrap"),
]


@pytest.fixture
async def made(parts: Parts) -> Parts:
    await parts.store.write(Batch(events=MADE))
    return parts


async def test_a_part_is_what_the_command_prints(made: Parts) -> None:
    async with open_client(made) as client:
        reported = await get(client, "/api/v1/parts/wo%207%2F1%20%C3%BC")
        assert reported == as_document(await genealogy(made.store, PLANT, SERIAL))
        assert [step["asset"] for step in reported["parts"][0]["steps"]] == [MILL, CMM]
        assert msgspec.json.encode(reported)


async def test_a_batch_is_what_the_command_prints(made: Parts) -> None:
    async with open_client(made) as client:
        reported = await get(client, "/api/v1/batches/heat-1")
        assert reported == as_document(await batch_genealogy(made.store, PLANT, "heat-1"))
        assert [(one["serial"], one["result"]) for one in reported["affects"]] == [(SERIAL, "scrap")]


@pytest.mark.parametrize("path", ["parts/none", "batches/none", "parts/heat-1", "parts/none?asset=leeds"])
async def test_what_nobody_reported_is_not_found_with_a_hint(made: Parts, path: str) -> None:
    async with open_client(made) as client:
        reply = await client.get(f"/api/v1/{path}")
    assert reply.status_code == 404
    problem = reply.json()
    assert reply.headers["content-type"].startswith("application/problem+json")
    assert "reported a" in problem["detail"]


async def test_a_name_is_found_as_a_part_and_as_a_batch(made: Parts) -> None:
    async with open_client(made) as client:
        part = await get(client, "/api/v1/find", name=SERIAL)
        assert part["genealogy"] == as_document(await genealogy(made.store, PLANT, SERIAL))
        assert part["batch"] is None
        batch = await get(client, "/api/v1/find", name="heat-1")
        assert batch["batch"] == as_document(await batch_genealogy(made.store, PLANT, "heat-1"))
        assert batch["genealogy"] is None
        assert (part["near"], batch["near"]) == ([], [])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("WO 7/1 Ü", [(SERIAL, "part")]),
        ("wo 7/2 ü", [(SERIAL, "part")]),
        ("heat", [("heat-1", "batch")]),
        ("p-1", []),
        (" ", []),
    ],
)
async def test_a_name_that_nobody_reported_has_those_that_are_like_it(
    made: Parts, asked: str, near: list[tuple[str, str]]
) -> None:
    async with open_client(made) as client:
        found = await get(client, "/api/v1/find", name=asked)
    assert (found["genealogy"], found["batch"]) == (None, None)
    assert [(one["name"], one["kind"]) for one in found["near"]] == near


async def test_the_newest_parts_come_first_with_what_is_beyond_its_limits(made: Parts) -> None:
    bore = Measurement(asset=CMM, at=EIGHT + 5, characteristic="bore", value=2, upper=1, part="later")
    again = Measurement(asset=CMM, at=EIGHT + 6, characteristic="flat", value=2, upper=1, part="later")
    corrected = Measurement(asset=CMM, at=EIGHT + 7, characteristic="flat", value=1, upper=1, part="later")
    await made.store.write(Batch(events=[bore, again, corrected]))
    hour = {"from": format_rfc3339(EIGHT), "to": format_rfc3339(EIGHT + MINUTE)}
    async with open_client(made) as client:
        listed = await get(client, "/api/v1/parts", asset="leeds", **hour)
        assert [(one["serial"], one["asset"], one["result"], one["outside"], one["material"]) for one in listed] == [
            ("later", CMM, "", ["bore"], ""),
            (SERIAL, CMM, "scrap", [], "heat-1"),
        ]
        assert len(await get(client, "/api/v1/parts", asset="leeds", limit=1, **hour)) == 1
        assert await get(client, "/api/v1/parts", asset="york", **hour) == []


@pytest.mark.slow
async def test_the_document_of_the_interface_names_both(made: Parts) -> None:
    async with open_client(made) as client:
        paths = (await get(client, "/api/v1/openapi.json"))["paths"]
    assert {"/api/v1/parts/{serial}", "/api/v1/batches/{number}", "/api/v1/parts", "/api/v1/find"} <= paths.keys()


async def test_who_reported_for_a_machine_is_asked_of_a_machine_alone(made: Parts) -> None:
    hour = {"from": format_rfc3339(EIGHT), "to": format_rfc3339(EIGHT + 60 * MINUTE)}
    async with open_client(made) as client:
        (device,) = await get(client, "/api/v1/origins", asset=MILL, **hour)
        assert device["simulated"] is False
        reply = await client.get("/api/v1/origins", params={"asset": "leeds/shop/line-1", **hour})
    assert reply.status_code == 400
    assert "write its whole path" in reply.text
