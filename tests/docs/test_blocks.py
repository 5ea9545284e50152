"""Every block of a page that is copied into a shell is run as printed, or stands in `EXCUSED` with the reason."""

import contextlib
import gzip
import re
import time
from fnmatch import fnmatch
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from broker.server.embedded import EmbeddedBroker
from cli.site.staging import pages
from edge.dialects import DIALECTS
from tests.docs.printed import Block, Shell, blocks
from tests.docs.reference.dialect_pages import MAPPINGS
from tests.stack.running import ROOT, free_port
from tests.store.influx.influxd import Influxd


class Excuse(NamedTuple):
    """Why a block is not run here, and the test that runs it elsewhere, if there is one."""

    why: str
    test: str = ""


DOCKER: Final = "needs Docker"
ROOT_USER: Final = "changes the computer, as root"
STACK: Final = "tests/docs/how_to/test_run_the_stack.py::test_its_commands_do_what_they_say"
BACKUP: Final = "tests/docs/how_to/test_backup_and_restore.py::"
INFLUX: Final = "tests/docs/how_to/test_use_your_influxdb.py::test_the_commands_that_set_it_up_do"
COPIES: Final = "tests/stack/test_compose.py::test_a_copy_of_the_volumes_is_put_back"
UNITS: Final = "tests/deploy/test_systemd.py::test_what_the_units_start_stores_a_message_and_shows_it"
GRAFANA: Final = "tests/dashboards/test_pushing.py::test_the_commands_push_and_pull"
EXCUSED: Final[dict[tuple[str, str], Excuse]] = {
    ("*.md", "./corridor test"): Excuse("it runs this test", "tests/cli/develop/test_checks.py"),
    ("docs/how-to/backup-and-restore.md", "docker compose *"): Excuse(DOCKER, COPIES),
    ("docs/how-to/backup-and-restore.md", "cp -p backup/.env ."): Excuse(DOCKER, COPIES),
    ("docs/how-to/backup-and-restore.md", "influxd *"): Excuse(
        "needs an InfluxDB", f"{BACKUP}test_an_influxdb_1_is_copied_and_put_back"
    ),
    ("docs/how-to/backup-and-restore.md", "./corridor store init *"): Excuse(
        "needs an InfluxDB", f"{BACKUP}test_an_influxdb_1_with_passwords_lets_the_services_in_again_after_a_restore"
    ),
    ("docs/how-to/describe-your-plant.md", "*"): Excuse(
        "needs the file that it describes", "tests/docs/how_to/test_describe_your_plant.py"
    ),
    ("docs/how-to/follow-a-part.md", "*"): Excuse(
        "needs the parts that its test makes", "tests/docs/how_to/test_follow_a_part.py"
    ),
    ("docs/how-to/grafana.md", "export CORRIDOR_GRAFANA_TOKEN=*"): Excuse("needs a Grafana", GRAFANA),
    ("docs/how-to/grafana.md", "./corridor dashboards push --from *"): Excuse(
        "needs a Grafana",
        "tests/dashboards/test_pushing.py::test_the_pages_of_another_plant_are_pushed_from_the_folder_in_which_they_were_built",
    ),
    ("docs/how-to/grafana.md", "./corridor dashboards pull *"): Excuse("needs a Grafana", GRAFANA),
    ("docs/how-to/homeassistant.md", "*"): Excuse(
        "needs Home Assistant's broker",
        "tests/edge/gateways/test_homeassistant.py::test_a_fresh_reader_finds_a_device_with_all_its_values",
    ),
    ("docs/how-to/kiosk.md", "chromium --kiosk *"): Excuse("needs a screen"),
    ("docs/how-to/kiosk.md", "chromium --headless *"): Excuse(
        "needs a browser", "tests/wall/browser/test_at_load.py::test_the_page_on_paper_prints_as_the_manual_says"
    ),
    ("docs/how-to/mtconnect-agent.md", "*"): Excuse(
        "needs an agent",
        "tests/edge/gateways/test_mtconnect.py::test_what_an_agent_observes_is_what_the_machine_reports",
    ),
    ("docs/how-to/platforms.md", "*"): Excuse("is for another computer than that of the tests"),
    ("docs/how-to/run-the-stack.md", "./corridor stack init*"): Excuse(DOCKER, STACK),
    ("docs/how-to/run-the-stack.md", "./corridor device list *"): Excuse(
        DOCKER, "tests/cli/onboarding/test_device_add.py"
    ),
    ("docs/how-to/run-the-stack.md", "COMPOSE_PROFILES=*"): Excuse(
        "lines of .env", "tests/docs/how_to/test_run_the_stack.py::test_what_it_names_is_there"
    ),
    ("docs/how-to/run-the-stack.md", "./corridor dashboards build *"): Excuse(
        "names a plant of the reader's",
        "tests/dashboards/test_pushing.py::test_the_pages_of_another_plant_are_pushed_from_the_folder_in_which_they_were_built",
    ),
    ("docs/how-to/run-the-stack.md", "CORRIDOR_GATEWAY_*"): Excuse(
        "lines of .env", "tests/docs/how_to/test_run_the_stack.py::test_what_it_names_is_there"
    ),
    ("docs/how-to/*.md", "git pull"): Excuse("fetches another version"),
    ("docs/how-to/run-without-docker.md", "apt install *"): Excuse(ROOT_USER),
    ("docs/how-to/run-without-docker.md", "mosquitto_passwd *"): Excuse(ROOT_USER, UNITS),
    ("docs/how-to/run-without-docker.md", "install *"): Excuse(ROOT_USER, UNITS),
    ("docs/how-to/secure-it.md", "cp deploy/nginx/*"): Excuse(
        ROOT_USER, "tests/deploy/test_nginx.py::test_pages_and_the_stream_pass_by_https"
    ),
    ("docs/how-to/use-your-influxdb.md", "./corridor store init *"): Excuse("needs an administrator's account", INFLUX),
    ("examples/README.md", "*"): Excuse("a demo and an example", "tests/examples/test_examples.py"),
}
"""Page and first line of the blocks that are not run here, as patterns."""
PROMISES: Final = re.compile(r"`(OEE \d+\.\d%)`")
CONNECT: Final = tuple(f"docs/how-to/connect/{name}.md" for name in sorted(DIALECTS.keys() - MAPPINGS.keys()))
WALKS: Final[dict[str, tuple[str, ...]]] = {
    "start": ("README.md", "docs/how-to/retire-a-machine.md"),
    "device": ("docs/how-to/plug-in-a-device.md",),
    "tutorial": ("docs/tutorials/first-shift.md",),
    "data": (
        "./corridor demo",
        "docs/reference/http.md",
        "docs/how-to/monitor-corridor.md",
        "stop demo",
        "docs/reference/plant-file.md",
        "docs/how-to/backup-and-restore.md",
        "docs/how-to/upgrade.md",
        "docs/how-to/recompute-and-export.md",
        "docs/how-to/grafana.md",
        "./corridor demo",
        "docs/explanation/simulated-machines.md",
        "docs/how-to/book-pieces-by-hand.md",
    ),
}
"""What someone does one after another, in one folder: pages, and between them what they take for granted."""
SERVICES: Final = ("docs/reference/metrics.md", "docs/how-to/sizing.md")
ON_INFLUXDB: Final = "docs/how-to/use-your-influxdb.md"
ELSEWHERE: Final = {"docs/how-to/connect-a-plc.md", *(f"docs/how-to/connect/{name}.md" for name in MAPPINGS)}
"""Pages whose blocks need a device: `tests/docs/how_to/test_connect_a_plc.py` has one of each."""


