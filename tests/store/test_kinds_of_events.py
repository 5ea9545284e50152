"""What the engines make of the table of kinds: names that users rely on, and a kind that is new in it."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from services.query.export.exporting import EVENTS
from services.store.influx import events as influx_events
from services.store.influx.lines import series
from services.store.opening import default_url, open_store
from services.store.sqlite.schema import STEPS, views
from tests.store.test_store import ONE_OF_EACH

ROOT = Path(__file__).resolve().parents[2]
STORED = Path(__file__).parent / "stored"
"""What is stored, as files: their names, types and order are relied on from outside, and change only by adding."""


def test_the_tables_of_sqlite_are_as_they_were() -> None:
    made = [statement for step in STEPS for statement in step() if not statement.startswith("INSERT INTO note")]
    text = "".join(f"{statement}\n" for statement in [*made, *views().values()])
    assert text == (STORED / "sqlite.sql").read_text("utf-8")


def test_the_points_of_influxdb_are_as_they_were() -> None:
    text = ""
    for event in ONE_OF_EACH:
        form = influx_events.FORMS[event.kind]
        text += f"{series(form.measurement, influx_events.tags_of(event))} {form.fields(event)}\n"
    assert text == (STORED / "influxdb.txt").read_text("utf-8")


def test_the_sheets_are_as_they_were() -> None:
    text = "".join(
        f"{name}: {', '.join(f'{column.name} {column.type}' for column in form.columns)}\n"
        for name, form in EVENTS.items()
    )
    assert text == (STORED / "sheets.txt").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.influx
async def test_a_kind_that_is_new_in_the_table_goes_all_the_way(tmp_path: Path, influx_url: str) -> None:
    urls = [default_url(tmp_path), influx_url]
    for url in urls:  # made when nobody knew the kind
        await (await open_store(url)).close()
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.store.imaginary_kind", *urls, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        out, _ = await program.communicate()
    assert program.returncode == 0
    columns = ["time", "site", "area", "line", "machine", "simulated"]
    columns += ["gate", "weight", "height", "order", "is_sealed"]
    place = [1_764_158_400_000_000_000, "sheffield", "machining", "line-1", "mill-2", False]
    assert json.loads(out) == {
        "problem": "order 'two\\nlines' has a control character, U+000A; send one line of plain text",
        "encoded": [True, {"weight": 12.5, "order": "wo-1", "is_sealed": True}],
        "schema": [
            "corridor/v1/<site>/<area>/<line>/<machine>/pallet/<gate>",
            ["height", "is_sealed", "order", "quality", "simulated", "stale", "ts", "weight"],
        ],
        "filter": ["corridor/v1/+/+/+/+/pallet/+"],
        "for kpi": True,
        "stored": [True, True],
        "sheets": [[columns, [*place, "east", 12.5, None, "wo-1", True]]] * 2,
    }
