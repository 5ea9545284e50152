"""The page about the contract is held to the types that decode it."""

import re
from pathlib import Path

import msgspec
import pytest

from broker.contract import codec, device_time, payloads, topics, wire_payload
from broker.contract.documents import schema
from broker.contract.entry import Entry
from broker.contract.events import FURTHEST_AHEAD_NS, NS_PER_S, STATES
from broker.contract.kinds import TABLE
from broker.contract.message import Message
from broker.contract.recordings import recording
from broker.contract.topics import KINDS, RETAINED, Kind

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/reference/contract.md").read_text("utf-8")
NOW = 1_795_507_200 * NS_PER_S
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##)", PAGE, re.DOTALL | re.MULTILINE))
kinds = pytest.mark.parametrize("kind", sorted(KINDS))


def rows(text: str, *, under: str) -> list[str]:
    """Return the first column of the table with a heading."""
    table = re.search(rf"^\| {under} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    return re.findall(r"^\| `(\w+)`", table[1], re.MULTILINE) if table else []


def test_every_kind_has_its_section() -> None:
    assert SECTIONS.keys() == KINDS


def listed(entry: Entry) -> str:
    """Return a kind's row in the table of kinds."""
    tail = {"named": f"/<{entry.name}>", "maybe named": f"[/<{entry.name}>]", "not named": ""}[entry.topic]
    stored = f"`{entry.measurement}`" if entry.event else "–"
    columns = ", ".join(f"`{column.name}`" + (f" [{column.unit}]" if column.unit else "") for column in entry.columns)
    retained = "yes" if entry.is_retained else "no"
    cells = f"`{entry.kind}{tail}`", entry.label, retained, entry.stored_by or "–", stored, columns or "–"
    return f"| {' | '.join(cells)} |"


def test_the_table_of_kinds_is_that_of_the_code() -> None:
    table = re.search(r"^## Kinds\n[^|]*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert table
    assert table[1].splitlines()[2:] == [listed(entry) for entry in TABLE.values()]


@kinds
def test_every_field_is_on_the_page_and_no_other(kind: Kind) -> None:
    wire = getattr(payloads, next(iter(schema.schema(kind)["$defs"])))
    own = [name for name in wire.__struct_fields__ if name not in payloads.Reading.__struct_fields__]
    assert rows(SECTIONS[kind], under="field") == own


def test_the_kinds_that_can_be_bad_are_on_the_page() -> None:
    reported = re.search(r"read off a machine \(([^)]*)\)", PAGE)
    assert reported
    wires = {kind: getattr(payloads, next(iter(schema.schema(kind)["$defs"]))) for kind in TABLE}
    assert set(reported[1].split(", ")) == {kind for kind, wire in wires.items() if issubclass(wire, payloads.Reading)}


@kinds
def test_every_example_on_the_page_is_right(kind: Kind) -> None:
    examples = re.findall(r"^    (\S+) +(.+)$", SECTIONS[kind], re.MULTILINE)
    assert examples
    for end, payload in examples:
        came = Message(f"corridor/v1/sheffield/machining/line-1/mill-1/{end}", payload.encode(), received_at=NOW)
        assert codec.decode(came) or codec.decode_kpi(came)


def test_the_states_are_on_the_page() -> None:
    assert tuple(rows(SECTIONS["state"], under="state")) == STATES


def test_the_retained_kinds_and_the_limits_are_those_of_the_code() -> None:
    reported = re.search(r"report a current value \(([^)]*)\)", PAGE)
    assert reported
    assert set(re.findall(r"`(\w+)`", reported[1])) == RETAINED - {"kpi"}
    assert f"{wire_payload.LONGEST_PAYLOAD} bytes" in PAGE
    assert f"{payloads.MOST_VALUES} values" in PAGE
    assert f"At most {payloads.MOST_VALUES}" in SECTIONS["telemetry"]
    assert f"more than {FURTHEST_AHEAD_NS // (60 * NS_PER_S)} minutes ahead" in PAGE
    assert f"more than {device_time.RETENTION_NS // (86_400 * NS_PER_S)} days before" in PAGE
    assert f"`{topics.PREFIX}/{topics.REJECTED}`" in PAGE


def test_the_line_of_a_recording_is_one() -> None:
    line = re.search(r'^    (\{"at".*)$', PAGE, re.MULTILINE)
    assert line
    message = recording.from_line(line[1].encode())
    assert codec.decode(message)
    assert recording.to_line(message).decode().rstrip() == line[1]
    assert rows(PAGE.partition("## Recordings")[2], under="field") == list(
        msgspec.structs.asdict(recording.Line(0, "", ""))
    )
