"""Ingest and the plant of its store: a number that comes as text stays one where the plant declares the signal so."""

from pathlib import Path

import pytest

from broker.contract.events import Sample
from broker.contract.message import Message, Publication
from broker.contract.topics import PREFIX
from broker.plant.plant import Plant
from broker.plant.plant_file import PlantError, parse
from services.ingest.declared import Declared
from services.ingest.service import ingest
from services.store.interface import StoreError
from tests.ingest.test_other_sources import BEGAN, FOR_EVER, CountingStore, Log

MILL = "sheffield/machining/line-1/mill-1"
DECLARED = parse(f'[asset."{MILL}"]\nsignals.program = {{ type = "text" }}\n', "plant.toml")


class Nobody:
    async def publish(self, *publications: Publication) -> None:
        raise AssertionError(publications)


async def test_a_number_as_text_is_stored_as_the_plant_declares_its_signal(tmp_path: Path) -> None:
    async def plant() -> Plant:
        return DECLARED

    store = await CountingStore.open(tmp_path / "corridor.db")
    assert isinstance(store, CountingStore)
    sent = Message(f"{PREFIX}/{MILL}/telemetry", b'{"values":{"program":"1001","load":"41.2"}}', received_at=BEGAN)
    await ingest(Log(store, sent), Nobody(), store, now=lambda: BEGAN, plant=plant)
    found = await store.events(["telemetry"], "", 0, FOR_EVER)
    assert {one.signal: one.value for one in found if isinstance(one, Sample)} == {"program": "1001", "load": 41.2}
    await store.close()


@pytest.mark.parametrize("error", [StoreError("the store is away"), None])
async def test_a_plant_that_cannot_be_read_leaves_the_one_before(error: StoreError | None) -> None:
    answers: list[Plant | Exception] = [DECLARED]
    if error:
        answers.append(error)
    else:
        with pytest.raises(PlantError) as caught:
            parse("[asset", "plant.toml")
        answers.append(caught.value)

    async def plant() -> Plant:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    declared = Declared(plant)
    assert not declared.is_text(MILL, "program")
    for _ in range(2):
        await declared.read()
        assert declared.is_text(MILL, "program")
    assert answers == []
