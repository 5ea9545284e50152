"""A spool: publications that wait on disk until their target has them, first in, first out.

It is a folder of segments, each a file of records that is only appended to:

    mark (4 bytes)  CRC-32 of the body (4)  length of the body (4)  body: a publication in MessagePack

A file `released` has the place up to which the target has everything; segments before it are removed. The spool is
bounded: when it is full, its oldest segment is dropped, and counted. What is damaged is skipped up to the next record
that is whole, and counted. A record survives the end of the process from the moment that `append` returns.
"""

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import IO, Final, NamedTuple

import msgspec

from broker.contract.message import Publication
from broker.private_files import make_folder

MOST_BYTES: Final = 256 * 1024 * 1024
_SEGMENTS: Final = 16
"""The spool is dropped in parts of this share when it is full."""
_MARK: Final = b"\xc0\x22\x1d\x07"
_HEAD: Final = struct.Struct("<4sII")
_LONGEST: Final = 1024 * 1024
_RELEASED: Final = "released"

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Publication)


class Place(NamedTuple):
    """A place in the spool: the number of a segment, and a byte in it."""

    segment: int
    byte: int


class Spool:
    """The spool in a folder.

    Args:
        folder: its own; made if it is not there.
        most_bytes: it holds no more than that, on disk.

    Attributes:
        waiting: publications that are not released.
        dropped: publications that were dropped since it was opened, because it was full.
        damaged: damaged places that were skipped since then.

    Raises:
        OSError: the folder cannot be used.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        make_folder(folder)
        self.dropped = 0
        self.damaged = 0
        self._folder = folder
        self._segment_bytes = max(1, most_bytes // _SEGMENTS)
        self._released = self._read_released()
        self._counts: dict[int, int] = {}
        self._sizes: dict[int, int] = {}
        for number in self._found():
            if number < self._released.segment:
                self._path(number).unlink()
                continue
            start = self._released.byte if number == self._released.segment else 0
            self._counts[number] = sum(1 for _ in self._records(number, start))
            self._sizes[number] = self._path(number).stat().st_size
        self.damaged = 0  # they are met again when they are read
        self.waiting = sum(self._counts.values())
        self._read_to = self._released
        # What a lost process wrote last may be cut off, so that nothing is appended behind it.
        self._current = max([*self._sizes, self._released.segment], default=0) + 1
        self._file = self._path(self._current).open("ab", buffering=0)
        self._counts[self._current] = self._sizes[self._current] = 0

    @property
    def bytes(self) -> int:
        """Its size on disk."""
        return sum(self._sizes.values())

    def append(self, publications: Sequence[Publication]) -> None:
        """Append publications.

        Raises:
            OSError: the disk is full, say; none or a part of them is appended.
        """
        for publication in publications:
            body = _ENCODER.encode(publication)
            record = _HEAD.pack(_MARK, zlib.crc32(body), len(body)) + body
            if self._sizes[self._current] and self._sizes[self._current] + len(record) > self._segment_bytes:
                self._begin_segment()
            self._file.write(record)
            self._sizes[self._current] += len(record)
            self._counts[self._current] += 1
            self.waiting += 1

    def read(self, most: int) -> tuple[list[Publication], Place]:
        """Return the next publications that were not read yet, and the place after them, to release when they are out.

        What was read and not released is read again when the spool is opened the next time.
        """
        found: list[Publication] = []
        for number in sorted(self._sizes):
            if number < self._read_to.segment:
                continue
            start = self._read_to.byte if number == self._read_to.segment else 0
            for publication, end in self._records(number, start):
                found.append(publication)
                self._read_to = Place(number, end)
                if len(found) == most:
                    return found, self._read_to
        return found, self._read_to

    def release(self, place: Place) -> None:
        """Drop everything before a place: the target has it.

        Raises:
            OSError: the disk cannot be written to.
        """
        if place <= self._released:
            return
        for number in [number for number in self._sizes if number < place.segment]:
            self._remove(number)
        if place.segment in self._counts:
            start = self._released.byte if place.segment == self._released.segment else 0
            ends = takewhile(lambda end: end <= place.byte, (end for _, end in self._records(place.segment, start)))
            done = sum(1 for _ in ends)
            self._counts[place.segment] -= done
            self.waiting -= done
        self._released = place
        written = self._folder / f"{_RELEASED}.new"
        written.write_text(f"{place.segment} {place.byte}\n", encoding="ascii")
        written.replace(self._folder / _RELEASED)

    def close(self) -> None:
        """Write all to the disk, and close the file."""
        os.fsync(self._file.fileno())
        self._file.close()

    def _begin_segment(self) -> None:
        os.fsync(self._file.fileno())
        self._file.close()
        self._current += 1
        self._file = self._path(self._current).open("ab", buffering=0)
        self._counts[self._current] = self._sizes[self._current] = 0
        while len(self._sizes) > _SEGMENTS:
            oldest = min(self._sizes)
            self.dropped += self._remove(oldest)
            self._read_to = max(self._read_to, Place(oldest + 1, 0))
            self._released = max(self._released, Place(oldest + 1, 0))

    def _remove(self, number: int) -> int:
        """Remove a segment, and return how many publications waited in it."""
        self._path(number).unlink(missing_ok=True)
        del self._sizes[number]
        waiting = self._counts.pop(number)
        self.waiting -= waiting
        return waiting

    def _records(self, number: int, start: int) -> Iterator[tuple[Publication, int]]:
        """Yield the publications of a segment from a byte on, each with the byte at which it ends."""
        with self._path(number).open("rb") as file:
            while True:
                file.seek(start)
                while len(head := file.read(_HEAD.size)) == _HEAD.size:
                    mark, checksum, length = _HEAD.unpack(head)
                    body = file.read(length) if mark == _MARK and length <= _LONGEST else b""
                    if len(body) != length or zlib.crc32(body) != checksum:
                        break
                    start += _HEAD.size + length
                    yield _DECODER.decode(body), start
                else:
                    return
                self.damaged += 1
                found = _next_mark(file, start + 1)
                if found < 0:
                    return
                start = found

    def _found(self) -> list[int]:
        return sorted(int(file.stem) for file in self._folder.glob("*.spool") if file.stem.isdecimal())

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:012}.spool"

    def _read_released(self) -> Place:
        try:
            segment, byte = (self._folder / _RELEASED).read_text(encoding="ascii").split()
            return Place(int(segment), int(byte))
        except (FileNotFoundError, ValueError):
            return Place(0, 0)


def _next_mark(file: IO[bytes], start: int) -> int:
    """Return the byte of the next record's mark; -1 where there is none."""
    file.seek(start)
    before = b""
    while chunk := file.read(64 * 1024):
        place = (before + chunk).find(_MARK)
        if place >= 0:
            return start + place
        before = chunk[-3:]
        start = file.tell() - len(before)
    return -1
