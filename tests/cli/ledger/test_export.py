"""`corridor export`: what is in the file is what is in the store, as CSV and as Parquet."""

import asyncio
import csv
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from broker.contract import instants
from broker.contract.events import (
    Adjust,
    AnyEvent,
    Command,
    Count,
    Job,
    Labour,
    Material,
    Measurement,
    Meter,
    Notice,
    Part,
    Reply,
    Sample,
    StateChange,
    Status,
)
from broker.plant.plant import NO_PLANT
from cli.ledger.export import KINDS
from services.kpi.ledger_writer import LedgerWriter
from services.query.export import exporting, sheet_files
from services.query.export.exporting import Column
from services.query.export.sheet_files import sheet_file
from services.store.interface import Batch
from services.store.sqlite.store import SqliteStore
from tests.cli.conftest import Corridor

LINE = "sheffield/machining/line-1"
MILL = f"{LINE}/mill-1"
SECOND = 1_000_000_000
EIGHT = instants.parse("2026-11-24T08:00:00Z")
RANGE = ("--from", "2026-11-24T00:00:00Z", "--to", "2026-11-25T00:00:00Z")
MORNING = (*RANGE[:3], "2026-11-24T10:00:00Z")
EACH: list[AnyEvent] = [
    StateChange(asset=MILL, at=EIGHT, state="running", simulated=True),
    StateChange(asset=MILL, at=EIGHT + 1_800 * SECOND + 1, state="down", reason="spindle"),
    Count(asset=MILL, at=EIGHT, produced=0, good=0),
    Count(asset=MILL, at=EIGHT + 60 * SECOND, produced=3, good=2, scrap=1),
    Job(asset=MILL, at=EIGHT, phase="start", order="wo-1", product="bracket", ideal_cycle=60),
    Meter(asset=MILL, at=EIGHT, name="electricity", total=5.5, unit="kW.h"),
    Measurement(asset=MILL, at=EIGHT, characteristic="bore", value=12.01, upper=12.02, part='b"7,7'),
    Part(asset=MILL, at=EIGHT, part="b-77", result="good", seconds=2.5),
    Labour(asset=MILL, at=EIGHT, present=2),
    Material(asset=MILL, at=EIGHT, name="bar", consumed=1.5, unit="kg"),
    Notice(asset=MILL, at=EIGHT, code="e-204", severity="alarm", text="zu heiß", active=False),
    Status(asset=MILL, at=EIGHT, online=True),
    Sample(asset=MILL, at=EIGHT, signal="spindle-load", value=41.25, unit="%"),
    Sample(asset=MILL, at=EIGHT, signal="program", value="O1001"),
    Command(asset=MILL, at=EIGHT, name="stop", id="7", args="{}", by="ada"),
    Reply(asset=MILL, at=EIGHT + 1, name="stop", id="7", ok=True),
    StateChange(asset=f"{LINE}/saw-1", at=EIGHT, state="idle"),
    Adjust(asset=MILL, at=EIGHT, id="a-1", good=-5, scrap=5, reason="burr", by="ada", booked="2026-11-24T08:00:00Z"),
]


@pytest.fixture(autouse=True)
def _filled(tmp_path: Path) -> None:
    async def fill() -> None:
        store = await SqliteStore.open(tmp_path / "corridor.db")
        lasting = [event for event in EACH if event.kind in {"state", "count", "job"}]
        await LedgerWriter(store, NO_PLANT, lambda: EIGHT + 7_200 * SECOND).store_events(lasting)
        await store.write(Batch(events=EACH))
        await store.close()

    asyncio.run(fill())


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_the_same_in_both_kinds_of_file(corridor: Corridor, tmp_path: Path, kind: str) -> None:
    for suffix in ("csv", "parquet"):
        status, out, reported = corridor("export", kind, *RANGE, "--out", str(tmp_path / f"all.{suffix}"))
        assert (status, out) == (0, ""), reported
        assert reported.endswith(f"written to {tmp_path}/all.{suffix}\n")
    rows, frame = read(tmp_path / "all.csv"), pl.read_parquet(tmp_path / "all.parquet")
    assert len(rows) == frame.height > 0
    times = [name for name, of in frame.schema.items() if of == pl.Datetime("ns", "UTC")]
    assert times[0] == "time"
    frame = frame.with_columns(pl.col(times).cast(pl.Int64))
    for row, typed in zip(rows, frame.iter_rows(named=True), strict=True):
        assert row.keys() == typed.keys()
        for name, value in typed.items():
            assert row[name] == _written(value, is_time=name in times), name
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name or path.is_dir()]


