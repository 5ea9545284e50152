"""Whether the files of an open SQLite store are still the ones that were opened.

SQLite goes on with a file that was deleted, moved away or replaced, and so would every commit, into a file that nobody
will find. Beside the file stand `-wal`, which holds what was committed last, and `-shm`, by which processes share it:
without them another process, or the next start, does not see what was committed.
"""

import contextlib
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from services.store.interface import StoreError

_SIDE_FILES: Final = ("-wal", "-shm")
_HEADER: Final = struct.Struct(">16sH6xI I 60x I")
"""Of a SQLite file: mark, page size, change counter, pages, and the change counter that `pages` goes with."""
_MARK: Final = b"SQLite format 3\0"
_LARGEST_PAGE: Final = 65_536


class FilesChangedError(StoreError):
    """A file of the store is not the one that was opened."""


class Presence:
    """The identity of a store's files, recorded when they are opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _identity(path)
        side_files = [path.with_name(f"{path.name}{end}") for end in _SIDE_FILES]
        self._side_files = {file: found for file in side_files if (found := _identity(file)) is not None}

    @property
    def file_is_same(self) -> bool:
        """Whether the file itself is the one that was opened, whatever stands beside it."""
        return _identity(self._path) == self._file

    def check(self) -> None:
        """Check that all files are the ones that were opened.

        Raises:
            FilesChangedError: one is not.
        """
        found = _identity(self._path)
        if found is None:
            raise missing(self._path)
        if found != self._file:
            raise FilesChangedError(f"{self._path}: another file stands in its place since the store was opened")
        for file, identity in self._side_files.items():
            if _identity(file) != identity:
                raise FilesChangedError(
                    f"{file}: it was removed while the store was open; stop every program that uses {self._path.name}"
                    " before files are moved"
                )

    def put_side_files_aside(self) -> None:
        """Rename what stood beside a file that was replaced: SQLite would write what is in it into the new file."""
        for file, identity in self._side_files.items():
            if _identity(file) == identity:
                with contextlib.suppress(FileNotFoundError):
                    file.replace(file.with_name(f"{file.name}.replaced"))


def missing(path: Path) -> FilesChangedError:
    """Return the error that says that the file is gone."""
    return FilesChangedError(
        f"{path}: the file was deleted or moved away while the store was open, and nothing is stored; put it or a"
        " backup back, and storing goes on, or start the service again for an empty store"
    )


def check_whole(path: Path) -> None:
    """Check that a file that was put in place is there as a whole, not a copy that is still being made.

    Raises:
        StoreError: it is not.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER.size)
        size = path.stat().st_size
    except FileNotFoundError:
        raise missing(path) from None
    except OSError as error:
        raise StoreError(
            f"{path}: the file cannot be read: {error.strerror}; make it readable for this user"
        ) from error
    if len(header) == _HEADER.size:
        mark, page_size, changes, pages, valid_for = _HEADER.unpack(header)
        if mark != _MARK:
            raise StoreError(f"{path}: this is not a SQLite file; put the store or a backup back")
        page_size = _LARGEST_PAGE if page_size == 1 else page_size
        has_wal = path.with_name(f"{path.name}-wal").exists()
        if changes != valid_for or size >= pages * page_size or has_wal:
            return
    raise StoreError(
        f"{path}: the file is not whole: it is still being copied, or was cut off; put the whole file there, or take it"
        " away and start the service again for an empty store"
    )


class SharedLock:
    """A lock that many readers share, or one holder has alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Hold the lock together with others."""
        with self._changed:
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the lock alone: wait for those who hold it, and let nobody else in."""
        with self._changed:
            self._changed.wait_for(lambda: not self._inside)
            yield


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
