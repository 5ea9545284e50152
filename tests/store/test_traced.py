"""Part events and measurements are found by the names of parts and batches, on both engines alike."""

import pytest

from broker.contract.events import Measurement, Part
from services.store.interface import Batch, Store, Trace
from tests.store.conftest import MILL

NOON = 1_764_158_400_000_000_000
SAW = "sheffield/machining/line-2/saw-1"
ODD = "b'7\" \\ or part <> '"
MADE = Part(asset=MILL, at=NOON, part="b-77", result="good", seconds=2.5, material="heat-1", source="c-5")
LEFT = Part(asset=SAW, at=NOON + 5, part="b-77", batch="box-9", simulated=True)
OTHER = Part(asset=SAW, at=NOON + 6, part=ODD, material="heat-1")
BORE = Measurement(asset=MILL, at=NOON + 1, characteristic="bore", value=1.5, upper=2, part="b-77", unit="mm")
NAMELESS = Measurement(asset=MILL, at=NOON + 2, characteristic="bore", value=1.5)


@pytest.mark.parametrize(
    ("field", "names", "asset", "found"),
    [
        ("part", ["b-77"], "", [MADE, BORE, LEFT]),
        ("part", ["b-77"], "sheffield/machining/line-2", [LEFT]),
        ("part", ["b-77"], "sheffield/machining/line", []),
        ("part", ["b-77", ODD, "b-77"], "", [MADE, BORE, LEFT, OTHER]),
        ("part", ["B-77", "b-7", ""], "", []),
        ("part", [], "", []),
        ("source", ["c-5"], "", [MADE]),
        ("material", ["heat-1"], "", [MADE, OTHER]),
        ("batch", ["box-9"], "", [LEFT]),
        ("batch", [""], "", []),
    ],
)
async def test_what_has_one_of_the_names_is_found(
    store: Store, field: Trace, names: list[str], asset: str, found: list[Part | Measurement]
) -> None:
    await store.write(Batch(events=[MADE, LEFT, OTHER, BORE, NAMELESS]))
    assert await store.traced(field, names, asset) == found


async def test_of_many_names_each_is_found(store: Store) -> None:
    made = [Part(asset=MILL, at=NOON + at, part=f"p-{at}") for at in range(450)]
    await store.write(Batch(events=made))
    assert await store.traced("part", [event.part for event in made]) == made


async def test_a_later_report_of_the_instant_replaces_the_earlier_under_its_new_name(store: Store) -> None:
    await store.write(Batch(events=[MADE]))
    later = Part(asset=MILL, at=NOON, part="b-78")
    await store.write(Batch(events=[later]))
    assert await store.traced("part", ["b-77"]) == []
    assert await store.traced("part", ["b-78"]) == [later]
