"""Days in Grafana are the production days of each site's calendar, in its zone, as in every other answer."""

import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from broker.contract.events import NS_PER_MS, StateChange
from broker.contract.instants import parse as instant
from broker.plant.plant_file import parse
from dashboards.names import HOUR, LEDGER
from dashboards.production_days import WEEK, by_day, cuts
from dashboards.queries import Cut, indicator, last_days, total
from services.ledger.fields import NANO
from services.query.groups import answers_by
from services.store.influx.address import parse as address
from services.store.influx.store import InfluxStore
from services.store.interface import Batch, LedgerRow
from tests.dashboards.viewing import View, filled_in, rows
from tests.readings.cases import RECORDINGS, Case, replay
from tests.store.influx.influxd import Influxd

pytestmark = pytest.mark.influx

MINUTE = 60 * NANO
EACH = {"running_s": MINUTE, "produced": NANO, "good": NANO, "ideal_s": MINUTE}
EVERYTHING = dict.fromkeys(("site", "area", "line", "machine"), ".*")

NIGHT = "night-shift-by-day"
THREE = parse((RECORDINGS / NIGHT / "plant.toml").read_text(encoding="utf-8"), "plant.toml")
TWO_SITES = parse(
    """
    [calendar.early]
    time-zone = "Europe/Paris"
    shifts = [{ name = "matin", start = "05:30", end = "13:30" }]
    [calendar.late]
    time-zone = "America/New_York"
    shifts = [{ name = "day", start = "07:00", end = "15:00" }]
    [asset.lyon]
    calendar = "early"
    [asset.troy]
    calendar = "late"
    [asset.york]
    time-zone = "Europe/London"
    """,
    "two-sites.toml",
)


@pytest.fixture(scope="module")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    server = Influxd(tmp_path_factory.mktemp("influxd"))
    yield server
    server.kill()


@pytest_asyncio.fixture
async def case(influxd: Influxd) -> Case:
    """Return the case, in the store `corridor`."""
    found = Case.read(NIGHT)
    store = await InfluxStore.open(address(influxd.make_store("corridor")))
    await replay(found.messages, store, THREE)
    shifts = await answers_by(store, THREE, found.asset, "shift", (found.start, found.end), now=found.end)
    assert len(shifts) == 6
    await store.close()
    return found


