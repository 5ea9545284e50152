"""Setting a store up: InfluxDB 1 for real, with and without accounts; of InfluxDB 2 the form of what it is asked."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from broker.contract.events import StateChange
from services.ledger.fields import NANO
from services.store.influx.address import Address, parse
from services.store.influx.setup import FOR_EVER, Setup
from services.store.influx.store import InfluxStore
from services.store.interface import Batch, LedgerRow, StoreError
from services.store.opening import open_store
from tests.store.conftest import MILL, samples, stored
from tests.store.influx.influx2 import ADMIN, ORG, Influx2
from tests.store.influx.influxd import Influxd

pytestmark = pytest.mark.influx

DAY = 86_400 * NANO
STATE = StateChange(asset=MILL, at=7, state="idle")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    """Run a server that asks for user and password."""
    server = Influxd(tmp_path_factory.mktemp("guarded"), auth=True)
    server.query("CREATE USER admin WITH PASSWORD 'gua:rd/ed' WITH ALL PRIVILEGES")
    yield server
    server.kill()


@pytest.fixture
def influx2(influxd: Influxd) -> Iterator[Influx2]:
    server = Influx2(influxd)
    yield server
    server.close()


async def set_up(url: str, retention_ns: int | None = None) -> list[str]:
    async with Setup(parse(url)) as setup:
        return await setup.make_buckets(retention_ns)


async def test_databases_are_made_once_and_their_retention_changes_only_if_asked(influxd: Influxd) -> None:
    url = f"influxdb1://127.0.0.1:{influxd.port}/plant"
    made = [
        "plant: made, retention 30 days",
        "plant_ledger: made, retention 730 days",
        "plant_hour: made, retention unlimited",
    ]
    assert await set_up(url) == made
    assert await set_up(url) == [line.replace("made,", "there,") for line in made]
    assert await set_up(url, 1_000 * DAY) == [
        "plant: there, retention now 1000 days",
        "plant_ledger: there, retention now 1000 days",
        "plant_hour: there, retention unlimited",
    ]
    assert (await set_up(url, FOR_EVER))[:2] == [
        "plant: there, retention now unlimited",
        "plant_ledger: there, retention now unlimited",
    ]
    assert (await set_up(url))[0] == "plant: there, retention unlimited"
    store = await open_store(url)
    await store.write(samples(3))
    assert await stored(store) == 3
    await store.close()
    influxd.drop_store("plant")


@pytest.mark.slow
async def test_accounts_may_do_no_more_than_they_must(guarded: Influxd) -> None:
    admin = f"influxdb1://admin:gua%3Ard%2Fed@127.0.0.1:{guarded.port}/plant"
    with pytest.raises(StoreError, match="does not let us in"):
        await set_up(admin.replace("gua", "bla"))
    async with Setup(parse(admin)) as setup:
        await setup.make_buckets(FOR_EVER)
        url = await setup.make_account("services", renew=False)
        password = await setup.make_account("grafana", renew=False)
        assert url is not None
        assert password is not None
        assert await setup.make_account("services", renew=False) is None
        assert await setup.lets_in("services", url)
        assert await setup.lets_in("grafana", password)
        services = await open_store(url)
        await services.write(Batch(events=[STATE]))
        reader = InfluxStore(replace(parse(admin), user="plant-grafana", secret=password))
        assert await reader.events(["state"], "", 0, 9) == [STATE]
        with pytest.raises(StoreError, match=r"does not let us into 'plant'.*user and password are right"):
            await reader.write(samples(1))
        with pytest.raises(StoreError, match="does not let us in"):
            await services.server.statement('DROP DATABASE "plant"')  # type: ignore[attr-defined]
        assert await setup.make_account("services", renew=True) != url
        assert not await setup.lets_in("services", url)
    await services.close()
    await reader.close()


@pytest.mark.slow
async def test_the_whole_of_a_store_on_influxdb_2(influx2: Influx2) -> None:
    made = [
        "plant: made, retention 30 days",
        "plant_ledger: made, retention 730 days",
        "plant_hour: made, retention unlimited",
    ]
    assert await set_up(influx2.url("plant")) == made
    assert await set_up(influx2.url("plant", options="?org=plant")) == [
        line.replace("made,", "there,") for line in made
    ]
    assert (await set_up(influx2.url("plant"), 60 * DAY))[0] == "plant: there, retention now 60 days"
    assert influx2.buckets["plant"]["retentionRules"] == [
        {"type": "expire", "everySeconds": 60 * 86_400, "shardGroupDurationSeconds": 86_400}
    ]
    async with Setup(parse(influx2.url("plant"))) as setup:
        url = await setup.make_account("services", renew=False)
        token = await setup.make_account("grafana", renew=False)
        assert url is not None
        assert token is not None
        assert await setup.make_account("grafana", renew=False) is None
        assert await setup.lets_in("services", url)
        assert await setup.lets_in("grafana", token)
        assert not await setup.lets_in("grafana", "stale")
        assert [
            {(permission["action"], permission["resource"]["id"]) for permission in one["permissions"]}
            for one in influx2.authorizations
        ] == [
            {(action, f"id-of-{bucket}") for bucket in ("plant", "plant_ledger", "plant_hour") for action in actions}
            for actions in (("read", "write"), ("read",))
        ]
        assert await setup.make_account("grafana", renew=True) not in {None, token}
        assert len(influx2.authorizations) == 2
        assert not await setup.lets_in("grafana", token)
    store = await open_store(url)
    await store.write(Batch(events=[STATE], rows=[LedgerRow(MILL, 0, "-", "-", {"good": NANO})]))
    assert await store.events(["state"], "", 0, 9) == [STATE]
    assert await store.totals("", 0, 9, "day") == {(MILL, "-", "-"): {"good": NANO}}
    await store.close()


@pytest.mark.slow
async def test_lines_go_to_the_bucket_and_its_organisation(influx2: Influx2) -> None:
    await set_up(influx2.url("plant"))
    for options, org in (("", {"orgID": ORG}), ("?org=plant", {"org": "plant"})):
        store = await open_store(influx2.url("plant", options=options))
        influx2.requests.clear()
        await store.write(samples(3))
        writes = [request for request in influx2.requests if request.path == "/api/v2/write"]
        assert [write.parameters for write in writes] == [
            {"bucket": bucket, "precision": "ns", **org} for bucket in ("plant", "plant_hour")[: len(writes)]
        ]
        assert {request.token for request in influx2.requests} == {ADMIN}
        await store.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "reported"),
    [
        ({"secret": "stale"}, "does not let us into 'plant' .*check the token in the store's URL"),
        ({"database": "other"}, "has no 'other' .*corridor store init"),
    ],
)
async def test_what_is_wrong_with_an_influxdb_2_is_an_error_with_a_hint(
    influx2: Influx2, change: dict[str, str], reported: str
) -> None:
    await set_up(influx2.url("plant"))
    address: Address = replace(parse(influx2.url("plant")), **change)
    with pytest.raises(StoreError, match=reported) as error:
        await InfluxStore.open(address)
    assert "stale" not in str(error.value)


@pytest.mark.slow
async def test_a_line_that_influxdb_2_rejects_is_returned_alone(influx2: Influx2) -> None:
    await set_up(influx2.url("plant"))
    store = await open_store(influx2.url("plant"))
    await store.server.write("plant", ['state,machine=x code="four" 7'])  # type: ignore[attr-defined]
    await store.write(Batch(events=[STATE, *samples(99).events]))
    assert await stored(store) == 99
    (rejected,) = await store.rejected(0, 2**62)
    assert "field type conflict" in rejected.reason
    await store.close()


def test_the_example_is_what_the_library_reads(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    with pytest.raises(StoreError, match="holds no certificate authority"):
        _ = parse(f"influxdbs://t@host/plant?ca={file}").tls
