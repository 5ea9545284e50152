"""A stream of documents in one answer: MIME's multipart, taken apart as its bytes come in.

A part has a `Content-length`, or ends at the next boundary.
"""

import re
from typing import Final

_LONGEST_HEAD: Final = 8 * 1024
_LENGTH: Final = re.compile(rb"^content-length:[ \t]*(\d{1,12})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_HEAD_ENDS: Final = re.compile(rb"\r?\n\r?\n")
_BOUNDARY: Final = re.compile(r'boundary="?([^";,\s]{1,200})', re.IGNORECASE)


class MultipartError(ValueError):
    """The stream is not multipart, or a part of it is too long."""


def boundary_of(content_type: str) -> str | None:
    """Return the boundary that a content type names; None where it is not multipart."""
    found = _BOUNDARY.search(content_type)
    return found[1] if found and content_type.lower().lstrip().startswith("multipart/") else None


class Multipart:
    """What came of a stream so far.

    Args:
        boundary: as the content type names it; some agents name it with its dashes.
        longest: bytes of a part.
    """

    def __init__(self, boundary: str, longest: int) -> None:
        self._delimiter = b"--" + boundary.lstrip("-").encode("latin-1", "replace")
        self._longest = longest
        self._waiting = bytearray()
        self._length: int | None = None
        self._is_in_body = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the parts that are whole with these bytes.

        Raises:
            MultipartError: what came is not multipart, or too long.
        """
        self._waiting += data
        found: list[bytes] = []
        while (part := self._next()) is not None:
            if part:
                found.append(part)
        if len(self._waiting) > self._longest + _LONGEST_HEAD:
            raise MultipartError(f"a part of the stream is longer than {self._longest:,} bytes")
        return found

    def _next(self) -> bytes | None:
        """Return the next part, b"" where another of the stream was passed over; None where more has to come."""
        if not self._is_in_body:
            return self._head()
        if self._length is None:
            end = self._waiting.find(self._delimiter)
            if end < 0:
                return None
            return self._taken(end)
        return None if len(self._waiting) < self._length else self._taken(self._length)

    def _head(self) -> bytes | None:
        start = self._waiting.find(self._delimiter)
        if start < 0:
            del self._waiting[: max(0, len(self._waiting) - len(self._delimiter))]
            return None
        end = _HEAD_ENDS.search(self._waiting, start)
        if end is None:
            if len(self._waiting) - start > _LONGEST_HEAD:
                raise MultipartError("the head of a part does not end")
            return None
        length = _LENGTH.search(self._waiting, start, end.start())
        self._length = None if length is None else int(length[1])
        if self._length is not None and self._length > self._longest:
            raise MultipartError(f"a part has {self._length:,} bytes, the limit is {self._longest:,}")
        del self._waiting[: end.end()]
        self._is_in_body = True
        return b""

    def _taken(self, length: int) -> bytes:
        part = bytes(self._waiting[:length]).strip()
        del self._waiting[:length]
        self._is_in_body = False
        return part
