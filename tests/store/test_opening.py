"""Which store a URL means."""

from pathlib import Path

import pytest

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
    ("url", "told"),
    [
        ("influxdb://secret@host:8086/bucket", "not in this version yet"),
        ("influxdb1://me:secret@host:8086/database", "not in this version yet"),
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
async def test_a_url_that_means_no_store_is_told_without_its_password(url: str, told: str) -> None:
    with pytest.raises(StoreError) as error:
        await open_store(url)
    assert told in str(error.value)
    assert "secret" not in str(error.value)


async def test_opening_makes_the_file_and_its_folder(tmp_path: Path) -> None:
    store = await open_store(default_url(tmp_path / "new" / "data"))
    await store.close()
    assert (tmp_path / "new" / "data" / "corridor.db").is_file()
