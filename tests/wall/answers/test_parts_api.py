"""The addresses of parts and batches."""

import msgspec
import pytest

from broker.contract.events import Part
from services.query.genealogy import as_document, batch_genealogy, genealogy
from services.store.interface import Batch
from services.wall.api import Parts
from tests.wall.test_api import get, open_client
from tests.wall.works import CMM, EIGHT, MILL, PLANT

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


async def test_the_document_of_the_interface_names_both(made: Parts) -> None:
    async with open_client(made) as client:
        paths = (await get(client, "/api/v1/openapi.json"))["paths"]
    assert {"/api/v1/parts/{serial}", "/api/v1/batches/{number}"} <= paths.keys()