def _written(value: Any, *, is_time: bool) -> str:
    if value is None:
        return ""
    if is_time:
        return instants.format_rfc3339(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_states_as_a_file(corridor: Corridor, tmp_path: Path) -> None:
    file = tmp_path / "states.csv"
    corridor("export", "state", *RANGE, "--asset", MILL, "--out", str(file))
    assert file.read_text(encoding="utf-8").splitlines() == [
        "time,site,area,line,machine,simulated,state,code,reason",
        "2026-11-24T08:00:00Z,sheffield,machining,line-1,mill-1,true,running,0,",
        "2026-11-24T08:30:00.000000001Z,sheffield,machining,line-1,mill-1,false,down,5,spindle",
    ]


def test_the_range_begins_at_from_and_ends_before_to(corridor: Corridor, tmp_path: Path) -> None:
    file = tmp_path / "states.csv"
    corridor("export", "state", "--from", "2026-11-24T08:00:00.000000001Z", "--to", "2026-11-24T08:30:00.000000002Z",
             "--out", str(file))  # fmt: skip
    assert [row["state"] for row in read(file)] == ["down"]
    file.unlink()
    corridor("export", "state", "--from", "0", "--to", "2026-11-24T08:00:00Z", "--out", str(file))
    assert read(file) == []


def test_the_ledger_by_hour_adds_up_to_that_by_minute(corridor: Corridor, tmp_path: Path) -> None:
    totals: list[tuple[float, float]] = []
    for every in ("1m", "1h", "1d"):
        file = tmp_path / f"{every}.csv"
        assert corridor("export", "ledger", *RANGE, "--asset", MILL, "--every", every, "--out", str(file))[0] == 0
        rows = read(file)
        seconds, pieces = (sum(float(row[field]) for row in rows) for field in ("running_s", "produced"))
        totals.append((round(seconds, 6), pieces))
        assert "down_s" in rows[0]
    assert totals == [(1_800, 3)] * 3
    assert len(read(tmp_path / "1h.csv")) == 3
    corridor("export", "reasons", *RANGE, "--out", str(tmp_path / "reasons.csv"))
    found = read(tmp_path / "reasons.csv")
    assert {(row["state"], row["reason"]) for row in found} == {("down", "spindle")}
    assert sum(float(row["seconds"]) for row in found) == pytest.approx(5_400)
    assert sum(float(row["entries"]) for row in found) == 1


def test_indicators_of_machines_and_lines_by_the_hour(corridor: Corridor, tmp_path: Path) -> None:
    file = tmp_path / "kpi.csv"
    corridor("export", "indicators", *MORNING, "--asset", "sheffield", "--out", str(file))
    rows = read(file)
    hours = [(row["line"], row["machine"], row["time"][11:16], row["to"][11:16]) for row in rows]
    assert hours[:3] == [("", "", "08:00", "09:00"), ("", "", "09:00", "10:00"), ("line-1", "", "08:00", "09:00")]
    assert len(rows) == 8
    mill = next(row for row in rows if row["machine"] == "mill-1")
    assert (round(float(mill["availability"]), 6), mill["cm"]) == (0.5, "")
    file.unlink()
    corridor("export", "indicators", *MORNING, "--asset", MILL, "--every", "90m", "--out", str(file))
    assert [row["time"][11:16] for row in read(file)] == ["07:30", "09:00"]


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_a_spreadsheet_finds_no_formula_in_what_a_device_sent(
    corridor: Corridor, tmp_path: Path, beginning: str
) -> None:
    reported_state = f"{beginning}HYPERLINK(1)"

    async def fill() -> None:
        store = await SqliteStore.open(tmp_path / "corridor.db")
        texts: list[AnyEvent] = [
            Sample(asset=MILL, at=EIGHT + 1, signal="words", value=reported_state),
            Sample(asset=MILL, at=EIGHT + 2, signal="x", value=-1.5),
        ]
        await store.write(Batch(events=texts))
        await store.close()

    asyncio.run(fill())
    for suffix in ("csv", "parquet"):
        corridor("export", "telemetry", *RANGE, "--out", str(tmp_path / f"all.{suffix}"))
    rows = read(tmp_path / "all.csv")
    assert [row["text"] for row in rows if row["signal"] == "words"] == [f"'{reported_state}"]
    assert "-1.5" in [row["value"] for row in rows]
    assert reported_state in pl.read_parquet(tmp_path / "all.parquet")["text"].to_list()


def test_a_long_export_is_written_in_parts(corridor: Corridor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet_files, "_PART_ROWS", 2)
    monkeypatch.setattr(exporting, "_PAGE", 1)

    async def fill() -> list[float]:
        store = await SqliteStore.open(tmp_path / "corridor.db")
        await store.write(Batch(events=[Sample(asset=MILL, at=EIGHT + n, signal="x", value=n) for n in range(1, 9)]))
        found = await store.events(["telemetry"], "", 0, 2**62)
        await store.close()
        return [event.value for event in found if isinstance(event, Sample) and isinstance(event.value, float)]

    values = asyncio.run(fill())
    for suffix in ("csv", "parquet"):
        corridor("export", "telemetry", *RANGE, "--out", str(tmp_path / f"all.{suffix}"))
    frame = pl.read_parquet(tmp_path / "all.parquet")
    assert frame["value"].drop_nulls().to_list() == values
    assert [row["value"] for row in read(tmp_path / "all.csv") if row["value"]] == [str(value) for value in values]


def test_nothing_is_left_of_an_export_that_failed(tmp_path: Path) -> None:
    for name in ("x.csv", "x.parquet"):
        with pytest.raises(InterruptedError):
            _write_half(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["corridor.db"]


def _write_half(path: Path) -> None:
    with sheet_file(path, [Column("time", "time"), Column("text", "text")]) as file:
        file.write([(EIGHT, "a")])
        raise InterruptedError


def test_what_is_wrong_is_reported(corridor: Corridor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "x.csv"
    assert corridor("export", "dreams", *RANGE, "--out", str(file))[0] == 2
    assert "1m, 1h or 1d" in corridor("export", "ledger", *RANGE, "--every", "7m", "--out", str(file))[2]
    assert corridor("export", "state", *RANGE, "--every", "1h", "--out", str(file))[0] == 2
    assert "later than --from" in corridor("export", "state", "--from", "1", "--to", "0", "--out", str(file))[2]
    status, _, reported = corridor("export", "state", *RANGE, "--out", str(tmp_path / "x.xlsx"))
    assert (status, "end its name so" in reported) == (1, True)
    file.write_text("mine")
    status, _, reported = corridor("export", "state", *RANGE, "--out", str(file))
    assert (status, "exists; choose another name" in reported, file.read_text()) == (1, True, "mine")
    monkeypatch.setattr(sheet_files, "find_spec", lambda _: None)
    status, _, reported = corridor("export", "state", *RANGE, "--out", str(tmp_path / "x.parquet"))
    assert (status, "pip install '.[export]'" in reported) == (1, True)
