"""What pages print to be copied is run as printed, against a real demo, and gives the number that they promise."""

import asyncio
import os
import re
import shlex
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stack.running import ROOT, Demo

PROMISES = re.compile(r"`(OEE \d+\.\d%)`")


def indented(page: str) -> list[str]:
    return [textwrap.dedent(text) for text in re.findall(r"^(?:    .+\n)+", page, re.MULTILINE)]


def fenced(page: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


@pytest.mark.mosquitto
@pytest.mark.parametrize(
    ("page", "blocks"),
    [
        ("README.md", indented),
        ("docs/how-to/plug-in-a-device.md", fenced),
        ("docs/tutorials/first-shift.md", fenced),
    ],
    ids=["readme", "plug-in-a-device", "first-shift"],
)
async def test_the_blocks_of_a_page_in_their_order_give_the_number_that_it_promises(
    tmp_path: Path, page: str, blocks: Callable[[str], list[str]]
) -> None:
    text = (ROOT / page).read_text("utf-8")
    (promised,) = PROMISES.findall(text)
    copied = "\n".join(block for block in blocks(text) if "mosquitto_pub " in block or "./corridor kpi " in block)
    assert "-p 1883" in copied
    # What is asked may be asked before the last message is stored: whoever reads asks again.
    repeated = f"until {{}} > said && grep -qF {shlex.quote(promised)} said; do :; done"
    script, questions = re.subn(
        r"^(\./corridor kpi show .*)$", lambda line: repeated.format(line[0]), copied, flags=re.MULTILINE
    )
    assert questions == 1
    plant = tmp_path / "my-plant.toml"
    plant.write_text("".join(re.findall(r"^```toml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)), "utf-8")
    async with Demo(tmp_path / "mine", "--no-simulator", "--plant", str(plant)) as demo:
        await run(script, demo, tmp_path)


async def run(script: str, demo: Demo, folder: Path) -> None:
    corridor = f"{shlex.quote(sys.executable)} -P -m cli.main"
    script = script.replace("-p 1883", f"-p {demo.mqtt_port}").replace("./corridor", corridor)
    process = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-ec", script),
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "CORRIDOR_DATA": str(demo.data)},
    )
    try:
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
