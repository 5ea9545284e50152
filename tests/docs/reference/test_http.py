"""The page on the HTTP API has every address with its parameters, and every member of an answer."""

import re
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from services.query.answers import Answer
from services.query.groups import BY
from services.store.opening import default_url, open_store
from services.wall import openapi
from services.wall.application import application
from tests.wall.works import NOW, PLANT, Clock, make_parts

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "http.md"
TEXT = PAGE.read_text(encoding="utf-8")
CELLS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line.startswith("| `")]


async def described(folder: Path) -> dict[str, Any]:
    store = await open_store(default_url(folder))
    web = application(make_parts(store, PLANT, Clock(NOW)), None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url="http://localhost") as client:
        found: dict[str, Any] = (await client.get("/api/v1/openapi.json")).json()
    await store.close()
    return found


@pytest.mark.slow
async def test_every_address_stands_there_with_its_parameters(tmp_path: Path) -> None:
    paths = (await described(tmp_path))["paths"]
    wanted = {
        path: [each["name"] for each in reported["get"].get("parameters", [])]
        for path, reported in paths.items()
        if "get" in reported
    }
    written = {cells[0].strip("`"): re.findall(r"`(\w+)`", cells[1]) for cells in CELLS if cells[0].startswith("`/")}
    assert {path: sorted(names) for path, names in written.items()} == {
        path: sorted(names) for path, names in wanted.items()
    }

    changing = {path for path, reported in paths.items() if "post" in reported}
    assert changing == set(re.findall(r"`POST (/\S+)`", TEXT))


@pytest.mark.slow
async def test_the_document_on_the_site_has_every_address_that_the_wall_serves(tmp_path: Path) -> None:
    served = (await described(tmp_path))["paths"]
    assert openapi.document()["paths"].keys() == {path for path in served if path.startswith("/api/")}


async def test_it_is_written_where_from_is_required(tmp_path: Path) -> None:
    without = [
        path
        for path, reported in (await described(tmp_path))["paths"].items()
        for each in reported.get("get", {}).get("parameters", [])
        if each["name"] == "from" and not each["required"]
    ]
    assert f"`from` is required, but for {', '.join(f'`{path}`' for path in without)};" in TEXT


def test_every_member_of_an_answer_stands_there() -> None:
    written = [name for cells in CELLS if not cells[0].startswith("`/") for name in re.findall(r"`(\w+)`", cells[0])]
    assert sorted(written) == sorted(field.encode_name for field in msgspec.structs.fields(Answer))


def test_every_way_to_split_a_range_stands_there() -> None:
    assert all(f"`by={by}`" in TEXT for by in BY)
