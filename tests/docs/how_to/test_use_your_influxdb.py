"""The page about InfluxDB: its commands are run, and its table is what is written."""

import re
import shlex
from pathlib import Path

import pytest

from broker.contract.events import AnyEvent, Labour, Sample
from services.ledger.fields import FIELDS, NANO
from services.store.influx.address import parse
from services.store.influx.events import FORMS
from services.store.influx.store import InfluxStore
from services.store.interface import Batch, LedgerRow, ReasonRow, Rejected
from tests.cli.conftest import Corridor
from tests.cli.conftest import corridor as corridor  # noqa: PLC0414  (a fixture)
from tests.store.conftest import influx_url as influx_url  # noqa: PLC0414
from tests.store.conftest import influxd as influxd  # noqa: PLC0414
from tests.store.influx.influx2 import Influx2
from tests.store.influx.influxd import Influxd
from tests.store.test_store import MILL, NOON, ONE_OF_EACH

pytestmark = pytest.mark.influx

PAGE = (Path(__file__).resolve().parents[3] / "docs/how-to/use-your-influxdb.md").read_text("utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
LEVELS = {"site", "area", "line", "machine"}


def table() -> dict[str, tuple[set[str], set[str]]]:
    """Return tags and fields of each measurement on the page."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for names, tags, fields in re.findall(
        r"^\| (?:`corridor\w*` )?\| (`\w+`) \| ([^|]*)\| ([^|]+)\|$", PAGE, re.MULTILINE
    ):
        found[names.strip("`")] = (set(re.findall(r"`(\w+)`", tags)), set(re.findall(r"`(\w+)`", fields)))
    return found


async def test_the_table_is_what_is_written(influx_url: str, influxd: Influxd) -> None:
    events: list[AnyEvent] = [event for event in ONE_OF_EACH if not isinstance(event, Sample)]
    events += [Sample(asset=MILL, at=NOON, signal="tool", value=value) for value in (1.0, "t-12")]
    store = await InfluxStore.open(parse(influx_url))
    await store.write(
        Batch(
            events=[*events, Labour(asset=MILL, at=NOON, present=1)],
            rejected=[Rejected(NOON, "x", "no", b"", 0)],
            rows=[LedgerRow(MILL, NOON, "bracket", "day", {"good": NANO})],
            reasons=[ReasonRow(MILL, NOON, "down", "jam", 1, 1)],
        )
    )
    await store.close()
    reported = table()
    for database in (store.buckets.raw, store.buckets.minutes):
        keys = {one["name"]: {row[0] for row in one["values"]} for one in influxd.query("SHOW FIELD KEYS", database)}
        tags = {one["name"]: {row[0] for row in one["values"]} for one in influxd.query("SHOW TAG KEYS", database)}
        for measurement, fields in keys.items():
            on_page = reported[measurement][1] | (set(FIELDS) if measurement == "ledger" else set())
            assert fields <= on_page, measurement
            assert tags.get(measurement, set()) - LEVELS - {"simulated"} == reported[measurement][0], measurement


def test_every_field_of_an_event_is_in_the_table_and_no_other() -> None:
    reported = table()
    columns: dict[str, set[str]] = {}
    for form in FORMS.values():
        columns.setdefault(form.measurement, set()).update(form.columns)
    assert {measurement: reported[measurement][1] for measurement in columns} == columns


@pytest.mark.slow
def test_the_commands_that_set_it_up_do(
    corridor: Corridor, influxd: Influxd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    influx2 = Influx2(influxd)
    setups = [line for line in COMMANDS if "store init" in line]
    assert len(setups) == 2
    for line in setups:
        is_2 = "influxdb://" in line
        port = influx2.port if is_2 else influxd.port
        login = "adm-in==@" if is_2 else ""
        words = shlex.split(re.sub(r"(influxdb1?://)[^@]*@127.0.0.1:8086", rf"\g<1>{login}127.0.0.1:{port}", line))
        assert words[0] == "./corridor"
        for _ in range(2):
            assert corridor(*words[1:])[0] == 0
        assert Path("secrets/store").read_text().startswith("influxdb://token" if is_2 else "influxdb1://corridor-serv")
        monkeypatch.setenv("CORRIDOR_STORE_FILE", "secrets/store")
        assert corridor("store", "status")[0] == 0
        monkeypatch.delenv("CORRIDOR_STORE_FILE")
        influxd.drop_store("corridor")
        Path("secrets/store").unlink()
    influx2.close()


def test_the_other_commands_are_ones(corridor: Corridor) -> None:
    others = [line for line in COMMANDS if line.startswith("./corridor") and "store init" not in line]
    assert len(others) == 3
    for line in others:
        status, out, _ = corridor(*shlex.split(line)[1:-2], "--help")
        assert status == 0
        assert "--broker" in out
