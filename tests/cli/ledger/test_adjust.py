"""`corridor adjust`: what it publishes, and what it rejects before it does."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from broker.contract.codec import decode
from broker.contract.events import Adjust
from broker.mqtt.session import Publication, Session
from broker.server.embedded import EmbeddedBroker
from tests.cli.conftest import Corridor

MILL = "sheffield/machining/line-1/mill-1"
ROOT = Path(__file__).resolve().parents[3]


async def adjust(broker: str, *arguments: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "cli.main", "adjust", MILL, *arguments, "--broker", broker),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": str(ROOT)},
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@pytest.mark.slow
async def test_a_booking_is_published_and_taken_back_by_the_id_that_is_printed(tmp_path: Path) -> None:
    async with (
        EmbeddedBroker(tmp_path / "broker", port=0, kind="mosquitto") as broker,
        Session(broker.url, client_id="look", filters=["corridor/v1/#"]) as session,
    ):
        status, out, err = await adjust(
            broker.url, "--good", "-5", "--scrap", "5", "--reason", "burr found", "--by", "ann"
        )
        assert status == 0, err
        id_ = out.strip()
        assert f"booked by hand: −5 good, +5 scrap, burr found, by ann (booking {id_})" in err
        status, out, err = await adjust(broker.url, "--id", id_, "--void", "--json")
        assert (status, json.loads(out)["id"]) == (0, id_), err
        await session.publish(Publication("corridor/v1/end", b"", 1))
        received = []
        async for batch in session.batches():
            received += batch.messages
            batch.acknowledge()
            if received[-1].topic == "corridor/v1/end":
                break
    assert [(message.topic, message.qos, message.retained) for message in received[:2]] == [
        (f"corridor/v1/{MILL}/adjust", 1, False)
    ] * 2
    (booked,), (void,) = (decode(message) for message in received[:2])
    assert isinstance(booked, Adjust)
    assert isinstance(void, Adjust)
    assert (booked.id, booked.good, booked.scrap, booked.produced, booked.void) == (id_, -5, 5, None, False)
    assert (void.id, void.void) == (id_, True)


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        ([MILL, "--scrap", "1"], 2, "--reason"),
        ([MILL, "--void"], 2, "--void needs --id"),
        ([MILL, "--reason", "burr"], 1, "none of its fields"),
        ([MILL, "--scrap", "1e16", "--reason", "burr"], 1, "beyond"),
        ([MILL, "--scrap", "1", "--reason", "burr", "--id", "x" * 65], 1, "65 characters"),
        ([MILL, "--scrap", "1", "--reason", "two\nlines"], 1, "control character"),
        ([MILL, "--scrap", "1", "--reason", "burr", "--at", "2020-01-01T00:00:00Z"], 1, "retention"),
        (["sheffield/machining", "--scrap", "1", "--reason", "burr"], 1, "not a machine's"),
    ],
)
def test_what_cannot_be_booked_is_rejected_before_it_is_published(
    corridor: Corridor, arguments: list[str], status: int, says: str
) -> None:
    found, out, err = corridor("adjust", *arguments, "--broker", "mqtt://127.0.0.1:1")
    assert (found, out) == (status, "")
    assert says in err
