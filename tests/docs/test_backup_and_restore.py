"""The page on backup and restore: its commands are run on a store in use, and on a real InfluxDB 1.6."""

import asyncio
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from broker.events import StateChange
from services.store.interface import Batch
from services.store.opening import default_url, open_store
from tests.cli.conftest import Corridor
from tests.cli.conftest import corridor as corridor  # noqa: PLC0414  (a fixture)
from tests.store.influxd import Influxd

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/backup-and-restore.md").read_text("utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
MILL = "york/barn/line-1/mill-1"


def block(beginning: str) -> str:
    """Return the one block of commands that begins so."""
    (found,) = (each for each in BLOCKS if each.startswith(beginning))
    return str(found)


async def write(url: str, at: int) -> None:
    store = await open_store(url)
    await store.write(Batch(events=[StateChange(asset=MILL, at=at, state="running")]))
    await store.close()


async def instants(url: str) -> list[int]:
    store = await open_store(url)
    found = [event.at for event in await store.events(("state",), MILL, 0, 2**62)]
    await store.close()
    return found


def test_a_store_in_use_is_copied_and_put_back(corridor: Corridor, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()

    async def copy() -> None:
        store = await open_store(default_url(data))
        await store.write(Batch(events=[StateChange(asset=MILL, at=1, state="running")]))
        words = shlex.split(block("./corridor store backup"))[1:-1]
        copied = str(tmp_path / "corridor-backup.db")
        told = await asyncio.to_thread(corridor, *words, copied, "--data", str(data))
        assert told[0] == 0, told
        again = await asyncio.to_thread(corridor, *words, copied, "--data", str(data))
        assert (again[0], "is there already" in again[2]) == (1, True)
        await store.write(Batch(events=[StateChange(asset=MILL, at=2, state="down")]))
        await store.close()

    asyncio.run(copy())
    lines = block("rm -f data/").splitlines()
    subprocess.run(["/bin/sh", "-ec", "\n".join(lines[:2])], cwd=tmp_path, check=True)
    assert corridor(*shlex.split(lines[2])[1:], "--data", str(data))[0] == 0
    assert asyncio.run(instants(default_url(data))) == [1]


def test_a_copy_of_nothing_or_of_another_kind_is_told(corridor: Corridor, tmp_path: Path) -> None:
    assert "there is no store" in corridor("store", "backup", "x.db", "--data", str(tmp_path))[2]
    told = corridor("store", "backup", "x.db", "--store", "influxdb1://127.0.0.1:1/corridor")
    assert (told[0], "backup-and-restore.md" in told[2]) == (1, True)


@pytest.mark.influx
def test_an_influxdb_1_is_copied_and_put_back(tmp_path: Path) -> None:
    server = Influxd(tmp_path / "one")
    try:
        url = server.make_store("corridor")
        asyncio.run(write(url, 1_700_000_000_000_000_000))
        save, restore = (
            line.replace("127.0.0.1:8088", f"127.0.0.1:{server.rpc_port}")
            for line in block("influxd backup").splitlines()
        )
        subprocess.run(shlex.split(save), cwd=tmp_path, check=True, capture_output=True)
        server.drop_store("corridor")
        subprocess.run(shlex.split(restore), cwd=tmp_path, check=True, capture_output=True)
        assert asyncio.run(instants(url)) == [1_700_000_000_000_000_000]
    finally:
        server.kill()
