"""What panels and alert rules answer is right: against the ledger, the capability function, and worked cases."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from broker.contract.events import Measurement
from dashboards import provisioned, spc
from dashboards.queries import Cut, how_many, indicator
from services.ledger.fields import NANO, Sums, add
from services.ledger.indicators.capability import Capability, capabilities
from services.ledger.indicators.indicators import evaluate
from services.ledger.indicators.losses import waterfall
from services.store.influx.address import parse
from services.store.influx.store import InfluxStore
from services.store.interface import Batch, LedgerRow
from tests.dashboards.conftest import END, HOUR, MILL, START, Pages, view_of
from tests.dashboards.viewing import View, answer, filled_in, questions, rows
from tests.store.influx.influxd import Influxd

pytestmark = [pytest.mark.slow, pytest.mark.influx, pytest.mark.xdist_group("a day in InfluxDB")]

MACHINE = ("site", "area", "line", "machine")


def test_the_waterfall_of_a_line_is_that_of_the_ledger_for_a_machine_and_adds_up(
    day: Influxd, pages: Pages, ledger: list[LedgerRow]
) -> None:
    (question,) = (one for one in questions(pages["corridor-line"]) if one.panel.startswith("From calendar time"))
    view = view_of(START, END, site="sheffield", area="machining", line="line-1")
    lower, upper = rows(answer(day, question.source, filled_in(question.query, view)))
    for row in (lower, upper):
        del row["time"]
    height = {name: abs(upper[name] - lower[name]) for name in upper}

    sums: Sums = {}
    for minute in ledger:
        if minute.asset.startswith("sheffield/"):
            add(sums, minute.sums)
    machines = {minute.asset for minute in ledger if minute.asset.startswith("sheffield/")}
    expected = [step.amount / NANO / len(machines) / 3_600 for step in waterfall(sums)]

    assert list(height.values()) == pytest.approx(expected)
    left = 0.0
    for name in upper:
        if name.startswith("="):
            assert (name, lower[name]) == (name, 0)
            left = left or upper[name]
            assert upper[name] == pytest.approx(left)
        else:
            assert upper[name] == pytest.approx(left)
            left = lower[name]


@pytest.fixture(scope="session")
def measured(day: Influxd) -> dict[tuple[str, str], list[Measurement]]:
    """The measurements of the day by machine and characteristic."""

    async def read() -> list[Any]:
        store = await InfluxStore.open(parse(f"influxdb1://127.0.0.1:{day.port}/corridor"))
        found = await store.events(["quality"], "", START, END)
        await store.close()
        return list(found)

    series: dict[tuple[str, str], list[Measurement]] = {}
    for event in asyncio.run(read()):
        series.setdefault((event.asset, event.characteristic), []).append(event)
    return series


def test_capability_is_that_of_the_ledger(
    day: Influxd, view: View, measured: dict[tuple[str, str], list[Measurement]]
) -> None:
    found = {
        ("/".join(row[level] for level in MACHINE), row["characteristic"]): row
        for row in rows(answer(day, "corridor-raw", filled_in(spc.capability(), view)))
    }
    assert found.keys() == measured.keys()
    for key, measurements in measured.items():
        (one,) = capabilities(measurements)
        seen = {name: found[key][name] for name in ("n", "mean", "lower", "upper", "cp", "cpk", "cm", "cmk")}
        assert seen == pytest.approx({name: getattr(one, name) for name in seen}, rel=1e-6)


def test_control_limits_are_level_lines_three_deviations_from_the_mean(
    day: Influxd, view: View, measured: dict[tuple[str, str], list[Measurement]]
) -> None:
    expected: Capability
    (key,) = (key for key in measured if key[1] == "bore-diameter")
    (expected,) = capabilities(measured[key])
    assert expected.s_within is not None
    lines = [
        row
        for row in rows(answer(day, "corridor-raw", filled_in(spc.control_limits(), view, "15m")))
        if row["mean"] is not None
    ]
    assert len(lines) > 90
    for line in (lines[0], lines[-1]):
        assert line["mean"] == pytest.approx(expected.mean)
        assert line["upper control"] == pytest.approx(expected.mean + 3 * expected.s_within)
        assert line["lower control"] == pytest.approx(expected.mean - 3 * expected.s_within)


def test_offline_devices_are_counted_at_the_end_of_the_range(day: Influxd) -> None:
    query = how_many("online", "status", '"online" = 0')
    gone = START + 20 * HOUR
    counts = [
        rows(answer(day, "corridor-raw", filled_in(query, view_of(START, end))))[0]["n"]
        for end in (gone, gone + HOUR // 10, END)
    ]
    assert counts == [0, 1, 0]


# ---- What is not defined has no row ----


@pytest.fixture(scope="session")
def oddities(day: Influxd) -> Iterator[dict[str, Sums]]:
    """Machines of which something was never reported, each with a minute of the ledger, in a store of their own."""
    minute = 60 * NANO
    plain = {"running_s": minute, "produced": 2 * NANO, "good": NANO, "ideal_s": minute, "ideal_good_s": minute // 2}
    sums: dict[str, Sums] = {
        "all-reported": plain,
        "unrated": {**plain, "unrated": NANO},
        "nothing-rated": {"running_s": minute, "produced": 2 * NANO, "good": NANO, "unrated": 2 * NANO},
        "unjudged": {"running_s": minute, "produced": 2 * NANO, "ideal_s": minute},
        "all-bad": {"running_s": minute, "produced": 2 * NANO, "scrap": 2 * NANO, "ideal_s": minute},
        "uncounted": {"running_s": minute, "good": 2 * NANO},
        "never-planned": {"off_s": minute},
        "never-seen": {"unknown_s": minute},
        "too-fast": {**plain, "ideal_s": 2 * minute},
        "metered": {**plain, "electricity_kwh": NANO},
        "failed": {"down_s": minute, "repair_s": minute, "failures": NANO},
    }
    url = day.make_store("odd")

    async def write() -> None:
        store = await InfluxStore.open(parse(url))
        await store.write(Batch(rows=[LedgerRow(f"a/b/c/{name}", START, "-", "-", one) for name, one in sums.items()]))
        await store.close()

    asyncio.run(write())
    yield sums
    day.drop_store("odd")


@pytest.mark.parametrize(
    "name",
    [
        "oee",
        "nee",
        "teep",
        "availability",
        "effectiveness",
        "quality_ratio",
        "equipment_load_ratio",
        "scrap_ratio",
        "rework_ratio",
        "first_pass_yield",
        "comprehensive_energy_consumption",
        "energy_per_good_piece",
        "mean_time_to_failure",
        "mean_time_to_restoration",
        "corrective_maintenance_ratio",
        "mtbf_practice",
        "mttr_practice",
    ],
)
def test_an_indicator_that_is_not_defined_has_no_row(day: Influxd, oddities: dict[str, Sums], name: str) -> None:
    query = filled_in(indicator(name, Cut(("machine",))), view_of(START, START + HOUR))
    seen = {row["machine"]: row[name] for row in rows(day.query(query, "odd_ledger"))}
    expected = {machine: evaluate(sums).values[name] for machine, sums in oddities.items()}
    assert seen == {machine: pytest.approx(value) for machine, value in expected.items() if value is not None}


# ---- Alert rules ----


def _fires(day: Influxd, title: str, now: int) -> dict[str, bool]:
    """Return of each series of a rule whether it would fire at an instant."""
    (rule,) = (rule for group in provisioned.rule_groups() for rule in group["rules"] if rule["title"] == title)
    ask, reduce, compare = rule["data"]
    assert reduce["model"]["reducer"] == "last"
    view = view_of(now - ask["relativeTimeRange"]["from"] * NANO, now)
    # The present is an instant of the day, after which nothing has happened yet.
    query = filled_in(ask["model"]["query"], view)
    query = query.replace("time > now()", f"time <= {view.end}ms AND time > {view.end}ms")
    evaluator = compare["model"]["conditions"][0]["evaluator"]
    (limit,) = evaluator["params"]
    found: dict[str, bool] = {}
    for series in answer(day, ask["datasourceUid"], query):
        last = [values[1] for values in series["values"] if values[1] is not None][-1]
        tags = series.get("tags", {})
        name = "/".join(tags[level] for level in MACHINE if level in tags)
        found[name] = last < limit if evaluator["type"] == "lt" else last > limit
    return found


def test_a_line_below_its_target_fires_and_one_above_does_not(
    day: Influxd, ledger: list[LedgerRow], plant: Any
) -> None:
    line = "sheffield/machining/line-1"
    target = plant.asset(line).targets["oee"]
    seen = {}
    for hour in range(1, 24):
        now = START + hour * HOUR
        sums: Sums = {}
        for row in ledger:
            if row.asset.startswith(line) and now - HOUR <= row.start <= now:
                add(sums, row.sums)
        value = evaluate(sums).values["oee"]
        assert value is not None
        fires = _fires(day, f"OEE of {line} below target", now)[line]
        assert fires == (value < target)
        seen[fires] = hour
    assert seen.keys() == {True, False}


def test_the_rule_for_other_lines_leaves_out_those_that_have_their_own(day: Influxd) -> None:
    assert _fires(day, "OEE below target", END) == {}


def test_an_offline_device_fires_until_it_is_back(day: Influxd) -> None:
    gone = START + 20 * HOUR
    assert _fires(day, "Device offline", gone - NANO)[MILL] is False
    assert [name for name, fires in _fires(day, "Device offline", gone + HOUR // 10).items() if fires] == [MILL]
    assert not any(_fires(day, "Device offline", END).values())


def test_a_device_that_stops_sending_fires_and_the_others_do_not(day: Influxd) -> None:
    before, after = START + 20 * HOUR, START + 20 * HOUR + 9 * 60 * NANO
    assert not any(_fires(day, "Device silent", before - NANO).values())
    quiet = _fires(day, "Device silent", after - NANO)
    assert len(quiet) == 8 + 1, "the machines, and the probe of the stack's check"
    # Silent for 9 minutes is not yet 10; after the day's end all are.
    assert not any(quiet.values())
    later = _fires(day, "Device silent", END + HOUR)
    assert len(later) == 8, "the probe is silent by right"
    assert all(later.values())


def test_rejected_messages_fire_for_ten_minutes(day: Influxd) -> None:
    rejected_at = START + 20 * HOUR
    assert _fires(day, "Messages rejected", rejected_at - NANO) == {}
    assert _fires(day, "Messages rejected", rejected_at + 60 * NANO) == {"": True}
    assert _fires(day, "Messages rejected", rejected_at + HOUR) == {}


@pytest.mark.parametrize("title", ["Samples are not stored", "The ledger stands still"])
def test_a_store_that_nothing_comes_to_fires(day: Influxd, title: str) -> None:
    assert _fires(day, title, END - HOUR) == {"": False}
    assert _fires(day, title, END + HOUR) == {"": True}
    assert _fires(day, title, END + 72 * HOUR) == {}


def test_a_full_disk_fires(day: Influxd) -> None:
    assert _fires(day, "Store full", START + 18 * HOUR + 60 * NANO) == {MILL: False}
    assert _fires(day, "Store full", START + 19 * HOUR + 60 * NANO) == {MILL: True}
    assert _fires(day, "Store full", END) == {}
