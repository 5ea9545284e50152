"""A program for `test_kinds_of_events.py`: adds a kind to the table of kinds, then sends a message of it all the way.

Its arguments are URLs of stores. It prints one JSON document: what became of the message at each place.
"""

import asyncio
import json
import sys
from typing import Any, ClassVar

from broker.contract import events, kinds, payloads
from broker.contract.entry import Column, Entry

MILL = "sheffield/machining/line-1/mill-2"
NOON = 1_764_158_400_000_000_000


class Pallet(events.Event, frozen=True, kw_only=True, gc=False):
    """A pallet was wrapped."""

    kind: ClassVar[Any] = "pallet"

    gate: str
    weight: float
    height: float | None = None
    order: str = ""
    is_sealed: bool = False

    @property
    def series(self) -> str:
        """The gate."""
        return self.gate


class PalletPayload(payloads.Reading, kw_only=True):
    """A pallet was wrapped."""

    weight: payloads.Quantity
    height: payloads.Quantity | None = None
    order: payloads.Label = ""
    is_sealed: bool = False


kinds.TABLE[Pallet.kind] = Entry(
    kind=Pallet.kind,
    label="pallets",
    event=Pallet,
    payload=PalletPayload,
    examples={"pallet/east": '{"weight":12.5,"order":"wo-1"}'},
    topic="named",
    name="gate",
    stored_by="kpi",
    columns=(
        Column("weight", "number", "kg"),
        Column("height", "optional number", "m"),
        Column("order", "text"),
        Column("is_sealed", "truth"),
    ),
)


async def main(urls: list[str]) -> None:
    # What follows the table is imported when the kind stands in it.
    from broker.contract import codec  # noqa: PLC0415
    from broker.contract.documents import schema  # noqa: PLC0415
    from broker.contract.errors import ContractError  # noqa: PLC0415
    from broker.contract.message import Message  # noqa: PLC0415
    from services.intake import routing  # noqa: PLC0415
    from services.query.export import exporting  # noqa: PLC0415
    from services.store.interface import Batch  # noqa: PLC0415
    from services.store.opening import open_store  # noqa: PLC0415

    topic, payload = f"corridor/v1/{MILL}/pallet/east", b'{"weight":12.5,"order":"wo-1","is_sealed":true}'
    (event,) = codec.decode(Message(topic, payload, received_at=NOON))
    try:
        codec.decode(Message(topic, b'{"weight":1,"order":"two\\nlines"}', received_at=NOON))
        problem = ""
    except ContractError as error:
        problem = str(error)
    wire = codec.encode(event)
    made = schema.schema(Pallet.kind)
    stored: list[bool] = []
    sheets: list[Any] = []
    older: Any = Pallet(asset=MILL, at=NOON, gate="east", weight=1, height=2.0)
    later: Any = Pallet(asset=MILL, at=NOON, gate="east", weight=12.5, order="wo-1", is_sealed=True)
    for url in urls:
        store = await open_store(url)
        await store.write(Batch(events=[older]))
        await store.write(Batch(events=[event]))
        back = [*await store.events([Pallet.kind], "", 0, 2**62), *await store.latest_before([Pallet.kind], "", 2**62)]
        stored.append(back == [later] * 2)
        sheet = exporting.events(store, "pallet", exporting.Range("", 0, 2**62))
        rows = [row async for _, page in sheet.pages for row in page]
        sheets.append([[column.name for column in sheet.columns], *rows])
        await store.close()
    became = {
        "problem": problem,
        "encoded": [wire.topic == topic, json.loads(wire.payload)],
        "schema": [made["x-topics"]["topic"], sorted(made["$defs"]["PalletPayload"]["properties"])],
        "filter": [one for one in routing.kpi_filters() if "pallet" in one],
        "for kpi": routing.is_for_kpi(topic),
        "stored": stored,
        "sheets": sheets,
    }
    sys.stdout.write(json.dumps(became))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
