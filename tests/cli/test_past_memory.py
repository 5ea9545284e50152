"""The memory in which a past is made does not depend on how long the past is."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from edge.simulation.planning.first_plant import text_for
from edge.simulation.planning.trades import TRADES

DAYS: Final = 8
MADE: Final = """
import asyncio, sys
from pathlib import Path
from broker.plant.plant_file import load
from cli import past
from edge.simulation.simulator import Simulator
from services.store.opening import open_store
from services.store.sqlite import file

file._CACHE_KIB = 1024  # of the database's pages; else the cache fills for the first weeks
folder, days = Path(sys.argv[1]), int(sys.argv[2])


async def make():
    plant = load(folder.parent / "plant.toml")
    store = await open_store(f"sqlite:///{folder / 'corridor.db'}")
    start = 1_764_547_200 * 10**9
    await past.make(Simulator(plant, folder), plant, store, (start, start + days * 86_400 * 10**9))
    await store.close()


asyncio.run(make())
status = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""
"""Makes a past of some days in a folder; prints the most memory that it took, KiB.

What `getrusage` returns is at least what the process had that began it.
"""


def peak(folder: Path, days: int) -> int:
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-P", "-c", MADE, str(folder), str(days)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_past_three_times_as_long_takes_as_much_memory(tmp_path: Path) -> None:
    (tmp_path / "plant.toml").write_text(text_for("turning", TRADES["turning"]), "utf-8")
    short, long = peak(tmp_path / "short", DAYS), peak(tmp_path / "long", 3 * DAYS)
    assert long / short < 1.1  # events that stay would make it 1.6
