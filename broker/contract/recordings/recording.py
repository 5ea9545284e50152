r"""Recordings: messages as they came over the wire, one a line, as JSON.

    {"at":1732420800123,"topic":"corridor/v1/…","payload":"{\"state\":\"running\"}","qos":1,"retained":false}

`at` is the time of receipt in milliseconds; a payload that is not UTF-8 is `{"base64":"…"}`. `to_line` and `from_line`
are the pure codec; `Recording` reads a file of such lines, plain or packed with gzip, without holding it in memory.
"""

import gzip
import zlib
from collections.abc import Iterator
from typing import Annotated, Final

import msgspec

from broker.contract import instants
from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_MS
from broker.contract.message import Message
from broker.contract.recordings.line_file import LineFile

LONGEST_LINE: Final = 16 * 1024 * 1024
"""Bytes; a file with a longer line is not a recording."""

_FORM: Final = 'a line is {"at":1732420800123,"topic":"corridor/v1/…","payload":"21.5","qos":1,"retained":false}'


class Base64(msgspec.Struct, frozen=True):
    """A payload that is not UTF-8."""

    base64: bytes


class Line(msgspec.Struct, frozen=True):
    """A line of a recording."""

    at: int | float | str
    topic: str
    payload: str | Base64
    qos: Annotated[int, msgspec.Meta(ge=0, le=2)] = 1
    retained: bool = False
    properties: tuple[tuple[str, str], ...] | msgspec.UnsetType = msgspec.UNSET


class RecordingError(ValueError):
    """A recording cannot be read; the text says where and why."""


_DECODER: Final = msgspec.json.Decoder(Line)
_ENCODER: Final = msgspec.json.Encoder()


def to_line(message: Message) -> bytes:
    """Return a message as a line, with its end."""
    payload: str | Base64
    try:
        payload = message.payload.decode("utf-8")
    except UnicodeDecodeError:
        payload = Base64(message.payload)
    properties = message.properties or msgspec.UNSET
    line = Line(message.received_at // NS_PER_MS, message.topic, payload, message.qos, message.retained, properties)
    return _ENCODER.encode(line) + b"\n"


def from_line(line: bytes) -> Message:
    """Return the message that a line holds.

    Raises:
        RecordingError: the line does not hold one; the text says why.
    """
    try:
        read = _DECODER.decode(line)
        return Message(
            topic=read.topic,
            payload=read.payload.encode() if isinstance(read.payload, str) else read.payload.base64,
            qos=read.qos,
            retained=read.retained,
            received_at=instants.parse(read.at),
            properties=() if isinstance(read.properties, msgspec.UnsetType) else read.properties,
        )
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ContractError) as error:
        raise RecordingError(f"{error}; {_FORM}") from error


class Recording(LineFile):
    """An open recording; iterating it yields its messages in the order of the file.

    with Recording(path) as recording:
        for message in recording: …
    """

    def __iter__(self) -> Iterator[Message]:
        """Yield the messages.

        Raises:
            RecordingError: a line is not one of a recording; those before it have been yielded.
        """
        number = 0
        try:
            while line := self.lines.readline(LONGEST_LINE):
                number += 1
                if line.isspace():
                    continue
                try:
                    message = from_line(line)
                except RecordingError as error:
                    raise self._error(number, line, error) from error
                yield message
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise RecordingError(
                f"{self.path}: damaged after line {number}: {error}; what comes before it can be read"
            ) from error

    def _error(self, number: int, line: bytes, error: RecordingError) -> RecordingError:
        if len(line) == LONGEST_LINE:
            return RecordingError(f"{self.path}:{number}: the line is longer than {LONGEST_LINE} bytes; {_FORM}")
        if not line.endswith(b"\n"):
            return RecordingError(f"{self.path}:{number}: the last line is cut off; remove it")
        return RecordingError(f"{self.path}:{number}: {error}")
