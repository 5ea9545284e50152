"""Titles in any alphabet, and long ones, are shown whole: of signals, reasons, shifts, products and orders."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from broker.contract.events import NS_PER_S, Adjust, AnyEvent, Count, Job, Sample, StateChange
from broker.plant.plant_file import parse
from dashboards.building import files
from services.kpi.ledger_writer import LedgerWriter
from services.store.influx.address import parse as address
from services.store.influx.store import InfluxStore
from tests.dashboards.conftest import END, HOUR, levels_of, view_of
from tests.dashboards.rendering import Panel, Screen, installed
from tests.store.influx.influxd import Influxd

pytestmark = [pytest.mark.slow, pytest.mark.influx, pytest.mark.browser, pytest.mark.javascript]

PRESS = "volos/press-shop/line-1/press-1"
SIGNAL = "Θερμοκρασία λαδιού του υδραυλικού συστήματος"
REASON = "Ожидание замены изношенного инструмента на складе"
SHIFT = "夜勤シフト-第二生産ライン"
PRODUCT = "Кронштейн левый, оцинкованный"
ORDER = "注文-二〇二六-017"
SCRAP = "Γρέζια στην εσωτερική ακμή της οπής"
PLANT = parse(
    f"""
    [calendar.always]
    time-zone = "Europe/Athens"
    shifts = [{{ name = "{SHIFT}", start = "06:00", end = "06:00" }}]
    [reason.tool-wait]
    title = "{REASON}"
    [asset.volos]
    calendar = "always"
    [asset."{PRESS}"]
    [asset."{PRESS}".signals]
    oil-temp = {{ title = "{SIGNAL}", unit = "Cel", low = 20, high = 60 }}
    """,
    "volos.toml",
)
START = END - 2 * HOUR
MINUTE = 60 * NS_PER_S


@pytest.fixture(scope="module")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    """Two hours of a press that is named in three alphabets."""
    server = Influxd(tmp_path_factory.mktemp("influxd"))
    asyncio.run(_two_hours(server.make_store("corridor")))
    yield server
    server.kill()


@pytest.fixture(scope="module")
def seen(influxd: Influxd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[Panel]]]:
    """The panels of the pages that show such titles."""
    installed()
    screen = Screen(tmp_path_factory.mktemp("render"))
    built = {path.stem: json.loads(text) for path, text in files(PLANT) if path.parent.name == "json"}
    view = view_of(START, END, **levels_of(PRESS), signal="oil-temp")
    pages = ("corridor-line", "corridor-machine", "corridor-orders", "corridor-quality", "corridor-maintenance")
    yield {page: screen.draw(built[page], influxd, view, f"alphabets-{page}") for page in pages}
    screen.close()


def test_nothing_is_in_error_or_cut(seen: dict[str, list[Panel]]) -> None:
    faults = {
        (page, panel.title): (panel.error, panel.columns_beyond_px, panel.clipped)
        for page, panels in seen.items()
        for panel in panels
        if panel.error or panel.columns_beyond_px or panel.clipped
    }
    assert faults == {}


@pytest.mark.parametrize(
    ("page", "panel", "text"),
    [
        ("line", "Stops", REASON),
        ("line", "Reasons by time", REASON),
        ("machine", "Reasons by time", REASON),
        ("maintenance", "What made machines fail, 30 days", REASON),
        ("machine", "", SIGNAL),
        ("maintenance", "Temperatures", f"press-1 {SIGNAL}"),
        ("machine", "Order", ORDER),
        ("orders", "Shifts", SHIFT),
        ("orders", "Good pieces by shift", SHIFT),
        ("orders", "Products", PRODUCT),
        ("orders", "Good pieces by product and hour", PRODUCT),
        ("orders", "Order progress", ORDER),
        ("orders", "Orders", ORDER),
        ("quality", "Scrap by reason", SCRAP),
    ],
)
def test_a_title_is_written_as_it_is(seen: dict[str, list[Panel]], page: str, panel: str, text: str) -> None:
    (found,) = (one for one in seen[f"corridor-{page}"] if one.title == panel)
    written = {shown for field in found.fields() for shown in field.shown} | {field.title for field in found.fields()}
    assert text in written or text in found.shown


async def _two_hours(url: str) -> None:
    store = await InfluxStore.open(address(url))
    writer = LedgerWriter(store, PLANT, lambda: END)
    events: list[AnyEvent] = [
        Job(asset=PRESS, at=START, phase="start", order=ORDER, product=PRODUCT, planned=100.0, ideal_cycle=60.0),
        StateChange(asset=PRESS, at=START, state="running"),
        StateChange(asset=PRESS, at=START + HOUR, state="down", reason="tool-wait"),
        StateChange(asset=PRESS, at=START + HOUR + 20 * MINUTE, state="running"),
        Adjust(
            asset=PRESS,
            at=START + HOUR,
            id="b-1",
            good=-2.0,
            scrap=2.0,
            reason=SCRAP,
            booked="2026-11-26T07:30:00Z",
        ),
    ]
    for minute in range(120):
        at = START + minute * MINUTE
        events.append(Count(asset=PRESS, at=at, produced=float(minute), good=float(minute)))
        events.append(Sample(asset=PRESS, at=at, signal="oil-temp", value=40.0 + minute / 10, unit="Cel"))
    await writer.store_events(sorted(events, key=lambda event: event.at), [])
    await writer.advance()
    await store.close()
