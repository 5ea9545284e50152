"""An MTConnect agent for tests: an HTTP server with a buffer and its sequence, and documents as cppagent has them."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape, quoteattr

DEVICE = ("OKUMA.123456", "Mill-2")
AT = "2026-11-24T07:59:50.123456Z"
ITEMS = {
    "avail": ("Events", "Availability", ""),
    "exec": ("Events", "Execution", ""),
    "pc": ("Events", "PartCount", ""),
    "x1": ("Samples", "Position", "MILLIMETER"),
    "path": ("Samples", "PathPosition", "MILLIMETER_3D"),
    "servo": ("Condition", "SYSTEM", ""),
}
"""Data items: section, type, and units."""


class FakeAgent:
    """See the module; use it as a context, once or again at the same port.

    Args:
        size: how many observations its buffer has.
        streams: it sends multipart; else each sample is a document of its own.
        authorization: what it demands in that header.

    Attributes:
        asked: paths that were asked for, with their queries.
        spoilt: what it answers to a request, by its name, in place of a document.
    """

    def __init__(self, *, size: int = 100_000, streams: bool = True, authorization: str = "") -> None:
        self.size = size
        self.streams = streams
        self.authorization = authorization
        self.instance = 1_700_000_000
        self.port = 0
        self.asked: list[str] = []
        self.spoilt: dict[str, bytes] = {}
        self.tls: Any = None
        self._buffer: list[tuple[int, str, str, str]] = []
        self._sequence = 0
        self._latest: dict[str, tuple[int, str, str, str]] = {}
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.drop_all()

    def drop_all(self) -> None:
        """Begin as an agent does that was started again: another instance, and nothing observed."""
        self.instance += 1
        self._buffer, self._sequence, self._latest = [], 0, {}
        for item in ITEMS:
            self.observe(item, "UNAVAILABLE")

    def observe(self, item: str, value: str, at: str = AT) -> None:
        """Observe a value."""
        self._sequence += 1
        self._latest[item] = one = (self._sequence, item, value, at)
        self._buffer = [*self._buffer, one][-self.size :]
        self._changed.set()
        self._changed = asyncio.Event()

    @property
    def url(self) -> str:
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """End as a process does that is killed."""
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                target = head.split(" ")[1]
                self.asked.append(target)
                parts = urlsplit(target)
                query = dict(parse_qsl(parts.query))
                if self.authorization and f"authorization: {self.authorization}".lower() not in head.lower():
                    await self._answer(writer, b"who are you?", "401 Unauthorized")
                elif parts.path == "/sample" and self.streams:
                    await self._stream(writer, query)
                else:
                    document = self._document(parts.path.strip("/"), query)
                    await self._answer(writer, document, "404 Not Found" if b"MTConnectError" in document else "200 OK")
        self._open.discard(writer)
        writer.close()

    @staticmethod
    async def _answer(writer: asyncio.StreamWriter, body: bytes, status: str) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    async def _stream(self, writer: asyncio.StreamWriter, query: dict[str, str]) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=a1b2c3\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        async for body in self._parts(query):
            part = b"--a1b2c3\r\nContent-type: text/xml\r\nContent-length: %d\r\n\r\n%b\r\n" % (len(body), body)
            for piece in (part[:50], part[50:]):
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()

    async def _parts(self, query: dict[str, str]) -> AsyncIterator[bytes]:
        following = int(query["from"])
        while True:
            body = self._document("sample", query | {"from": str(following)})
            yield body
            if b"MTConnectError" in body:
                return
            sent = [one for one in self._buffer if one[0] >= following][: int(query["count"])]
            following = sent[-1][0] + 1 if sent else following
            if following > self._sequence:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(int(query["heartbeat"]) / 1_000):
                        await self._changed.wait()

    def _document(self, request: str, query: dict[str, str]) -> bytes:
        if request in self.spoilt:
            return self.spoilt[request]
        if request == "probe":
            return _probe()
        first = self._buffer[0][0]
        if request == "current":
            at = int(query.get("at", self._sequence))
            latest = {one[1]: one for one in itertools.chain(self._latest.values(), self._buffer) if one[0] <= at}
            return self._streams(list(latest.values()), self._sequence + 1)
        start = int(query["from"])
        if not first <= start <= self._sequence + 1:
            return _error(f"'from' must be between {first} and {self._sequence + 1}")
        found = [one for one in self._buffer if one[0] >= start][: int(query.get("count", "100"))]
        return self._streams(found, found[-1][0] + 1 if found else start)

    def _streams(self, found: list[tuple[int, str, str, str]], following: int) -> bytes:
        sections: dict[str, list[str]] = {"Samples": [], "Events": [], "Condition": []}
        for sequence, item, value, at in found:
            section, kind, _ = ITEMS[item]
            attributes = f'dataItemId="{item}" timestamp="{at}" sequence="{sequence}"'
            if section == "Condition":
                level, _, text = value.partition(" ")
                level = level.capitalize()
                code = ' nativeCode="E-204"' if level in {"Fault", "Warning"} else ""
                sections[section].append(f'<{level} {attributes} type="{kind}"{code}>{escape(text)}</{level}>')
            else:
                sections[section].append(f"<{kind} {attributes}>{escape(value)}</{kind}>")
        inner = "".join(f"<{name}>{''.join(several)}</{name}>" for name, several in sections.items() if several)
        uuid, name = map(quoteattr, DEVICE)
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<MTConnectStreams xmlns="urn:mtconnect.org:MTConnectStreams:1.8">'
            f'<Header creationTime="{AT}" sender="agent" instanceId="{self.instance}" version="1.8.0.3"'
            f' bufferSize="{self.size}" nextSequence="{following}" firstSequence="{self._buffer[0][0]}"'
            f' lastSequence="{self._sequence}"/>'
            f"<Streams><DeviceStream name={name} uuid={uuid}>"
            f'<ComponentStream component="Controller" name="cont" componentId="c1">{inner}</ComponentStream>'
            '</DeviceStream><DeviceStream name="Agent" uuid="agent-uuid">'
            '<ComponentStream component="Agent" componentId="a1"><Events>'
            f'<Availability dataItemId="agent_avail" timestamp="{AT}" sequence="1">AVAILABLE</Availability>'
            "</Events></ComponentStream></DeviceStream></Streams></MTConnectStreams>"
        ).encode()


def _probe() -> bytes:
    items = "".join(
        f'<DataItem id="{item}" type="{kind}" category="{section.upper()}" units="{unit}"/>'
        for item, (section, kind, unit) in ITEMS.items()
    )
    uuid, name = map(quoteattr, DEVICE)
    return (
        '<?xml version="1.0" encoding="UTF-8"?><m:MTConnectDevices xmlns:m="urn:mtconnect.org:MTConnectDevices:1.8">'
        f'<m:Header creationTime="{AT}" sender="agent" instanceId="1" bufferSize="131072"/><m:Devices>'
        '<m:Agent id="agent" name="Agent" uuid="agent-uuid"><DataItems>'
        '<DataItem id="agent_avail" type="AVAILABILITY" category="EVENT"/></DataItems></m:Agent>'
        f'<m:Device id="d1" name={name} uuid={uuid}><Components><Controller id="c1"><DataItems>{items}</DataItems>'
        "</Controller></Components></m:Device></m:Devices></m:MTConnectDevices>"
    ).encode()


def _error(text: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><MTConnectError xmlns="urn:mtconnect.org:MTConnectError:1.8">'
        f'<Header creationTime="{AT}" instanceId="1"/><Errors>'
        f'<Error errorCode="OUT_OF_RANGE">{escape(text)}</Error></Errors></MTConnectError>'
    ).encode()
