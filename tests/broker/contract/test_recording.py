import base64
import gzip
import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.contract.events import NS_PER_MS
from broker.contract.message import Message
from broker.contract.recordings.recording import LONGEST_LINE, Recording, RecordingError, from_line, to_line

STATE = Message(
    "corridor/v1/a/b/c/d/state", b'{"state":"running"}', 1, retained=True, received_at=1_732_420_800_123_000_000
)


def write(path: Path, messages: list[Message]) -> Path:
    data = b"".join(map(to_line, messages))
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def test_a_line_has_the_form_of_the_contract() -> None:
    assert json.loads(to_line(STATE)) == {
        "at": 1_732_420_800_123,
        "topic": "corridor/v1/a/b/c/d/state",
        "payload": '{"state":"running"}',
        "qos": 1,
        "retained": True,
    }


def test_a_payload_that_is_not_utf_8_is_recorded_too() -> None:
    line = to_line(Message("t", b"\xff\x00", 0))
    assert json.loads(line)["payload"] == {"base64": base64.b64encode(b"\xff\x00").decode()}
    assert from_line(line).payload == b"\xff\x00"


@given(
    topic=st.text(st.characters(exclude_categories=["Cs"])),
    payload=st.binary() | st.text(st.characters(exclude_categories=["Cs"])).map(str.encode),
    qos=st.integers(0, 2),
    retained=st.booleans(),
    at=st.integers(-(10**12), 10**13),
)
def test_every_message_survives(topic: str, payload: bytes, qos: int, retained: bool, at: int) -> None:
    message = Message(topic, payload, qos, retained, at * NS_PER_MS)
    line = to_line(message)
    assert line.count(b"\n") == 1
    assert from_line(line) == message


def test_user_properties_are_recorded_where_there_are_some() -> None:
    message = Message("a/b", b"1", received_at=NS_PER_MS, properties=(("Unit", "mm"), ("Unit", "µm")))
    line = to_line(message)
    assert b'"properties":[["Unit","mm"],["Unit","\xc2\xb5m"]]' in line
    assert from_line(line) == message


def test_unknown_fields_are_ignored_and_some_may_be_missing() -> None:
    message = from_line(b'{"at":"2024-11-24T04:00:00.123456789Z","topic":"t","payload":"1","note":{}}')
    assert message == Message("t", b"1", received_at=1_732_420_800_123_456_789)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"topic":"t","payload":"1"}',
        b'{"at":1,"payload":"1"}',
        b'{"at":1,"topic":"t","payload":1}',
        b'{"at":1,"topic":"t","payload":{"base64":"!"}}',
        b'{"at":1,"topic":"t","payload":"\xff"}',
        b'{"at":"now","topic":"t","payload":"1"}',
        b'{"at":1e300,"topic":"t","payload":"1"}',
        b'{"at":1,"topic":"t","payload":"1","qos":3}',
    ],
)
def test_what_is_not_a_line_is_rejected_with_the_form_of_one(line: bytes) -> None:
    with pytest.raises(RecordingError, match="a line is"):
        from_line(line)


@given(st.binary())
def test_any_bytes_are_read_or_rejected(line: bytes) -> None:
    with suppress(RecordingError):
        assert isinstance(from_line(line), Message)


@pytest.mark.parametrize("name", ["shift.jsonl", "shift.jsonl.gz", "packed-or-not.gz"])
def test_a_file_is_read_packed_or_not(tmp_path: Path, name: str) -> None:
    messages = [STATE, Message("t", b"\xff", received_at=0), STATE]
    with Recording(write(tmp_path / name, messages)) as recording:
        assert list(recording) == messages
        assert recording.position == recording.size > 0


def test_empty_lines_and_a_missing_end_of_line_are_borne(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"\n" + to_line(STATE) + b"\r\n" + to_line(STATE).rstrip())
    with Recording(file) as recording:
        assert list(recording) == [STATE, STATE]


def test_an_empty_file_is_a_recording_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").touch()
    with Recording(tmp_path / "a.jsonl") as recording:
        assert list(recording) == []


def problem(file: Path) -> str:
    with Recording(file) as recording, pytest.raises(RecordingError) as caught:
        list(recording)
    return str(caught.value)


def test_a_wrong_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(to_line(STATE) + b"<<<<<<< HEAD\n" + to_line(STATE))
    assert problem(file).startswith(f"{file}:2: ")


def test_a_truncated_recording_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(to_line(STATE) + to_line(STATE)[:-9])
    assert problem(file) == f"{file}:2: the last line is cut off; remove it"


def test_a_truncated_packed_recording_is_reported(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl.gz", [STATE])
    file.write_bytes(file.read_bytes()[:-12])
    assert problem(file).startswith(f"{file}: damaged after line ")


def test_damage_in_a_packed_recording_is_reported(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl.gz", [STATE] * 1000)
    data = bytearray(file.read_bytes())
    data[30:60] = bytes(30)
    file.write_bytes(data)
    assert str(file) in problem(file)


def test_a_file_without_lines_is_not_read_into_memory_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    with file.open("wb") as out:
        out.truncate(LONGEST_LINE + 1)
    assert "the line is longer than" in problem(file)
