"""Real days of machine tools through `replay`: known, active and unknown time as a count over the file has it."""

import gzip
import json
from pathlib import Path

import pytest

from broker.contract.errors import ContractError
from broker.contract.instants import format_rfc3339
from broker.contract.instants import parse as instant
from tests.cli.conftest import Corridor

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "data" / "nist-sms"
MILL = "nist/sms/cell-1/mill-1"
FILES = ("Mazak03-20160503-20160504.txt.gz", "Mazak03-20160504-20160505.txt.gz", "mtc_adapter007.txt.gz")

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the recordings of real machines are not at {FOLDER}")


def lines_of(name: str) -> list[str]:
    """Return a file's lines; the third holds another year's few lines besides, in front, which are left out."""
    with gzip.open(FOLDER / name, "rt", encoding="utf-8") as file:
        return [line for line in file.read().splitlines() if not line.startswith("2018-")]


def shares(lines: list[str]) -> tuple[int, int, dict[str, int]]:
    """Count from the first line to the last: known is a machine that is available and whose execution is reported."""
    items = {"avail": "AVAILABLE", "execution": "UNAVAILABLE"}
    spent = {"known": 0, "active": 0, "unknown": 0}
    first = last = 0
    for line in lines:
        stamp, *reported = line.split("|")
        try:
            at = instant(stamp)
        except ContractError:
            continue
        if last:
            known = items["avail"] == "AVAILABLE" and items["execution"] != "UNAVAILABLE"
            spent["known" if known else "unknown"] += at - last
            spent["active"] += at - last if known and items["execution"] == "ACTIVE" else 0
        first, last = first or at, at
        for item, value in zip(reported[::2], reported[1::2], strict=False):
            items["execution" if item == "Program_Status" else item] = value
    return first, last, spent


@pytest.mark.parametrize("name", [*FILES[:-1], pytest.param(FILES[-1], marks=pytest.mark.slow)])
def test_known_active_and_unknown_time_is_that_of_the_file(corridor: Corridor, tmp_path: Path, name: str) -> None:
    lines = lines_of(name)
    file, store = tmp_path / "day.txt", f"sqlite:///{tmp_path}/day.db"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    status, _, reported = corridor("replay", str(file), "--dialect", "shdr", "--asset", MILL, "--store", store)
    assert status == 0, reported
    rejected = [line.partition("; ")[0] for line in reported.splitlines() if line.startswith("rejected")]
    torn = ["2017", "20175", "<<<<<<< HEAD", "=======", ">>>>>>> 0fc28b83c47eedbaa8b399c7e8d5b52116d3c076"]
    wanted = torn if name.startswith("mtc") else []
    assert sorted(rejected) == sorted(f"rejected 1 ×: time {line!r} is not RFC 3339" for line in wanted)

    first, last, spent = shares(lines)
    assert spent["known"] > spent["active"] > 0
    between = ("--from", format_rfc3339(first), "--to", format_rfc3339(last))
    status, out, reported = corridor("kpi", "show", MILL, *between, "--store", store, "--json")
    assert status == 0, reported
    found = json.loads(out)
    assert found["ledger"]["running_s"] * 1e9 == pytest.approx(spent["active"], abs=1)
    unknown_s = found["ledger"]["unknown_s"] + found["ledger"]["unknown_planned_s"]
    assert unknown_s * 1e9 == pytest.approx(spent["unknown"], abs=1)
    assert found["coverage"] == pytest.approx(spent["known"] / (last - first))
    assert spent["known"] + spent["unknown"] == last - first

    status, _, reported = corridor("recompute", "--from", "0", "--to", between[3], "--store", store)
    assert (status, "of which 0 changed" in reported) == (0, True), reported


def test_lines_are_written_to_a_store_and_are_of_a_machine(corridor: Corridor, tmp_path: Path) -> None:
    file = str(FOLDER / FILES[0])
    status, _, reported = corridor(
        "replay", file, "--dialect", "shdr", "--asset", MILL, "--broker", "mqtt://127.0.0.1:1"
    )
    assert (status, "add --store" in reported) == (2, True)
    store = f"sqlite:///{tmp_path}/day.db"
    status, _, reported = corridor("replay", file, "--dialect", "shdr", "--asset", "nist/sms", "--store", store)
    assert (status, "site/area/line/machine" in reported) == (2, True)
    assert corridor("replay", file, "--dialect", "shdr", "--store", store)[0] == 2
