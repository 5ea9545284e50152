"""`corridor part`: the genealogy of a part for people and for programs, and the parts of a batch."""

import asyncio
import json
from pathlib import Path

import pytest

from broker.contract.events import AnyEvent, Measurement, Part
from broker.contract.instants import parse as instant
from broker.plant import plant_file
from cli.running.stores import PLANT_METADATA
from services.store.interface import Batch
from services.store.sqlite.store import SqliteStore
from tests.cli.conftest import Corridor

PLANT = plant_file.parse(
    """
    [asset."works"]
    time-zone = "Europe/Berlin"
    [asset."works/foundry/line-1"]
    [asset."works/shop/line-1"]
    [product.lug]
    [product.blank]
    [flow.blanks]
    title = "Cast blanks"
    from = "works/foundry/line-1"
    to = "works/shop/line-1"
    product = "blank"
    becomes = "lug"
    batch = 2
    transit = "1h"
    """,
    "test",
)


def at(clock: str) -> int:
    return instant(f"2026-11-24T{clock}:00Z")


FURNACE, MILL = "works/foundry/line-1/furnace-1", "works/shop/line-1/mill-1"
EVENTS: list[AnyEvent] = [
    Part(asset=FURNACE, at=at("10:00"), part="c-1", result="good", seconds=600, product="blank", batch="blanks-7"),
    Measurement(asset=MILL, at=at("13:00"), characteristic="bore", value=12.5, upper=12.2, part="l-1", unit="mm"),
    Part(
        asset=MILL,
        at=at("13:00"),
        part="l-1",
        result="scrap",
        seconds=300,
        order="wo-1",
        product="lug",
        material="blanks-7",
        source="c-1",
    ),
]


@pytest.fixture(autouse=True)
def stored(tmp_path: Path) -> None:
    async def store() -> None:
        opened = await SqliteStore.open(tmp_path / "corridor.db")
        await opened.set_metadata(PLANT_METADATA, PLANT.text)
        await opened.write(Batch(events=EVENTS))
        await opened.close()

    asyncio.run(store())


def test_a_part_is_shown_with_its_machines_and_what_it_was_made_from(corridor: Corridor) -> None:
    status, out, _ = corridor("part", "l-1")
    assert status == 0
    assert [" ".join(line.split()) for line in out.splitlines()] == [
        "l-1 works/shop/line-1 lug, wo-1, scrap",
        "machine from to result kW·h measured",
        "mill-1 2026-11-24 13:55:00 2026-11-24 14:00:00 scrap bore 12.5 mm (beyond its limits)",
        "made from batch blanks-7; Cast blanks, works/foundry/line-1 to works/shop/line-1",
        "c-1 works/foundry/line-1 blank, good",
        "machine from to result kW·h measured",
        "furnace-1 2026-11-24 10:50:00 2026-11-24 11:00:00 good",
        "left in batch blanks-7; Cast blanks, works/foundry/line-1 to works/shop/line-1",
        "became l-1 (lug) on works/shop/line-1",
    ]


def test_for_programs_it_is_one_document(corridor: Corridor) -> None:
    status, out, _ = corridor("part", "c-1", "--json")
    assert status == 0
    (part,) = json.loads(out)["parts"]
    assert (part["serial"], part["line"], part["product"]) == ("c-1", "works/foundry/line-1", "blank")
    assert part["became"] == [
        {"serial": "l-1", "line": "works/shop/line-1", "product": "lug", "at": "2026-11-24T13:00:00Z"}
    ]


def test_a_batch_lists_the_parts_that_it_affects(corridor: Corridor) -> None:
    status, out, _ = corridor("part", "--batch", "blanks-7")
    assert status == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[-3:] == [
        "affects 1 part",
        "serial line product result at made from",
        "l-1 works/shop/line-1 lug scrap 2026-11-24 14:00:00 c-1",
    ]
    _, out, _ = corridor("part", "--batch", "blanks-7", "--json")
    document = json.loads(out)
    assert [one["serial"] for one in document["holds"]] == ["c-1"]
    assert [one["serial"] for one in document["affects"]] == ["l-1"]


@pytest.mark.parametrize("asked", [("l-9",), ("--batch", "l-9"), ("l-1", "--asset", "works/foundry")])
def test_what_nobody_reported_is_not_so(corridor: Corridor, asked: tuple[str, ...]) -> None:
    status, out, err = corridor("part", *asked)
    assert (status, out) == (1, "")
    assert asked[-1 if asked[0] == "--batch" else 0] in err


@pytest.mark.parametrize("asked", [(), ("l-1", "--batch", "blanks-7")])
def test_a_serial_number_or_a_batch_is_asked_for(corridor: Corridor, asked: tuple[str, ...]) -> None:
    status, _, err = corridor("part", *asked)
    assert status == 2
    assert "either a SERIAL or --batch" in err
