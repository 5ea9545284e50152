"""`corridor kpi show`: one answer for people and for programs, and the parts of a range to compare."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from broker.contract.events import AnyEvent, Count, Job, Meter, StateChange
from broker.contract.instants import parse as instant
from broker.plant import plant_file
from cli.running.stores import PLANT_METADATA
from services.kpi.ledger_writer import LedgerWriter
from services.store.sqlite.store import SqliteStore
from tests.cli.conftest import Corridor

PLANT = plant_file.parse(
    """
    [calendar.days]
    time-zone = "Europe/Berlin"
    shifts = [{ name = "early", start = "06:00", end = "14:00" }, { name = "late", start = "14:00", end = "22:00" }]
    [asset."works"]
    calendar = "days"
    """,
    "test",
)
LINE = "works/hall/line-1"
MILL, SAW = f"{LINE}/mill-1", f"{LINE}/saw-1"
RANGE = ("--from", "2026-11-24T12:00:00Z", "--to", "2026-11-24T14:00:00Z")


def at(clock: str) -> int:
    return instant(f"2026-11-24T{clock}:00Z")


LOADS = (("12:00", 0.0), ("14:00", 15.0))
EVENTS: list[AnyEvent] = [
    Job(asset=MILL, at=at("12:00"), phase="start", order="wo-1", product="bolt", ideal_cycle=60),
    Count(asset=MILL, at=at("12:00"), produced=0, good=0, scrap=0, rework=0),
    StateChange(asset=MILL, at=at("12:00"), state="running"),
    StateChange(asset=MILL, at=at("12:30"), state="down", reason="jam"),
    StateChange(asset=MILL, at=at("13:00"), state="running"),
    Count(asset=MILL, at=at("13:00"), produced=24, good=21, scrap=2, rework=1),
    Job(asset=MILL, at=at("13:00"), phase="start", order="wo-2", product="nut", ideal_cycle=60),
    Count(asset=MILL, at=at("14:00"), produced=78, good=75, scrap=2, rework=1),
    StateChange(asset=SAW, at=at("12:00"), state="running"),
]


@pytest.fixture(autouse=True)
def stored(tmp_path: Path) -> None:
    async def keep() -> None:
        store = await SqliteStore.open(tmp_path / "corridor.db")
        await store.set_metadata(PLANT_METADATA, PLANT.text)
        writer = LedgerWriter(store, PLANT, lambda: at("14:00"))
        await writer.store_events(EVENTS)
        await writer.advance()
        await store.close()

    asyncio.run(keep())


def test_a_machine_is_shown_with_what_counts_first(corridor: Corridor) -> None:
    status, out, _ = corridor("kpi", "show", MILL, *RANGE)
    assert status == 0
    assert out.splitlines()[:6] == [
        f"{MILL}  2026-11-24 13:00:00 to 15:00:00 CET",
        f"1 machine: {MILL}; state known for 100.0% of the time",
        "",
        "OEE 62.5% = availability 75.0% × effectiveness 86.7% × quality ratio 96.2%",
        "pieces: 78 produced: 75 good, 2 scrap, 1 rework; good output 75",
        "time: 2.0 h: running 1.5 h, down 30.0 min",
    ]
    assert "    30.0 min  down: jam (1 time)" in out
    assert "note:" not in out


def test_a_line_with_a_machine_that_reports_no_count_is_shown_with_and_without_it(corridor: Corridor) -> None:
    status, out, _ = corridor("kpi", "show", LINE, *RANGE)
    assert status == 0
    assert "2 machines: mill-1, saw-1; state known" in out
    assert "OEE 31.2% = availability 87.5% × effectiveness 37.1% × quality ratio 96.2%" in out
    assert "without saw-1: OEE 62.5% = " in out
    assert f"note: {SAW}: it ran for 2.0 h, but no count of produced pieces was received" in out


def test_json_is_one_document(corridor: Corridor) -> None:
    status, out, reported = corridor("kpi", "show", MILL, *RANGE, "--json")
    found = json.loads(out)
    assert (status, reported) == (0, "")
    assert (found["asset"], found["indicators"]["oee"], found["ledger"]["produced"]) == (MILL, 0.625, 78)


def apart(corridor: Corridor, by: str, asset: str = LINE) -> list[dict[str, Any]]:
    status, out, _ = corridor("kpi", "show", asset, *RANGE, "--by", by, "--json")
    assert status == 0
    found: list[dict[str, Any]] = json.loads(out)
    return found


@pytest.mark.parametrize("by", ["hour", "day", "shift", "order", "product", "machine"])
def test_the_parts_of_a_range_are_a_list_and_add_up_to_it(corridor: Corridor, by: str) -> None:
    assert sum(each["ledger"]["produced"] for each in apart(corridor, by)) == 78
    status, out, _ = corridor("kpi", "show", LINE, *RANGE, "--by", by)
    assert status == 0
    assert out.splitlines()[0] == f"{LINE}  2026-11-24 13:00:00 to 15:00:00 CET"
    assert out.splitlines()[1].split()[0] == by


def test_parts_are_named(corridor: Corridor) -> None:
    named = {by: [each["group"]["name"] for each in apart(corridor, by, MILL)] for by in ("shift", "order", "product")}
    assert named == {"shift": ["early", "late"], "order": ["wo-2", "wo-1"], "product": ["bolt", "nut"]}
    hours = [(each["from"], each["to"]) for each in apart(corridor, "hour", MILL)]
    assert hours == [
        ("2026-11-24T12:00:00Z", "2026-11-24T13:00:00Z"),
        ("2026-11-24T13:00:00Z", "2026-11-24T14:00:00Z"),
    ]
    _, out, _ = corridor("kpi", "show", LINE, *RANGE, "--by", "machine")
    assert out.splitlines()[2].split()[:3] == ["mill-1", "62.5%", "75.0%"]


@pytest.mark.parametrize("more", [(), ("--by", "hour"), ("--by", "order")])
def test_an_asset_of_which_nothing_is_known_ends_with_1(corridor: Corridor, more: tuple[str, ...]) -> None:
    status, _, reported = corridor("kpi", "show", "works/yard", *RANGE, *more)
    assert status == 1
    assert "no data for works/yard in that time range" in reported


def test_parts_of_what_is_to_come_are_none(corridor: Corridor) -> None:
    to_come = ("--from", "2099-01-01T00:00:00Z", "--to", "2099-01-02T00:00:00Z")
    assert corridor("kpi", "show", MILL, *to_come, "--by", "hour")[0] == 1


def test_a_question_with_another_plant_changes_nothing(corridor: Corridor, tmp_path: Path) -> None:
    another = tmp_path / "another.toml"
    shifts = '[calendar.nights]\nshifts = [{ name = "night", start = "22:00", end = "23:00" }]\n'
    another.write_text(f'{shifts}[asset."works"]\ncalendar = "nights"\n')
    cut = ("--from", "2026-11-24T12:00:30Z", "--to", "2026-11-24T13:59:30Z")  # its ends are made by the plant's rules
    before = corridor("kpi", "show", MILL, *cut, "--json")
    assert corridor("kpi", "show", MILL, *cut, "--plant", str(another), "--json")[1] != before[1]
    assert corridor("kpi", "explain", MILL, "oee", *cut, "--plant", str(another))[0] == 0
    out = str(tmp_path / "indicators.csv")
    assert corridor("export", "indicators", *cut, "--out", out, "--plant", str(another))[0] == 0
    assert corridor("kpi", "show", MILL, *cut, "--json") == before


async def _stored_again(path: Path, events: list[AnyEvent]) -> None:
    store = await SqliteStore.open(path / "corridor.db")
    writer = LedgerWriter(store, PLANT, lambda: at("14:00"))
    await writer.store_events(events)
    await writer.advance()
    await store.close()


def test_an_oee_that_cannot_be_is_no_figure_but_a_reason_and_stays_in_the_data(
    corridor: Corridor, tmp_path: Path
) -> None:
    in_ms = Job(asset=MILL, at=at("12:00"), phase="start", order="wo-1", product="bolt", ideal_cycle=60_000)
    asyncio.run(_stored_again(tmp_path, [in_ms]))
    status, out, _ = corridor("kpi", "show", MILL, *RANGE)
    assert status == 0
    lines = out.splitlines()
    assert lines[3] == "OEE ? = availability 75.0% × effectiveness ? × quality ratio 87.5%"
    assert lines[4].startswith(f"cannot be: oee, effectiveness; {MILL}: effectiveness is above 1 (")
    assert "check the ideal cycle" in out
    [row] = [line.split() for line in lines if line.startswith("effectiveness")]
    assert row[2:] == ["cannot", "be"], "the number is there, marked"
    found = json.loads(corridor("kpi", "show", MILL, *RANGE, "--json")[1])
    assert found["indicators"]["oee"] > 100
    assert found["implausible"]["oee"] == "effectiveness-above-one"
    assert "effectiveness-above-one" in {warning["code"] for warning in found["warnings"]}
    _, out, _ = corridor("kpi", "show", LINE, *RANGE, "--by", "machine")
    assert out.splitlines()[2].split()[:4] == ["mill-1", "?", "75.0%", "?"]
    _, out, _ = corridor("kpi", "explain", MILL, "oee", *RANGE)
    assert f" = {found['indicators']['oee']:.6f}".rstrip("0").rstrip(".") in out


def test_a_day_begins_with_its_first_shift_and_each_shift_is_named_with_its_day(corridor: Corridor) -> None:
    days = ("--from", "2026-11-23T23:30:00Z", "--to", "2026-11-24T14:00:00Z")
    status, out, _ = corridor("kpi", "show", MILL, *days, "--by", "day")
    assert status == 0
    assert [line.split("  ")[0] for line in out.splitlines()[2:]] == [
        "Mon 2026-11-23, 00:30 to 06:00",
        "Tue 2026-11-24, 06:00 to 15:00",
    ]
    status, out, _ = corridor("kpi", "show", MILL, *days, "--by", "shift")
    assert [line.split("  ")[0] for line in out.splitlines()[2:]] == [
        "Tue 2026-11-24 early, 06:00 to 14:00",
        "Tue 2026-11-24 late, 14:00 to 15:00",
    ]


def test_a_range_across_a_change_of_the_clocks_is_headed_with_both_offsets(corridor: Corridor) -> None:
    _, out, _ = corridor("kpi", "show", MILL, "--from", "2026-10-24T22:00:00Z", "--to", "2026-10-25T23:00:00Z")
    assert out.splitlines()[0] == f"{MILL}  2026-10-25 00:00:00 CEST (+02:00) to 2026-10-26 00:00:00 CET (+01:00)"
    _, out, _ = corridor(
        "kpi", "show", MILL, "--from", "2026-10-24T20:00:00Z", "--to", "2026-10-25T23:00:00Z", "--by", "day"
    )
    assert any("Sat 2026-10-24, 22:00 +02:00 to 06:00 +01:00" in line for line in out.splitlines())


def test_a_line_names_what_spoils_it_and_its_time_is_that_of_machines(corridor: Corridor, tmp_path: Path) -> None:
    meters = [Meter(asset=MILL, at=at(clock), name="electricity", total=kwh) for clock, kwh in LOADS]
    unmetered = [Count(asset=SAW, at=at(clock), produced=pieces, good=pieces) for clock, pieces in LOADS]
    asyncio.run(_stored_again(tmp_path, [*meters, *unmetered]))
    _, out, _ = corridor("kpi", "show", LINE, *RANGE)
    assert "unmetered (energy a piece is without its pieces): saw-1" in out.splitlines()
    assert "machine time: 4.0 h: running 3.5 h, down 30.0 min" in out
    assert "    30.0 machine-min  down: jam (1 time)" in out
    found = json.loads(corridor("kpi", "show", LINE, *RANGE, "--json")[1])
    assert found["indicators"]["energy_per_good_piece"] == 15 / 75