def of(page: str) -> list[Block]:
    """Return the blocks of a page that are run."""
    return [block for block in blocks(page, (ROOT / page).read_text("utf-8")) if excuse(block) is None]


def excuse(block: Block) -> Excuse | None:
    return next(
        (each for (page, first), each in EXCUSED.items() if fnmatch(block.page, page) and fnmatch(block.first, first)),
        None,
    )


def left_out(found: list[str]) -> list[str]:
    """Return the pages that have blocks which nothing runs."""
    run = {page for walk in WALKS.values() for page in walk} | {*SERVICES, ON_INFLUXDB, *CONNECT, *ELSEWHERE}
    return [page for page in found if page not in run and of(page)]


def test_every_block_is_run_or_excused() -> None:
    assert left_out([page for page in pages(ROOT) if page != "CHANGELOG.md"]) == []


def test_a_new_page_with_a_block_is_one_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "fence.md": "# New\n\n```sh\n./corridor demo\n```\n",
        "indented.md": "# New\n\n    ./corridor demo\n",
        "item.md": "# New\n\n- so:\n\n  ```sh\n  ls\n  ```\n",
        "none.md": "# New\n\n```json\n{}\n```\n\n    corridor/v1/a\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.setattr("tests.docs.test_blocks.ROOT", tmp_path)
    assert left_out(list(texts)) == ["fence.md", "indented.md", "item.md"]


