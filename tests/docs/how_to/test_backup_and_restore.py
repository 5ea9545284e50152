"""The page on backup and restore: its commands are run on a store in use, and on a real InfluxDB 1.6."""

import asyncio
import re
import shlex
import subprocess
import time
from pathlib import Path

import pytest

from broker.contract.events import StateChange
from services.store.interface import Batch, StoreError
from services.store.opening import default_url, open_store
from tests.cli.conftest import Corridor
from tests.cli.conftest import corridor as corridor  # noqa: PLC0414  (a fixture)
from tests.store.influx.influxd import Influxd

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/how-to/backup-and-restore.md").read_text("utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
MILL = "york/barn/line-1/mill-1"


def block(beginning: str) -> str:
    """Return the one block of commands that begins so."""
    (found,) = (each for each in BLOCKS if each.startswith(beginning))
    return str(found)


async def write(url: str, at: int) -> None:
    store = await open_store(url)
    try:
        await store.write(Batch(events=[StateChange(asset=MILL, at=at, state="running")]))
    finally:
        await store.close()


async def instants(url: str) -> list[int]:
    store = await open_store(url)
    try:
        return [event.at for event in await store.events(("state",), MILL, 0, 2**62)]
    finally:
        await store.close()


def test_a_store_in_use_is_copied_and_put_back(corridor: Corridor, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()

    async def copy() -> None:
        store = await open_store(default_url(data))
        await store.write(Batch(events=[StateChange(asset=MILL, at=1, state="running")]))
        words = shlex.split(block("./corridor store backup"))[1:-1]
        copied = str(tmp_path / "corridor-backup.db")
        reported = await asyncio.to_thread(corridor, *words, copied, "--data", str(data))
        assert reported[0] == 0, reported
        again = await asyncio.to_thread(corridor, *words, copied, "--data", str(data))
        assert (again[0], "is there already" in again[2]) == (1, True)
        await store.write(Batch(events=[StateChange(asset=MILL, at=2, state="down")]))
        await store.close()

    asyncio.run(copy())
    lines = block("rm -f data/").splitlines()
    subprocess.run(["/bin/sh", "-ec", "\n".join(lines[:2])], cwd=tmp_path, check=True)
    assert corridor(*shlex.split(lines[2])[1:], "--data", str(data))[0] == 0
    assert asyncio.run(instants(default_url(data))) == [1]


def test_a_copy_of_nothing_or_of_another_kind_is_reported(corridor: Corridor, tmp_path: Path) -> None:
    assert "there is no store" in corridor("store", "backup", "x.db", "--data", str(tmp_path))[2]
    reported = corridor("store", "backup", "x.db", "--store", "influxdb1://127.0.0.1:1/corridor")
    assert (reported[0], "backup-and-restore.md" in reported[2]) == (1, True)


@pytest.mark.influx
def test_an_influxdb_1_is_copied_and_put_back(tmp_path: Path) -> None:
    server = Influxd(tmp_path / "one")
    try:
        url = server.make_store("corridor")
        asyncio.run(write(url, 1_700_000_000_000_000_000))
        influxd_1("backup", server, tmp_path)
        server.drop_store("corridor")
        influxd_1("restore", server, tmp_path)
        assert asyncio.run(restored(url)) == [1_700_000_000_000_000_000]
    finally:
        server.kill()


@pytest.mark.slow
@pytest.mark.influx
@pytest.mark.parametrize("onto", ["the-same-server", "a-new-server"])
def test_an_influxdb_1_with_passwords_lets_the_services_in_again_after_a_restore(
    corridor: Corridor, tmp_path: Path, onto: str
) -> None:
    server = guarded(tmp_path / "one")
    try:
        init(corridor, server, tmp_path)
        before = secret(tmp_path, server, server)
        at = time.time_ns()
        asyncio.run(write(before, at))
        influxd_1("backup", server, tmp_path)
        if onto == "a-new-server":
            server.kill()
            server, old = guarded(tmp_path / "other"), server
            before = secret(tmp_path, old, server)
            reported = "has no users"
        else:
            for database in ("corridor", "corridor_ledger", "corridor_hour"):
                server.query(f'DROP DATABASE "{database}"', login=ADMIN)
            reported = "user and password are right"
        influxd_1("restore", server, tmp_path)
        with pytest.raises(StoreError, match=reported) as locked_out:
            asyncio.run(instants(before))
        assert "corridor store init" in str(locked_out.value)
        init(corridor, server, tmp_path)
        after = secret(tmp_path, server, server)
        assert asyncio.run(restored(after)) == [at]
        asyncio.run(write(after, at + 1))
        assert (after == before) == (onto == "the-same-server")
    finally:
        server.kill()


ADMIN = "admin:PASSWORD"


def guarded(folder: Path) -> Influxd:
    """Start a server that asks for passwords, with the account of the page."""
    server = Influxd(folder, auth=True)
    server.query("CREATE USER admin WITH PASSWORD 'PASSWORD' WITH ALL PRIVILEGES")
    return server


def influxd_1(what: str, server: Influxd, folder: Path) -> None:
    """Do the page's line that makes the backup, or restores it."""
    (line,) = [each for each in block("influxd backup").splitlines() if each.startswith(f"influxd {what} ")]
    words = shlex.split(line.replace("127.0.0.1:8088", f"127.0.0.1:{server.rpc_port}"))
    subprocess.run(words, cwd=folder, check=True, capture_output=True)


async def restored(url: str) -> list[int]:
    """Return what a restored store holds, as soon as InfluxDB has enabled the shards that it has just read."""
    while True:
        try:
            return await instants(url)
        except StoreError as error:
            if "shard is disabled" not in str(error):
                raise


def init(corridor: Corridor, server: Influxd, folder: Path) -> None:
    """Do the page's line that makes the users, or grants them their rights."""
    words = shlex.split(block("./corridor store init").replace("127.0.0.1:8086", f"127.0.0.1:{server.port}"))[1:]
    (folder / "secrets").mkdir(exist_ok=True)
    reported = corridor(*[str(folder / word) if word.startswith("secrets/") else word for word in words])
    assert reported[0] == 0, reported


def secret(folder: Path, old: Influxd, new: Influxd) -> str:
    """Return the store's URL for the services, at another server than the one that it was made for."""
    return (folder / "secrets/store").read_text().strip().replace(f":{old.port}/", f":{new.port}/")
