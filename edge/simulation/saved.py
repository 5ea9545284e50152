"""What the simulator stores in its data folder, to go on after a restart: the checkpoint file.

It is written before what it describes is published, or stored: so the file also holds the last batch, which may not
have gone out.
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from broker import private_files
from broker.contract.events import AnyEvent
from broker.contract.kinds import TABLE
from edge.simulation.event_buffer import GroundTruth
from edge.simulation.simulation import Checkpoint

CHECKPOINT_FILE: Final = "simulator.json"
_log = logging.getLogger(__name__)


class SavedMessage(msgspec.Struct, frozen=True):
    """A publication in the checkpoint file."""

    topic: str
    payload: str
    retain: bool


class Saved(msgspec.Struct):
    """What is in the checkpoint file.

    Attributes:
        checkpoint: the simulation at the end of its last batch.
        messages: that batch, without telemetry: it may not have reached the broker.
        truth: that batch's ground truth: it may not have reached the log.
        real: the machines that real devices published for.
        past: the same batch of a back-fill, as events by kind: it may not have reached the store.
        is_past_unfinished: whether a back-fill has begun and has not reached its end.
    """

    checkpoint: Checkpoint = msgspec.field(name="memory")  # the key in the files of earlier versions
    messages: list[SavedMessage]
    truth: list[GroundTruth]
    real: list[str] = []
    past: dict[str, msgspec.Raw] = {}
    is_past_unfinished: bool = False


def by_kind(events: Iterable[AnyEvent]) -> dict[str, msgspec.Raw]:
    """Return events as they are saved, samples left out."""
    found: dict[str, list[AnyEvent]] = {}
    for event in events:
        if event.kind != "telemetry":
            found.setdefault(event.kind, []).append(event)
    return {kind: msgspec.Raw(msgspec.json.encode(several)) for kind, several in found.items()}


def events_of(past: dict[str, msgspec.Raw]) -> list[AnyEvent]:
    """Return the events that `by_kind` was given, in order of time."""
    found = [event for kind, raw in past.items() for event in msgspec.json.decode(raw, type=list[TABLE[kind].event])]  # type: ignore[index,misc]  # a kind that is stored has events
    return sorted(found, key=lambda event: event.at)


def write(folder: Path, saved: Saved) -> None:
    """Replace the file in one step.

    Raises:
        OSError: it cannot be written.
    """
    private_files.replace(folder / CHECKPOINT_FILE, msgspec.json.encode(saved))


def read(folder: Path) -> Saved | None:
    """Return what is in the file; None if there is none, or it is not readable as one (which is logged)."""
    path = folder / CHECKPOINT_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Saved)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        _log.warning(
            "%s cannot be read (%s); the simulated machines start as new, their counters from zero", path, error
        )
        return None
