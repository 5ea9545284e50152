"""The page about the stack: its commands are run, and what it names is there."""

import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml

from broker.server.mosquitto_stack import PROBE, SERVICES
from cli.stack.stack import SECRETS
from tests.cli.conftest import Corridor
from tests.cli.conftest import corridor as corridor  # noqa: PLC0414  (a fixture)

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/how-to/run-the-stack.md").read_text("utf-8")
COMPOSE = (ROOT / "docker-compose.yml").read_text("utf-8")
LINES = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
INITS = sorted({line for line in LINES if line.startswith("./corridor stack init")})


@pytest.mark.skipif(shutil.which("openssl") is None and os.environ.get("CI") != "true", reason="needs openssl")
@pytest.mark.parametrize("line", INITS)
def test_its_commands_do_what_they_say(corridor: Corridor, tmp_path: Path, line: str) -> None:
    words = shlex.split(line)[1:]
    status, _, reported = corridor(*words, "--folder", str(tmp_path))
    assert status == 0, reported


def test_what_it_names_is_there() -> None:
    variables = set(re.findall(r"`?(CORRIDOR_\w*[A-Z])\b", PAGE))
    given = {*SECRETS, *re.findall(r"CORRIDOR_\w*[A-Z]\b", COMPOSE)}
    assert variables <= given
    stack = yaml.safe_load(COMPOSE)
    services = set(stack["services"])
    assert set(re.findall(r"docker compose (?:run --rm|restart|exec|logs) (\S+)", " ".join(LINES))) <= services
    healthy = PAGE.split("## What healthy means")[1].split("\n## ")[0]
    assert set(re.findall(r"`([a-z-]+)`", " ".join(re.findall(r"^\| (`.*?) \|", healthy, re.MULTILINE)))) == services
    volumes = set(re.findall(r"`([a-z]+-(?:data|config|devices|files|access))`", healthy))
    assert volumes == set(stack["volumes"])
    users = PAGE.split("| user | may publish")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", users, re.MULTILINE)) == set(SERVICES)
    assert PROBE in users
