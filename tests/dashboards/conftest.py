"""The shipped plant, a simulated day of it in a real InfluxDB, and the committed pages."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from broker.contract.events import NS_PER_MS, NS_PER_S, Adjust, AnyEvent, Sample, Status
from broker.plant.plant import Plant
from broker.plant.plant_file import load
from broker.server.mosquitto_stack import PROBE
from dashboards.building import ROOT
from edge.simulation import districts
from edge.simulation.simulation import SamplingIntervals, Simulation
from services.kpi.ledger_writer import LedgerWriter
from services.store.influx.address import parse
from services.store.influx.store import InfluxStore
from services.store.interface import LedgerRow, Rejected
from tests.dashboards.rendering import Screen, installed
from tests.dashboards.viewing import View
from tests.store.influx.influxd import Influxd

HOUR = 3_600 * NS_PER_S
START = 1_795_593_600 * NS_PER_S  # 2026-11-25T08:00:00Z
END = START + 24 * HOUR
MILL = "sheffield/machining/line-1/mill-1"
DISK_USED = {18: 85.0, 19: 95.0}
"""How full the disk of the mill's computer is, percent, at these hours."""
BOOKED_AT = 12
BOOKED = {
    "b-1": ("burr found", 3.0),
    "b-2": ("burr found", 3.0),
    "b-3": ("wrong bore", 1.0),
    "b-4": ("", 2.0),
    "b-5": ("taken back", 9.0),
}
"""Pieces that were good, and were booked as scrap at the mill at one instant, by id: the reason, how many."""
Pages = dict[str, dict[str, Any]]
EVERYTHING = dict.fromkeys(("site", "area", "line", "machine"), ".*")


@pytest.fixture(scope="session")
def plant() -> Plant:
    """The plant of the committed pages, which the stack runs."""
    return load(districts.CORRIDOR)


@pytest.fixture(scope="session")
def pages() -> Pages:
    """The committed pages, by uid."""
    found = (json.loads(path.read_text()) for path in sorted((ROOT / "json").glob("corridor-*.json")))
    return {page["uid"]: page for page in found}


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    """A simulated day of two districts, stored as the services store it."""
    influxd = Influxd(tmp_path_factory.mktemp("influxd"))
    try:
        asyncio.run(_keep_a_day(influxd.make_store("corridor"), districts.plant()))
        yield influxd
    finally:
        influxd.kill()


@pytest.fixture(scope="session")
def ledger(day: Influxd) -> list[LedgerRow]:
    """The minutes of that day."""

    async def read() -> list[LedgerRow]:
        store = await InfluxStore.open(parse(f"influxdb1://127.0.0.1:{day.port}/corridor"))
        found = await store.rows("", START, END)
        await store.close()
        return found

    return asyncio.run(read())


@pytest.fixture(scope="session")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    """A browser with Grafana's libraries."""
    installed()
    opened = Screen(tmp_path_factory.mktemp("render"))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def view() -> View:
    """The whole day, with one machine of one line chosen where there is a choice."""
    return view_of(START, END)


def view_of(start: int, end: int, **chosen: str) -> View:
    """Return a view of a range, in ns."""
    standard = EVERYTHING | {
        "signal": ".*",
        "characteristic": "bore-diameter",
        "unit": "mm",
        "co2e": "0.177",
        "wall": "http://wall",
    }
    return View(start // NS_PER_MS, end // NS_PER_MS, standard | chosen)


def levels_of(machine: str) -> dict[str, str]:
    """Return a machine's path as the values of variables."""
    return dict(zip(("site", "area", "line", "machine"), machine.split("/"), strict=True))


async def _keep_a_day(url: str, plant: Plant) -> None:
    store = await InfluxStore.open(parse(url))
    simulation = Simulation(plant, START)
    simulation.sampling = SamplingIntervals(sensors=60 * NS_PER_S, meters=60 * NS_PER_S)
    simulation.announce(START)
    now = START
    writer = LedgerWriter(store, plant, lambda: now)
    gone = START + 20 * HOUR
    for hour in range(24):
        now = START + (hour + 1) * HOUR
        events: list[AnyEvent] = [event for event in simulation.run_until(now) if not _is_lost(event, gone)]
        rejected: list[Rejected] = []
        if hour in DISK_USED:
            at = START + hour * HOUR
            events.append(Sample(asset=MILL, at=at, signal="disk-used", value=DISK_USED[hour], unit="%"))
        if hour == BOOKED_AT:
            events += _bookings(START + hour * HOUR + HOUR // 2)
        if hour == 20:
            events += [Status(asset=MILL, at=gone + minute * 60 * NS_PER_S, online=bool(minute)) for minute in (0, 9)]
            events.append(Sample(asset=PROBE, at=gone, signal="probe", value=1.0))
            rejected = [Rejected(gone, "corridor/v1/leeds/shop/line-1/mill-1/count", "not JSON", b"{", 1)]
        await writer.store_events(sorted(events, key=lambda event: event.at), rejected)
    await writer.advance()
    await store.close()


def _bookings(at: int) -> Iterator[Adjust]:
    for name, (reason, amount) in BOOKED.items():
        yield Adjust(
            asset=MILL,
            at=at,
            id=name,
            good=-amount,
            scrap=amount,
            reason=reason,
            by="ann",
            void=reason == "taken back",
            booked="2026-11-26T07:00:00Z",
        )


def _is_lost(event: AnyEvent, gone: int) -> bool:
    """Return whether an event fell into the minutes in which the mill was not connected."""
    return event.asset == MILL and gone <= event.at < gone + 9 * 60 * NS_PER_S
