"""`corridor store init` and `store status`."""

import asyncio
import json
from pathlib import Path

import pytest

from broker.contract.events import StateChange
from services.store.interface import Batch
from services.store.sqlite.schema import STEPS
from services.store.sqlite.store import SqliteStore
from tests.cli.conftest import Corridor
from tests.store.conftest import influxd as influxd  # noqa: PLC0414  (a fixture)
from tests.store.influx.influxd import Influxd


def test_init_makes_a_store_and_may_be_run_again(corridor: Corridor, tmp_path: Path) -> None:
    for _ in range(2):
        status, out, reported = corridor("store", "init")
        assert (status, out) == (0, "")
        assert reported == f"{tmp_path}/corridor.db is ready: sqlite, schema {len(STEPS)}\n"


def test_status_of_no_store_says_how_to_make_one_and_makes_none(corridor: Corridor, tmp_path: Path) -> None:
    status, out, reported = corridor("store", "status")
    assert (status, out) == (1, "")
    assert reported == (
        f"corridor: there is no store at {tmp_path}/corridor.db;"
        f" make one with: corridor store init --store sqlite:///{tmp_path}/corridor.db\n"
    )
    assert not (tmp_path / "corridor.db").exists()


def test_status_says_what_the_store_holds(corridor: Corridor, tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    _fill(path)
    status, out, _ = corridor("store", "status", "--store", f"sqlite:///{path}", "--json")
    held = json.loads(out)
    assert status == 0
    assert held.pop("size_bytes") > 0
    assert held.pop("free_bytes") > 0
    assert held == {
        "engine": "sqlite",
        "place": str(path),
        "schema": len(STEPS),
        "machines": 1,
        "events": {"state": {"rows": 1, "oldest": "2025-11-26T12:00:00Z", "newest": "2025-11-26T12:00:00Z"}},
        "ledger_minutes": {"rows": 0, "oldest": None, "newest": None},
        "refused": {"rows": 0, "oldest": None, "newest": None},
    }
    status, out, _ = corridor("store", "status", "--store", f"sqlite:///{path}")
    assert status == 0
    assert "1 machine\n" in out
    assert "2025-11-26T12:00:00Z" in out


def test_a_wrong_store_is_one_line(corridor: Corridor, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello " * 1_000)
    for url in ("notes.txt", "influxdb://x@y/z", f"sqlite:///{tmp_path}/notes.txt"):
        status, out, reported = corridor("store", "init", "--store", url)
        assert (status, out) == (1, "")
        assert reported.startswith("corridor: ")
        assert reported.count("\n") == 1


def _fill(path: Path) -> None:
    async def fill() -> None:
        store = await SqliteStore.open(path)
        await store.write(Batch(events=[StateChange(asset="a/b/c/d", at=1_764_158_400_000_000_001, state="idle")]))
        await store.close()

    asyncio.run(fill())


@pytest.mark.slow
@pytest.mark.influx
def test_an_influxdb_is_set_up_with_files_for_its_users(corridor: Corridor, tmp_path: Path, influxd: Influxd) -> None:
    url = f"influxdb1://127.0.0.1:{influxd.port}/cli"
    services, grafana = tmp_path / "secrets" / "services", tmp_path / "secrets" / "grafana"
    command = ("store", "init", "--store", url, "--services-file", str(services), "--grafana-file", str(grafana))
    status, out, reported = corridor(*command)
    assert (status, out) == (0, "")
    assert reported.splitlines()[0] == "cli: made, retention 30 days"
    assert services.read_text().startswith("influxdb1://cli-services:")
    assert services.stat().st_mode & 0o077 == 0
    before = services.read_text(), grafana.read_text()
    assert corridor(*command)[0] == 0
    assert (services.read_text(), grafana.read_text()) == before
    status, out, _ = corridor("store", "status", "--store", services.read_text().strip(), "--json")
    assert status == 0
    assert json.loads(out)["engine"].startswith("InfluxDB 1.")
    assert "None" not in corridor("store", "status", "--store", url)[1]
    influxd.drop_store("cli")


def test_options_for_influxdb_are_rejected_elsewhere(corridor: Corridor) -> None:
    status, _, reported = corridor("store", "init", "--retention", "60d")
    assert status == 1
    assert "leave these options out" in reported
