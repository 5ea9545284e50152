"""The how-to on a plant of one's own: its file is good, its commands do what it says, up to a machine that joins."""

import asyncio
import csv
import json
import re
from collections.abc import Callable
from datetime import datetime, time
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen
from zoneinfo import ZoneInfo

import pytest

from broker.contract.events import NS_PER_S
from broker.plant.drawing import draw
from broker.plant.plant_file import parse
from edge.simulation import ground_truth
from edge.simulation.event_buffer import TruePiece
from edge.simulation.planning import plan
from edge.simulation.simulation import SamplingIntervals, Simulation
from tests.cli.conftest import Corridor
from tests.cli.conftest import corridor as corridor  # noqa: PLC0414  (a fixture)
from tests.docs.printed import PATIENCE_S, Shell, blocks

ROOT: Final = Path(__file__).resolve().parents[3]
NAME: Final = "docs/how-to/describe-your-plant.md"
PAGE: Final = (ROOT / NAME).read_text("utf-8")
(TEXT,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
PLANT: Final = parse(TEXT, "works.toml")
PACKER, ROBOT = "porto/assembly/line-1/pack-1", "porto/assembly/line-1/robot-1"
MONDAY: Final = 1_764_547_200 * NS_PER_S


def test_it_is_a_plant_with_nothing_worth_a_look_and_one_machine_awaited(corridor: Corridor, tmp_path: Path) -> None:
    file = tmp_path / "works.toml"
    file.write_text(TEXT, "utf-8")
    facts = json.loads(corridor("plant", "check", str(file), "--json")[1])
    assert (facts["remarks"], facts["connected"]) == ([], [PACKER])
    assert f"Real devices are expected for 1 machine:\n  {PACKER}" in corridor("plant", "check", str(file))[1]


def test_the_mistakes_that_it_shows_are_reported_so(corridor: Corridor, tmp_path: Path) -> None:
    file = tmp_path / "works.toml"
    wrong = TEXT.replace('to = "leon/machining/line-1"', 'to = "leon/machining/line-2"')
    file.write_text(wrong.replace("buffers = [24, 24]", "buffers = [24]"), "utf-8")
    found = corridor("plant", "check", str(file))[1].replace(f"{tmp_path}/", "").splitlines()[:-1]
    assert found == re.findall(r"^    (works\.toml:.*)$", PAGE, re.MULTILINE)


@pytest.mark.slow
def test_each_of_its_machines_works_and_the_flows_arrive() -> None:
    simulation = Simulation(PLANT, MONDAY)
    simulation.sampling = SamplingIntervals(10**18, 10**18)
    simulation.run_until(MONDAY + 10 * 86_400 * NS_PER_S)
    made = {one.asset for one in simulation.take_ground_truth() if isinstance(one, TruePiece)}
    assert made == set(plan.read(PLANT.simulate).assets)


def test_the_picture_marks_the_machine_whose_device_is_awaited_until_it_has_joined() -> None:
    assert draw(PLANT).count('class="machine awaited"') == 1
    assert f"({PACKER}), awaiting its device</title>" in draw(PLANT)
    assert 'class="machine awaited"' not in draw(PLANT, joined={PACKER})


async def text(port: int, path: str) -> list[str]:
    """Return the lines that the wall answers with."""

    def read() -> list[str]:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.read().decode("utf-8-sig").splitlines()  # type: ignore[no-any-return]

    return await asyncio.to_thread(read)


async def asked(port: int, path: str) -> Any:
    return json.loads("".join(await text(port, path)))


async def machine(shell: Shell, path: str, is_so: Callable[[dict[str, Any]], bool]) -> None:
    """Wait until what the wall knows of a machine is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so(next(one for one in await asked(shell.port, "/api/v1/assets") if one["path"] == path)):
            pass  # it is asked over the network, which takes its time


@pytest.mark.mosquitto
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_its_commands_show_the_plant_and_join_the_machine(tmp_path: Path) -> None:
    (tmp_path / "works.toml").write_text(TEXT, "utf-8")
    *before, joins = (block for block in blocks(NAME, PAGE) if not block.first.startswith("works.toml"))
    async with Shell(tmp_path) as shell:
        for block in before:
            await shell.run(block.text)
        assert 'class="machine awaited"' in (tmp_path / "works.svg").read_text("utf-8")
        await machine(shell, PACKER, lambda one: (one["state"], one["reason"]) == ("unknown", "awaiting-device"))
        await machine(shell, ROBOT, lambda one: bool(one["last_seen"]) and one["simulated"])
        await shell.run(joins.text)
        await machine(shell, PACKER, lambda one: (one["state"], one["simulated"]) == ("running", False))
        answer = await asked(shell.port, f"/api/v1/kpi?asset={PACKER}&from=shift")
        assert datetime.fromisoformat(answer["from"]).astimezone(ZoneInfo("Europe/Lisbon")).time() == time(0)
        (row,) = csv.DictReader(await text(shell.port, f"/api/v1/kpi.csv?asset={PACKER}&from=shift"))
        assert row["target_oee"] == "0.7"
        async with asyncio.timeout(PATIENCE_S):
            while not (stored := await asked(shell.port, f"/api/v1/events?asset={PACKER}&from=now-1d&kind=state")):
                pass
        assert [(one["state"], one["simulated"]) for one in stored] == [("running", False)]
        await shell.stop("demo")
    truth = (tmp_path / "data-of-works" / ground_truth.FILE_NAME).read_text("utf-8")
    assert (ROBOT in truth, PACKER in truth) == (True, False)
