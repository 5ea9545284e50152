"""A file of lines, plain or packed with gzip, that is read without holding it in memory."""

import gzip
from pathlib import Path
from typing import IO, Final, Self

_GZIP: Final = b"\x1f\x8b"


class LineFile:
    """An open file of lines. Use it as a context.

    Args:
        path: the file; its first bytes show whether it is packed.

    Attributes:
        path: the file.
        size: of the file, bytes.
        lines: its lines, unpacked.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] = path.open("rb")
        self.size = path.stat().st_size
        packed = self._file.read(2) == _GZIP
        self._file.seek(0)
        self.lines: IO[bytes] | gzip.GzipFile = gzip.GzipFile(fileobj=self._file) if packed else self._file

    @property
    def position(self) -> int:
        """How much of `size` has been read, bytes."""
        return self._file.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.lines.close()
        self._file.close()
