"""Days in Grafana are the production days of each site's calendar, in its zone, as in every other answer."""

import urllib.request
from collections.abc import Iterator

import pytest
import pytest_asyncio

from broker.contract.events import NS_PER_MS
from broker.contract.instants import parse as instant
from broker.plant.plant_file import parse
from dashboards.production_days import cuts
from dashboards.queries import indicator, total
from services.query.groups import answers_by
from services.store.influx.address import parse as address
from services.store.influx.store import InfluxStore
from tests.dashboards.viewing import View, filled_in, rows
from tests.readings.cases import RECORDINGS, Case, replay
from tests.store.influx.influxd import Influxd

pytestmark = pytest.mark.influx

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
    """Return the case, kept in the store `corridor`."""
    found = Case.read(NIGHT)
    store = await InfluxStore.open(address(influxd.make_store("corridor")))
    await replay(found.messages, store, THREE)
    shifts = await answers_by(store, THREE, found.asset, "shift", (found.start, found.end), now=found.end)
    assert len(shifts) == 6
    await store.close()
    return found


async def test_a_night_shift_is_not_cut_at_midnight(influxd: Influxd, case: Case) -> None:
    chosen = dict.fromkeys(("site", "area", "line", "machine"), ".*")
    view = View(case.start // NS_PER_MS, case.end // NS_PER_MS, chosen)
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
        "Europe/Paris": ("1d, 19800s", '"site" =~ /^(lyon)$/'),
        "America/New_York": ("1d, 7h", '"site" =~ /^(troy)$/'),
    }


def test_a_day_begins_at_the_same_time_of_day_before_and_after_the_clocks_change(influxd: Influxd) -> None:
    influxd.make_store("clocks")
    paris = next(cut for cut in cuts(TWO_SITES, ("site",)) if cut.zone == "Europe/Paris")
    minutes = [instant(f"2026-10-{day}T{hour:02d}:00:00Z") for day in (24, 25, 26) for hour in range(24)]
    lines = "\n".join(f"ledger,site=lyon,area=a,line=l,machine=m good=1 {at}" for at in minutes)
    body = urllib.request.Request(f"http://127.0.0.1:{influxd.port}/write?db=clocks_ledger", lines.encode())
    urllib.request.urlopen(body, timeout=30).close()
    chosen = dict.fromkeys(("site", "area", "line", "machine"), ".*")
    view = View(minutes[0] // NS_PER_MS, minutes[-1] // NS_PER_MS + 1, chosen)
    found = rows(influxd.query(filled_in(total({"good": "good"}, paris), view), "clocks_ledger"))
    starts = {row["time"] for row in found if row["good"]}
    # On the day of the change itself InfluxQL counts the hours from midnight, of which there is one more.
    assert {instant("2026-10-24T03:30:00Z"), instant("2026-10-26T04:30:00Z")} <= starts
