"""Which store a URL means."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from services.store.influx.address import parse
from services.store.interface import StoreError
from services.store.opening import default_url, open_store, sqlite_path


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///data/corridor.db", "data/corridor.db"),
        ("sqlite:////srv/corridor.db", "/srv/corridor.db"),
        ("sqlite:///C:/data/corridor.db", "C:/data/corridor.db"),
        ("sqlite:///my%20data/50%25.db", "my data/50%.db"),
        ("sqlite:///my data/ü.db", "my data/ü.db"),
    ],
)
def test_a_url_names_a_file(url: str, path: str) -> None:
    assert sqlite_path(url) == Path(path)


@pytest.mark.parametrize("folder", ["/srv/data", "data", "/srv/50% off?/#1/ü x"])
def test_the_default_is_a_file_in_the_data_folder(folder: str) -> None:
    assert sqlite_path(default_url(Path(folder))) == Path(folder) / "corridor.db"


@pytest.mark.parametrize(
    ("url", "reported"),
    [
        ("influxdb://secret@host:8086/", "end in the name of one bucket"),
        ("influxdb://sec/ret@host:8086/bucket", "end in the name of one bucket"),
        ("influxdb://me:secret@host:8086/bucket", "where a token belongs"),
        ("influxdb1://me:secret@host:port/database", "no readable host and port"),
        ("influxdb1://me:secret@/database", "names no host"),
        ("influxdb1://me:secret@host/database?org=x", "no organisations"),
        ("influxdb1://me:secret@host/database?tls=on", "has the option 'tls'; there are org and ca"),
        ("influxdb1://me:secret@host/database?ca=x.pem", "write influxdb1s://"),
        ("influxdb1s://me:secret@host/database?ca=nowhere.pem", "no file 'nowhere.pem'"),
        ("postgres://me:secret@host/db", "begins with 'postgres', which is no kind of store"),
        ("corridor.db", "no kind of store; write sqlite:///PATH"),
        ("", "no kind of store"),
        ("sqlite", "no kind of store"),
        ("sqlite://corridor.db", "names no file; write sqlite:///PATH"),
        ("sqlite:corridor.db", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite:///data/", "names no file"),
        ("sqlite:///x.db?mode=ro", "write them as %3F and %23"),
    ],
)
async def test_a_url_that_names_no_store_is_an_error_without_its_password(url: str, reported: str) -> None:
    with pytest.raises(StoreError) as error:
        await open_store(url)
    assert reported in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "base", "authorization"),
    [
        ("influxdb://to%2Fken==@host/corridor", "http://host:8086", "Token to/ken=="),
        ("influxdbs://t@host:443/corridor?org=plant", "https://host:443", "Token t"),
        ("influxdb1://me:p%40ss@[::1]:8086/corridor", "http://[::1]:8086", "Basic bWU6cEBzcw=="),
        ("influxdb1://host/corridor", "http://host:8086", None),
    ],
)
def test_the_address_of_an_influxdb_is_read_from_its_url(url: str, base: str, authorization: str | None) -> None:
    address = parse(url)
    assert (address.base, address.authorization, address.database) == (base, authorization, "corridor")
    assert "p@ss" not in repr(address)


def test_a_url_for_someone_else_is_one_that_means_the_same_place() -> None:
    address = parse("influxdb://admin@host/corridor?org=my%20plant")
    assert parse(address.url("", "to/k@en==")) == replace(address, secret="to/k@en==")
    address = parse("influxdb1://admin:x@[::1]/corridor")
    assert parse(address.url("ann", "a:b/c")) == replace(address, user="ann", secret="a:b/c")


async def test_opening_makes_the_file_and_its_folder(tmp_path: Path) -> None:
    store = await open_store(default_url(tmp_path / "new" / "data"))
    await store.close()
    assert (tmp_path / "new" / "data" / "corridor.db").is_file()