@pytest.mark.slow
async def test_a_night_shift_is_not_cut_at_midnight(influxd: Influxd, case: Case) -> None:
    view = View(case.start // NS_PER_MS, case.end // NS_PER_MS, EVERYTHING)
    [cut] = cuts(THREE, ("shift",))
    found = rows(influxd.query(filled_in(total({"good": "good"}, cut), view), "corridor_ledger"))
    assert {(row["time"], row["shift"]): row["good"] for row in found if row["good"]} == {
        (instant(f"{day}T06:00:00Z"), shift): pytest.approx(pieces)
        for day, shift, pieces in (
            ("2026-11-24", "early", 100),
            ("2026-11-24", "late", 200),
            ("2026-11-24", "night", 300),
            ("2026-11-25", "early", 110),
            ("2026-11-25", "late", 210),
            ("2026-11-25", "night", 310),
        )
    }
    shares = rows(influxd.query(filled_in(indicator("availability", cut), view), "corridor_ledger"))
    assert [row["availability"] for row in shares] == [1] * 6


def test_sites_whose_days_begin_otherwise_are_cut_for_themselves() -> None:
    found = {cut.zone: (cut.every, cut.where.rpartition("AND ")[2]) for cut in cuts(TWO_SITES, ("site", "shift"))}
    assert found == {
        "Europe/Paris": ("1d, -66600s", '"site" =~ /^(lyon)$/'),
        "America/New_York": ("1d, -17h", '"site" =~ /^(troy)$/'),
        "Europe/London": ("1d, 0h", '"site" =~ /^(york)$/'),
    }


def test_days_are_made_of_the_rows_by_hour_where_they_begin_with_an_hour() -> None:
    sources = {cut.zone: source for cut, source in by_day(TWO_SITES, ("site",), last_days(30))}
    assert sources == {"Europe/Paris": LEDGER, "America/New_York": HOUR, "Europe/London": HOUR}


# ---- Clocks change ----


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asset", "first", "last"),
    [
        ("lyon/a/l/m", "2026-10-24", "2026-10-26"),
        ("troy/a/l/m", "2026-03-07", "2026-03-09"),
        ("york/a/l/m", "2026-10-24", "2026-10-26"),
    ],
)
async def test_the_oee_of_each_production_day_is_that_of_kpi_over_a_change_of_clocks(
    influxd: Influxd, asset: str, first: str, last: str
) -> None:
    start, end = instant(f"{first}T12:00:00Z"), instant(f"{last}T12:00:00Z")
    url = influxd.make_store("clocks")
    store = await InfluxStore.open(address(url))
    # No quarter of an hour is as good as another, so that one in the wrong day is seen.
    minutes = [
        LedgerRow(asset, at, "-", "-", EACH | {"ideal_good_s": MINUTE * place // 1_000})
        for place, at in enumerate(range(start, end + 60 * MINUTE, 15 * MINUTE))
    ]  # some beyond the end, for the newest one is not yet complete
    await store.write(Batch(events=[StateChange(asset=asset, at=start, state="running")], rows=minutes))
    answers = await answers_by(store, TWO_SITES, asset, "day", (start, end), now=end)
    await store.close()
    expected = {
        instant(one.group.from_): (one.indicators["oee"], one.ledger["good"])
        for one in answers
        if one.group is not None
    }

    chosen = dict(zip(("site", "area", "line", "machine"), asset.split("/"), strict=True))
    view = View(start // NS_PER_MS, (end - 1) // NS_PER_MS, chosen)
    found: dict[int, tuple[float, float]] = {}
    for cut in cuts(TWO_SITES, ("site",)):
        oee, good_ = (
            {row["time"]: row[name] for row in rows(influxd.query(filled_in(query, view), "clocks_ledger"))}
            for name, query in (("oee", indicator("oee", cut)), ("good", total({"good": "good"}, cut)))
        )
        found |= {at: (oee[at], good_[at]) for at in oee}
    influxd.drop_store("clocks")

    assert len(expected) == 3
    first_day = min(found)
    assert first_day <= start
    assert [found[at] for at in sorted(found)] == [pytest.approx(expected[at]) for at in sorted(expected)]
    assert {at for at in found if at != first_day} == {at for at in expected if at != start}


@pytest.mark.parametrize("monday", ["2026-10-19", "2026-03-23"])
def test_a_week_begins_on_monday_at_midnight_also_when_clocks_change_in_it(influxd: Influxd, monday: str) -> None:
    influxd.make_store("weeks")
    zone = ZoneInfo("Europe/Paris")
    mondays = [datetime.fromisoformat(monday).replace(tzinfo=zone) + timedelta(weeks=week) for week in range(3)]
    starts = [round(day.timestamp()) * NANO for day in mondays]
    hours = range(starts[0], starts[2], 60 * MINUTE)
    lines = "\n".join(f"ledger,site=lyon,area=a,line=l,machine=m failures=1 {at}" for at in hours)
    body = urllib.request.Request(f"http://127.0.0.1:{influxd.port}/write?db=weeks_hour", lines.encode())
    urllib.request.urlopen(body, timeout=30).close()
    view = View(starts[0] // NS_PER_MS, starts[2] // NS_PER_MS, EVERYTHING)
    query = total({"failures": "failures"}, Cut(every=WEEK, during=last_days(28), zone="Europe/Paris"))
    found = {row["time"]: row["failures"] for row in rows(influxd.query(filled_in(query, view), "weeks_hour"))}
    influxd.drop_store("weeks")
    assert found == {start: (end - start) / (60 * MINUTE) for start, end in pairwise(starts)}
