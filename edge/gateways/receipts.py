"""When messages were received first: one that the source delivers again means the same at the same time.

A value without a time of its own has that of its receipt. If the gateway ends, or loses its connection, before the
source has its acknowledgement, the source delivers the message again; with another time it would be another event. So
the receipt of the latest messages is written to a file before anything of them is published.
"""

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from broker.contract.message import Message

MOST: Final = 4_096
"""A source has at most as many messages under way: twice the receive maximum of a session."""
_RECORD: Final = struct.Struct("<QqI")
_LONGEST_FILE: Final = 64 * MOST


class Receipts:
    """The receipts of one source's latest messages of QoS 1.

    Args:
        file: where they are; None for nowhere, then they end with the process.

    Raises:
        OSError: the file cannot be used.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file.open("a+b", buffering=0) if file else None
        self._latest: dict[int, list[int]] = {}
        self._order: list[tuple[int, int]] = []
        if self._file is not None:
            self._file.seek(0)
            data = self._file.read()
            self._file.truncate(len(data) // _RECORD.size * _RECORD.size)
            self._read(data)
        self._again = {key: list(times) for key, times in self._latest.items()}

    def reconnected(self) -> None:
        """The source has a new connection: it delivers again what it has no acknowledgement of."""
        self._again = {key: list(times) for key, times in self._latest.items()}

    def stamped(self, messages: Sequence[Message]) -> list[Message]:
        """Return messages with the time of their first receipt, which is written down.

        Raises:
            OSError: the file cannot be written to.
        """
        found: list[Message] = []
        new = bytearray()
        for message in messages:
            if not message.qos:
                found.append(message)
                continue
            key = _key(message)
            earlier = self._again.get(key) if message.redelivered else None
            if earlier:
                found.append(msgspec.structs.replace(message, received_at=earlier.pop()))
                continue
            found.append(message)
            self._add(key, message.received_at)
            new += _record(key, message.received_at)
        if new and self._file is not None:
            self._file.write(new)
            if self._file.tell() > _LONGEST_FILE:
                self._file.truncate(0)
                self._file.write(b"".join(_record(key, at) for key, at in self._order))
        return found

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _add(self, key: int, at: int) -> None:
        self._latest.setdefault(key, []).append(at)
        self._order.append((key, at))
        if len(self._order) >= 2 * MOST:
            for old, then in self._order[:-MOST]:
                times = self._latest[old]
                times.remove(then)
                if not times:
                    del self._latest[old]
            del self._order[:-MOST]

    def _read(self, data: bytes) -> None:
        """Read what was written; a record that is cut off or damaged is left out."""
        for start in range(0, len(data) - _RECORD.size + 1, _RECORD.size):
            key, at, checksum = _RECORD.unpack_from(data, start)
            if checksum == zlib.crc32(data[start : start + 16]):
                self._add(key, at)


def _key(message: Message) -> int:
    topic = message.topic.encode()
    return zlib.crc32(message.payload, zlib.crc32(topic)) << 32 | zlib.crc32(message.payload + topic)


def _record(key: int, at: int) -> bytes:
    body = struct.pack("<Qq", key, at)
    return body + struct.pack("<I", zlib.crc32(body))
