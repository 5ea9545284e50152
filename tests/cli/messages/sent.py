"""Messages of one machine, and where they are written to."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from broker.contract.events import NS_PER_MS, NS_PER_S
from broker.contract.message import Message
from broker.contract.recordings import recording

NOW = 1_795_507_200 * NS_PER_S
MILL = "sheffield/machining/line-1/mill-1"
NOBODY = "mqtt://127.0.0.1:9"  # the port of `discard`: nobody listens there


def sent(kind: str, payload: str, at_ms: float = 0, **how: Any) -> Message:
    return Message(f"corridor/v1/{MILL}/{kind}", payload.encode(), received_at=NOW + round(at_ms * NS_PER_MS), **how)


def write(file: Path, messages: Sequence[Message]) -> Path:
    file.write_bytes(b"".join(map(recording.to_line, messages)))
    return file
