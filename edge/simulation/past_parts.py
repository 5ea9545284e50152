"""A past that is simulated in parts, each in a folder of its own beside the others, until all are whole and are joined.

In the simulator's data folder, as long as it is not whole:

    past-parts/parts.json   which lines and shared machines each part has
    past-parts/0/           its checkpoint and its ground truth, as a simulator stores them
    past-parts/1/           …
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from broker import private_files
from edge.simulation import ground_truth, saved
from edge.simulation.planning.parts import Part
from edge.simulation.saved import Saved
from edge.simulation.simulation import Checkpoint

_FOLDER: Final = "past-parts"
_FILE: Final = "parts.json"


def begin(data: Path, parts: Sequence[Part]) -> None:
    """Record which parts a past is simulated in.

    Raises:
        OSError: the folder cannot be written.
    """
    for number in range(len(parts)):
        private_files.make_folder(folder_of(data, number))
    private_files.replace(data / _FOLDER / _FILE, msgspec.json.encode([sorted(part) for part in parts]))


def unfinished(data: Path) -> list[Part]:
    """Return the parts of a past that was begun and is not whole; none where there is none."""
    if (data / saved.CHECKPOINT_FILE).exists():
        return []
    try:
        found = msgspec.json.decode((data / _FOLDER / _FILE).read_bytes(), type=list[frozenset[str]])
    except (FileNotFoundError, msgspec.MsgspecError):
        return []
    return [frozenset(part) for part in found]


def folder_of(data: Path, number: int) -> Path:
    """Return the folder of a part."""
    return data / _FOLDER / str(number)


def join(data: Path, parts: Sequence[Part]) -> Saved | None:
    """Join the parts into checkpoint and ground truth of the whole, and return what is stored of it.

    A part that has not begun is left out; None where none has. Interrupted, it can be done again.

    Raises:
        OSError: the folder cannot be read or written.
    """
    found = {number: part for number in range(len(parts)) if (part := saved.read(folder_of(data, number)))}
    whole = _joined(list(found.values())) if found else None
    if whole is not None:
        _join_ground_truth(data, [folder_of(data, number) for number in found])
        saved.write(data, whole)
    shutil.rmtree(data / _FOLDER)
    return whole


def _joined(parts: Sequence[Saved]) -> Saved:
    whole = Checkpoint(max(one.checkpoint.at for one in parts), parts[0].checkpoint.epoch, {})
    for one in parts:
        whole.lines |= one.checkpoint.lines
        whole.shared |= one.checkpoint.shared
        whole.flows |= one.checkpoint.flows
    truth = [line for one in parts for line in one.truth]
    past = [event for one in parts for event in saved.events_of(one.past)]
    return Saved(whole, [], truth, past=saved.by_kind(past))


def _join_ground_truth(data: Path, folders: Sequence[Path]) -> None:
    """Put the logs one behind the other: only of one machine's lines does the order matter."""
    target = data / ground_truth.FILE_NAME
    fresh = target.with_suffix(".new")
    private_files.write(fresh, b"")
    with fresh.open("ab") as file:
        for folder in folders:
            with (folder / ground_truth.FILE_NAME).open("rb") as log:
                shutil.copyfileobj(log, file, 1 << 20)
    fresh.replace(target)