def test_every_excuse_is_of_a_block_that_is_there_and_its_test_is_one() -> None:
    printed = [block for page in pages(ROOT) for block in blocks(page, (ROOT / page).read_text("utf-8"))]
    used = {excuse(block) for block in printed}
    assert [each for each in EXCUSED.values() if each not in used] == []
    for each in EXCUSED.values():
        file, _, name = each.test.partition("::")
        assert not file or f"def {name}" in (ROOT / file).read_text("utf-8"), each.test


def test_no_block_has_a_time_that_grows_old() -> None:
    printed = [block for page in pages(ROOT) for block in blocks(page, (ROOT / page).read_text("utf-8"))]
    old = [block for block in printed if re.search(r"\b20\d\d-\d\d-\d\dT|\b1[6-9]\d{11}\b", block.text)]
    assert {block.page for block in old if "mazak" not in block.text} == set()


def promised(page: str) -> str:
    """Return what `kpi show` prints on a page, by its text."""
    found = PROMISES.findall((ROOT / page).read_text("utf-8"))
    return found[0] if found else ""


@pytest.mark.mosquitto
@pytest.mark.parametrize(
    "walk", [name if name == "tutorial" else pytest.param(name, marks=pytest.mark.slow) for name in WALKS]
)
@pytest.mark.timeout(600)
async def test_the_blocks_of_pages_in_their_order_give_the_numbers_that_they_promise(tmp_path: Path, walk: str) -> None:
    prepare(tmp_path)
    async with Shell(tmp_path) as shell:
        for step in WALKS[walk]:
            if step.startswith("stop "):
                await shell.stop(step.removeprefix("stop "))
            elif not step.endswith(".md"):
                await shell.run(step)
            else:
                for block in of(step):
                    await shell.run(block.text, promised(step))


def prepare(folder: Path) -> None:
    """Write the files that pages ask the reader to save, or take for granted."""
    tutorial = (ROOT / "docs/tutorials/first-shift.md").read_text("utf-8")
    (plant,) = re.findall(r"^```toml\n(.*?)^```", tutorial, re.DOTALL | re.MULTILINE)
    (folder / "my-plant.toml").write_text(plant, "utf-8")
    lines = ["2016-05-03T05:00:01Z|avail|AVAILABLE", "2016-05-03T05:00:02Z|execution|ACTIVE"]
    lines += ["2016-05-03T23:00:00Z|execution|READY"]
    with gzip.open(folder / "Mazak03-20160503-20160504.txt.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


@pytest.mark.mosquitto
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_services_start_as_printed(tmp_path: Path) -> None:
    async with Shell(tmp_path, {"9101": str(free_port())}) as shell, broker(tmp_path, shell):
        for page in SERVICES:
            for block in of(page):
                await shell.run(block.text)


@pytest.mark.mosquitto
@pytest.mark.influx
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_services_on_an_influxdb_start_as_printed(tmp_path: Path) -> None:
    server = Influxd(tmp_path / "influxd")
    try:
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets" / "store").write_text(server.make_store(f"corridor-{time.time_ns()}"), "utf-8")
        async with Shell(tmp_path) as shell, broker(tmp_path, shell):
            for block in of(ON_INFLUXDB):
                await shell.run(block.text)
    finally:
        server.kill()


@pytest.mark.mosquitto
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_every_gateway_starts_as_printed(tmp_path: Path) -> None:
    async with Shell(tmp_path) as shell, broker(tmp_path, shell):
        for page in CONNECT:
            (block,) = of(page)
            await shell.run(block.text)


def broker(folder: Path, shell: Shell) -> contextlib.AbstractAsyncContextManager[EmbeddedBroker]:
    """Return a Mosquitto at the shell's port."""
    return EmbeddedBroker(folder / "broker", port=shell.mqtt_port, kind="mosquitto")
