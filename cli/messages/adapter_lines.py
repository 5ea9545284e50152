"""Files of lines that a machine's MTConnect adapter sent, read as messages, to be replayed as recordings are."""

from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from operator import itemgetter
from pathlib import Path
from typing import Final

from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent
from broker.contract.message import Message
from broker.contract.recordings.line_file import LineFile
from broker.contract.topics import LEVELS, check_asset
from edge.dialects import DIALECTS
from edge.dialects.dialect import Setup
from edge.dialects.shopfloor import shdr

_LONGEST_LINE: Final = 256 * 1024


class FileDialect(StrEnum):
    """What such a file can be written in."""

    SHDR = "shdr"


class AdapterLines(LineFile):
    """An open file of adapter lines; iterating it yields each as a message that came at the time that it has.

    A line without a time (a file may hold anything) came when the one before it did. Lines that are not in order of
    time are put in order first, which takes the memory for all of them.

    Args:
        path: the file; that it is packed with gzip is seen by its first bytes.
        asset: the machine's path.
    """

    def __init__(self, path: Path, asset: str) -> None:
        super().__init__(path)
        self._asset = asset
        self._dialect = DIALECTS[FileDialect.SHDR].make(Setup(asset=asset))

    def __iter__(self) -> Iterator[Message]:
        """Yield the lines, in order of time."""
        first, latest, is_sorted = None, None, True
        for at, _ in self._read(0):
            first = first or at or None
            is_sorted = is_sorted and (latest is None or at >= latest)
            latest = at
        lines = self._read(first or 0)
        for at, line in lines if is_sorted else sorted(lines, key=itemgetter(0)):
            yield Message(f"shdr/{self._asset}", line, received_at=at)

    def read_message(self, message: Message) -> list[AnyEvent]:
        """Return what a line means.

        Raises:
            ContractError: it means nothing; the text is the reason.
        """
        translation = self._dialect.translate(message)
        for rejection in translation.rejections:
            raise rejection
        return list(translation.events)

    def _read(self, at: int) -> Iterator[tuple[int, bytes]]:
        """Yield each line and its time; `at` is that of lines before the first that has one."""
        self.lines.seek(0)
        while line := self.lines.readline(_LONGEST_LINE):
            line = line.rstrip(b"\r\n")
            if not line:
                continue
            with suppress(ContractError):  # the line is rejected when it is validated
                at = shdr.instant(line.partition(b"|")[0].decode("ascii", "replace"))
            yield at, line


def is_machine(asset: str) -> bool:
    """Return whether an asset path is a machine's.

    Raises:
        ContractError: it is no asset path.
    """
    return bool(asset) and check_asset(asset).count("/") == len(LEVELS) - 1
