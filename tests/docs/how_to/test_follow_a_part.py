"""The how-to on following a part: its messages and commands answer as it says, its words are those of the wall."""

import asyncio
import json
import re
import shlex
from pathlib import Path

from broker.contract import codec
from broker.contract.events import NS_PER_S
from broker.contract.message import Message
from broker.plant.plant_file import parse
from services.store.interface import Batch
from services.store.sqlite.store import SqliteStore
from tests.cli.conftest import Corridor
from tests.cli.conftest import corridor as corridor  # noqa: PLC0414  (a fixture)

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/how-to/follow-a-part.md").read_text("utf-8")
WORDS = (ROOT / "services/wall/static/words.js").read_text("utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [shlex.split(line) for language, text in BLOCKS if language == "sh" for line in text.splitlines()]
NOON = 1_795_608_000 * NS_PER_S


async def store_what_is_published(folder: Path) -> int:
    """Store what the page publishes, a minute apart; return how many messages that were."""
    store = await SqliteStore.open(folder / "corridor.db")
    sent = [command for command in COMMANDS if command[0] == "mosquitto_pub"]
    for place, command in enumerate(sent):
        topic, payload = command[command.index("-t") + 1], command[command.index("-m") + 1]
        received = Message(topic, payload.encode(), received_at=NOON + place * 60 * NS_PER_S)
        await store.write(Batch(events=codec.decode(received)))
    await store.close()
    return len(sent)


def test_the_commands_print_what_the_page_says(corridor: Corridor, tmp_path: Path) -> None:
    assert asyncio.run(store_what_is_published(tmp_path)) == 3
    part, batch = (command[1:] for command in COMMANDS if command[0] == "corridor")
    status, shown, _ = corridor(*part)
    assert status == 0
    for expected in ("saw-1", "cmm-1", "bore 12.34 mm (beyond its limits)", "made from batch heat-7"):
        assert expected in shown
    (record,) = json.loads(corridor(*part, "--json")[1])["parts"]
    assert (record["result"], [step["asset"].rpartition("/")[2] for step in record["steps"]]) == (
        *("scrap", ["saw-1", "cmm-1"]),
    )
    affected = json.loads(corridor(*batch, "--json")[1])["affects"]
    assert [one["serial"] for one in affected] == ["SN-1"]


def test_the_flow_of_the_page_is_one_of_a_plant_with_its_lines() -> None:
    (text,) = (text for language, text in BLOCKS if language == "toml")
    lines = [line for line in re.findall(r'"([\w/-]+)"', text) if line.count("/") == 2]
    assets = "".join(f'[asset."{line}"]\n' for line in lines)
    (flow,) = parse(text + assets, "page").material_flows.values()
    assert (flow.supplier, flow.customer) == tuple(lines)
    assert f"`{flow.name}-`" in PAGE


def test_the_words_in_italics_are_those_of_the_wall() -> None:
    shown = {
        *("Parts", "Find", "Machines that it passed", "Where it came from", "Where it went", "Newest parts"),
        *("Parts that it affects", "Map"),
    }
    assert {text for text in shown if f"*{text}*" not in PAGE or f"'{text}'" not in WORDS} == set()
    assert "*Nothing is known of …*" in PAGE
    assert "'Nothing is known of {0}'" in WORDS
