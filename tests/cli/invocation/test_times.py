"""Durations and instants on the command line: what is none is rejected in a line."""

import asyncio
import time
from pathlib import Path

import pytest
import typer

from cli.invocation import times
from services.store.opening import open_store
from tests.cli.conftest import Corridor


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("8h", 28_800),
        ("7d", 604_800),
        ("1h30m", 5_400),
        ("500ms", 0.5),
        ("1.5h", 5_400),
        ("2 min", 120),
        (90.0, 90),
    ],
)
def test_a_duration_is_read_in_seconds(text: str | float, seconds: float) -> None:
    assert times.duration_s(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "8 hours", "h8", "-5s", "0s", "nan", "1h,5m", "99999999999999w", -1.0, float("nan")]
)
def test_what_is_not_a_duration_is_rejected_with_an_example(text: str | float) -> None:
    with pytest.raises(typer.BadParameter, match="30s"):
        times.duration_s(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24T08:00:00Z",
        "2026-11-24T09:00:00+01:00",
        "2026-11-24 08:00:00+00:00",
        "1795507200000",
        1_795_507_200_000,
    ],
)
def test_an_instant_is_rfc_3339_or_epoch_milliseconds(text: object) -> None:
    assert times.instant_ns(text) == 1_795_507_200 * 10**9


@pytest.mark.parametrize(("text", "ago_s"), [("now", 0), ("now-8h", 28_800), (" now-1h30m ", 5_400)])
def test_an_instant_may_be_so_long_before_now(text: str, ago_s: int) -> None:
    before = time.time_ns()
    found = times.instant_ns(text)
    assert before <= found + ago_s * 10**9 <= time.time_ns()


@pytest.mark.parametrize("text", ["now-", "now-8", "now+1h", "now-x", "Now"])
def test_what_is_no_length_of_time_before_now_is_rejected(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"30s|2026-11-24T08:00:00Z"):
        times.instant_ns(text)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-11-24", "2026-11-24T08:00:00", "2026-02-30T08:00:00Z", "1e99", "9" * 40, "nan", "٢٠٢٦"],
)
def test_what_is_not_an_instant_is_rejected_with_an_example(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="2026-11-24T08:00:00Z"):
        times.instant_ns(text)


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "1677-09-21T00:12:43Z",
        "2262-04-11T23:47:17Z",
        "9999-12-31T23:59:59-23:59",
        "-" + "9" * 18,
        "9" * 18,
        "9" * 18 + ".999999",
    ],
)
def test_an_instant_that_no_store_can_be_asked_for_is_rejected(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="between 1700 and 2249"):
        times.instant_ns(text)


@pytest.mark.parametrize(
    "asked", [["--from", "2200-01-01T00:00:00Z"], ["--from", "0001-01-01T00:00:00Z"], ["--last", "1e30d"]]
)
@pytest.mark.parametrize("command", [["kpi", "show", "works"], ["kpi", "explain", "works", "oee"]])
def test_a_range_that_cannot_be_is_a_line_and_status_2(
    corridor: Corridor, command: list[str], asked: list[str], tmp_path: Path
) -> None:
    asyncio.run(_empty_store(tmp_path / "corridor.db"))
    status, out, err = corridor(*command, *asked)
    assert (status, out) == (2, "")
    assert "Traceback" not in err


def test_to_the_beginning_of_time_there_is_nothing(corridor: Corridor, tmp_path: Path) -> None:
    asyncio.run(_empty_store(tmp_path / "corridor.db"))
    status, _, err = corridor("kpi", "show", "works", "--to", "1701-01-01T00:00:00Z", "--last", "100000d")
    assert (status, err) == (1, "corridor: no data for works in that time range\n")


@pytest.mark.parametrize("command", ["demo", "simulate", "replay"])
@pytest.mark.parametrize("speed", ["nan", "inf"])
def test_a_speed_is_a_number(corridor: Corridor, command: str, speed: str) -> None:
    status, _, err = corridor(command, *(["nothing.jsonl"] if command == "replay" else []), "--speed", speed)
    assert (status, "Traceback" in err) == (2, False)


async def _empty_store(path: Path) -> None:
    await (await open_store(f"sqlite:///{path}")).close()
