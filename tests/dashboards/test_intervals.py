"""What a query counts as an interval: full minutes, days of the plant's zone, the period before, the last days."""

import asyncio
import time

import pytest

from broker.contract.events import Sample
from dashboards.pages.data import samples_a_minute
from dashboards.queries import Cut, before, indicator, last_days, power, total
from services.ledger.fields import NANO, Sums, add
from services.ledger.indicators.indicators import evaluate
from services.store.influx.address import parse
from services.store.influx.store import InfluxStore
from services.store.interface import Batch, LedgerRow
from tests.dashboards.conftest import END, HOUR, START, view_of
from tests.dashboards.viewing import View, answer, filled_in, rows
from tests.store.influx.influxd import Influxd

pytestmark = [pytest.mark.influx, pytest.mark.xdist_group("a day in InfluxDB")]

MINUTE = 60 * NANO
NIGHT_BEGINS_LATER_IN = "America/New_York"


@pytest.fixture
def running_minute(day: Influxd) -> View:
    """Ten minutes up to the present in a store of their own, of which the newest has just begun."""
    now = time.time_ns()
    newest = now // MINUTE * MINUTE
    minutes = [newest - place * MINUTE for place in range(10)]
    asset = "a/b/c/d"
    drawn = [LedgerRow(asset, start, "-", "-", {"electricity_kwh": NANO}) for start in minutes[1:]]
    drawn.append(LedgerRow(asset, newest, "-", "-", {"electricity_kwh": NANO // 5}))
    samples = [
        Sample(asset=asset, at=start + second * NANO, signal="x", value=1.0)
        for start in minutes
        for second in (range(0, 60, 5) if start != newest else (0,))
    ]

    async def write() -> None:
        store = await InfluxStore.open(parse(day.make_store("present")))
        await store.write(Batch(events=samples, rows=drawn))
        await store.close()

    asyncio.run(write())
    return view_of(now - 9 * MINUTE, now)


def test_the_running_minute_is_no_full_minute(day: Influxd, running_minute: View) -> None:
    drawn = rows(day.query(filled_in(power(()), running_minute), "present_ledger"))
    assert {row["power"] for row in drawn} == {60.0}
    sent = rows(day.query(filled_in(samples_a_minute(), running_minute), "present"))
    assert {row["n"] for row in sent} == {12}


def test_a_day_begins_in_the_zone_of_the_plant(day: Influxd) -> None:
    query = total({"good": "good"}, Cut(every="1d, 6h", zone=NIGHT_BEGINS_LATER_IN))
    found = rows(answer(day, "corridor-ledger", filled_in(query, view_of(START, END))))
    eleven_utc = 11 * HOUR
    assert {row["time"] % (24 * HOUR) for row in found} == {eleven_utc}


@pytest.mark.slow
def test_the_period_before_is_as_long_as_the_range(day: Influxd, ledger: list[LedgerRow]) -> None:
    start, end = START + 10 * HOUR, START + 14 * HOUR
    query = filled_in(before(indicator("oee")), view_of(start, end))
    (found,) = rows(answer(day, "corridor-ledger", query))
    sums: Sums = {}
    for row in ledger:
        if START + 6 * HOUR <= row.start < start:
            add(sums, row.sums)
    assert found["oee"] == pytest.approx(evaluate(sums).values["oee"])


def test_the_last_days_go_up_to_the_end_of_the_range_whatever_its_beginning(day: Influxd) -> None:
    query = total({"good": "good"}, Cut(during=last_days(30)))
    short, long = (
        rows(answer(day, "corridor-ledger", filled_in(query, view_of(start, END)))) for start in (END - HOUR, START)
    )
    assert [row["good"] for row in short] == [row["good"] for row in long]


def test_an_interval_of_a_few_minutes_has_no_ratio(day: Influxd) -> None:
    cut = Cut(("site", "area", "line", "machine"), "1h", least_s=1_800)
    start = START + HOUR - 5 * MINUTE
    found = rows(answer(day, "corridor-ledger", filled_in(indicator("availability", cut), view_of(start, END))))
    assert {row["time"] for row in found} == {START + place * HOUR for place in range(1, 24)}
