"""The ground-truth log of the simulator: what state each machine was in, and which pieces it made, to the nanosecond.

It is written from the simulation itself, never from messages, so that indicators computed from messages can be compared
with it. The file is JSON Lines, append-only:

    {"is":"state","at":1764000000000000000,"asset":"sheffield/machining/line-1/mill-1","state":"running","reason":""}
    {"is":"piece","at":1764000420000000000,"asset":"…/mill-1","product":"hinge-bracket","fate":"good"}
    {"is":"fault","at":1764000421000000000,"asset":"…/mill-1","reason":"spindle-bearing","signal":"vibration","phase":"onset","left_s":64800.0}
    {"is":"supply","at":1764000421000000000,"asset":"…/mill-1","flow":"lug-castings","batch":"lug-castings-251124-02","fault":"bad","phase":"onset"}
    {"is":"until","at":1764000421000000000}

The last kind guarantees that everything before its instant is written. Of two states of a machine at one instant the
later line counts, and a line may occur twice: after a crash the last lines are written again.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

import msgspec

from broker import private_files
from broker.contract.events import NS_PER_S, State
from edge.simulation.event_buffer import GroundTruth, TrueFault, TruePiece, TrueState, TrueSupply

FILE_NAME: Final = "truth.jsonl"
TAKEN_OVER: Final = "taken-over"
"""Why a machine's true state is unknown while a real device publishes for it."""
_UNTIL_EVERY_NS: Final = 60 * NS_PER_S
_log = logging.getLogger(__name__)


class Until(msgspec.Struct, frozen=True, tag_field="is", tag="until"):
    """Everything before `at` is written."""

    at: int


class Budget(msgspec.Struct, frozen=True):
    """What a machine really did in a time range.

    Attributes:
        states: nanoseconds in each state; together they are the whole range, for what the log does not cover is
            `unknown`.
        pieces: counts of the pieces that were finished in the range: its start excluded, its end included.
    """

    states: dict[State, int]
    pieces: dict[str, int]


class GroundTruthLog:
    """Writes the log; used in a `with`.

    Args:
        path: the file; None to write no log.

    Raises:
        OSError: the file cannot be opened or written.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._until = 0
        self._is_torn = False
        self._encoder = msgspec.json.Encoder()

    def __enter__(self) -> Self:
        if self._path is None:
            return self
        private_files.make_folder(self._path.parent)
        private_files.make_file(self._path)
        _repair_last_line(self._path)
        self._file = self._path.open("ab", buffering=0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def append(self, truth: Sequence[GroundTruth], until: int, *, last: bool = False) -> None:
        """Write what is true, and now and then (or if it is the `last`) that all before `until` is written."""
        if self._file is None:
            return
        lines: list[GroundTruth | Until] = list(truth)
        if last or until - self._until >= _UNTIL_EVERY_NS:
            lines.append(Until(until))
            self._until = until
        if lines:
            # A line that a full disk has cut is ended first; an empty line means nothing.
            left = (b"\n" if self._is_torn else b"") + self._encoder.encode_lines(lines)
            self._is_torn = True
            while left:
                left = left[self._file.write(left) :]
            self._is_torn = False


def offline(assets: Iterable[str], at: int) -> list[GroundTruth]:
    """Return the ground truth of machines that went offline at an instant: their state is unknown from then on."""
    return [TrueState(at, asset, "unknown", "offline") for asset in assets]


def taken_over(assets: Iterable[str], at: int) -> list[GroundTruth]:
    """Return the ground truth of machines for which real devices publish from an instant on."""
    return [TrueState(at, asset, "unknown", TAKEN_OVER) for asset in assets]


def read(path: Path) -> Iterator[GroundTruth | Until]:
    """Return the lines of a log; one that does not parse (a crash cut it) is left out, with a warning.

    Raises:
        OSError: the file cannot be read.
    """
    decoder = msgspec.json.Decoder(TrueState | TruePiece | TrueFault | TrueSupply | Until)
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line == b"\n":
                continue
            try:
                yield decoder.decode(line)
            except msgspec.MsgspecError:
                _log.warning("%s:%d is not a line of the truth log; left out", path, number)


def covered(path: Path) -> tuple[int, int]:
    """Return the first and the last instant that the log covers; (0, 0) for an empty one."""
    first, last = 0, 0
    for line in read(path):
        first = first or line.at
        last = max(last, line.at)
    return first, last


def budgets(lines: Iterable[GroundTruth | Until], start: int, end: int) -> dict[str, Budget]:
    """Return what each machine really did in [start, end), exactly.

    Args:
        lines: of a log, in its order.
        start: first instant, nanoseconds since 1970-01-01 UTC.
        end: the instant after the last.
    """
    changes: dict[str, dict[int, State]] = {}
    pieces: dict[str, dict[int, TruePiece]] = {}
    for line in lines:
        if isinstance(line, TrueState):
            changes.setdefault(line.asset, {})[line.at] = line.state
        elif isinstance(line, TruePiece) and start < line.at <= end:
            pieces.setdefault(line.asset, {})[line.at] = line
    return {
        asset: Budget(_states(entered, start, end), _pieces(pieces.get(asset, {}).values()))
        for asset, entered in sorted(changes.items())
    }


def published_by_devices(lines: Iterable[GroundTruth | Until], start: int, end: int) -> frozenset[str]:
    """Return the machines for which devices published at some time of start ≤ t ≤ end."""
    present: set[str] = set()
    found: set[str] = set()
    for line in sorted((line for line in lines if isinstance(line, TrueState)), key=lambda line: line.at):
        if line.at > end:
            break
        if line.at > start:
            found |= present
        if line.reason == TAKEN_OVER:
            present.add(line.asset)
        else:
            present.discard(line.asset)
    return frozenset(found | present)


def _states(changes: dict[int, State], start: int, end: int) -> dict[State, int]:
    spent: dict[State, int] = {}
    state: State = "unknown"
    at = start
    for when, entered in [*sorted(changes.items()), (end, state)]:
        until = min(max(when, start), end)
        if until > at:
            spent[state] = spent.get(state, 0) + until - at
            at = until
        state = entered
    return spent


def _pieces(made: Iterable[TruePiece]) -> dict[str, int]:
    found = list(made)
    return {
        "produced": len(found),
        "good": sum(piece.fate == "good" for piece in found),
        "scrap": sum(piece.fate == "scrap" for piece in found),
        "rework": sum(piece.fate == "rework" for piece in found),
        "startup_scrap": sum(piece.startup for piece in found),
    }


def _repair_last_line(path: Path) -> None:
    """End a line that a crash has cut, so that what is appended starts on a line of its own."""
    if not path.exists() or not path.stat().st_size:
        return
    with path.open("rb+") as file:
        file.seek(-1, 2)
        if file.read(1) != b"\n":
            file.write(b"\n")
