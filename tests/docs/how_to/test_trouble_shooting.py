"""The page on trouble: the reasons and notes that it quotes are those that the program has."""

import re
import shlex
from pathlib import Path

import pytest

from broker.contract.events import StateChange
from cli.main import COMMANDS
from services.ledger.fields import from_units
from services.ledger.indicators.indicators import evaluate
from services.ledger.indicators.warnings import data_quality_warnings
from services.store.interface import Batch, StoreError
from services.store.sqlite.store import SqliteStore
from tests.cli.conftest import Corridor
from tests.cli.conftest import corridor as corridor  # noqa: PLC0414  (a fixture)

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/how-to/trouble-shooting.md").read_text("utf-8")
MESSAGES = {
    "site 'My' is not a name": ("corridor/v1/My/shop/line-1/lathe-1/state", "running"),
    "unknown kind 'telemetri'": ("corridor/v1/my/shop/line-1/lathe-1/telemetri", "1"),
    "unknown state 'runing'": ("corridor/v1/my/shop/line-1/lathe-1/state", "runing"),
    "time is 56 years ago": ("corridor/v1/my/shop/line-1/lathe-1/state", '{"ts":1000,"state":"running"}'),
}


@pytest.mark.parametrize("reason", MESSAGES)
def test_a_reason_is_what_check_says(corridor: Corridor, reason: str) -> None:
    assert f"`{reason}`" in PAGE
    assert reason.partition(" years")[0][:-2] in corridor("check", *MESSAGES[reason])[2]


def test_what_it_quotes_of_notes_is_in_them() -> None:
    hours: list[dict[str, float]] = [
        {"running_s": 3_600, "produced": 5, "unrated": 5},
        {"running_s": 3_600, "produced": 5, "ideal_s": 50},
        {"running_s": 3_600, "uncounted_s": 3_600},
        {"unknown_s": 3_600},
    ]
    by_machine = {str(number): from_units(hour) for number, hour in enumerate(hours)}
    reported = " ".join(warning.text for warning in data_quality_warnings(by_machine, {}))
    reported += " ".join(finding.why for finding in evaluate({"off_s": 3_600}).reasons.values())
    table = PAGE.split("| note | do |")[1].split("\n\n")[0]
    quoted = [line.split("|")[1].strip().removesuffix(" …") for line in table.splitlines()[2:]]
    assert len(quoted) >= 4
    assert [note for note in quoted if note not in reported] == []


def test_the_commands_that_it_names_are_there() -> None:
    names = {entry.name for entry in COMMANDS}
    commands = re.findall(r"`\./corridor ([^`]+)`", PAGE)
    assert commands
    for command in commands:
        words = shlex.split(command)
        assert {words[0], " ".join(words[:2])} & names, command


async def test_what_it_quotes_of_a_store_whose_file_is_gone_is_its_error(tmp_path: Path) -> None:
    file = tmp_path / "corridor.db"
    store = await SqliteStore.open(file)
    file.unlink()
    with pytest.raises(StoreError) as caught:
        await store.write(Batch(events=[StateChange(asset="a/b/c/d", at=0, state="down")]))
    await store.close()
    (quoted,) = re.findall(r"^\| `(the file was [^`]+)`", PAGE, re.MULTILINE)
    assert quoted in str(caught.value)
