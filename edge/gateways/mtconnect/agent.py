"""An MTConnect agent by HTTP: `probe`, `current`, and `sample` as a stream, or document by document.

Its address is `http://host:5000`, `https://user:password@host/path?ca=FILE`; a path may name one device of the agent.
Answers are read up to a limit, and not at all where they are compressed, for a small one could be any size then.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx
import msgspec

from edge.dialects.shopfloor import mtconnect_xml
from edge.gateways.mtconnect.multipart import Multipart, MultipartError, boundary_of

CONNECT_S: Final = 3.0
HEARTBEAT_S: Final = 2.0
"""How often an agent streams a document, with nothing in it where nothing was observed."""
SILENCE_S: Final = 5.0
"""An agent that sends nothing for so long is away."""
_DOCUMENT_S: Final = 30.0
"""Within which a document that is asked for is there."""
_AT_ONCE: Final = 1_000
"""Observations of a document of a sample."""
_FORM: Final = "write http://host:5000, or https://user:password@host/path?ca=FILE"
_AS_IT_IS: Final = "identity"


class AgentError(ConnectionError):
    """An agent cannot be reached, does not answer as one, or its address is none; the text says what to do."""


class Address(msgspec.Struct, frozen=True):
    """Where an agent is. It prints without its password.

    Attributes:
        base: the URL up to `/probe`.
        tls: the context of https with an authority of its own; None for the system's.
    """

    base: str
    user: str = ""
    password: str = ""
    tls: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        return f"Address({self})"

    def __str__(self) -> str:
        return self.base


def parse(url: str) -> Address:
    """Parse an agent's address, and load the file that it names.

    Raises:
        AgentError: it is none; the text does not repeat it, for it may hold a password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AgentError(f"the agent's address has no readable host and port; {_FORM}") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise AgentError(f"the agent's address is none; {_FORM}")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.fragment or options.keys() - {"ca"} or (options and parts.scheme == "http"):
        raise AgentError(f"the agent's address has more than host and path, and with https ca; {_FORM}")
    shown = f"[{host}]" if ":" in host else host
    base = f"{parts.scheme}://{shown}{'' if port is None else f':{port}'}{parts.path.rstrip('/')}"
    try:
        tls = ssl.create_default_context(cafile=options["ca"]) if options else None
    except (OSError, ssl.SSLError) as error:
        raise AgentError(
            f"{options['ca']!r}, which the agent's address names as ca, cannot be read: {error}"
        ) from error
    return Address(base, unquote(parts.username or ""), unquote(parts.password or ""), tls)


class Agent:
    """A connection to an agent; use it as a context.

    Args:
        address: where it is.
        every_s: how often it sends what was observed.
    """

    def __init__(self, address: Address, every_s: float) -> None:
        self.every_s = every_s
        self._address = address
        self._http = httpx.AsyncClient(
            verify=True if address.tls is None else address.tls,
            auth=httpx.BasicAuth(address.user, address.password) if address.user else None,
            timeout=httpx.Timeout(SILENCE_S, connect=CONNECT_S),
            headers={"Accept": "text/xml, application/xml", "Accept-Encoding": _AS_IT_IS},
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        """Begin; it connects when it is asked."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        await self._http.aclose()

    async def document(self, request: str, **query: int) -> bytes:
        """Return the answer to `probe` or `current`.

        Raises:
            AgentError: there is none.
        """
        try:
            async with asyncio.timeout(_DOCUMENT_S), self._asked(request, query) as answer:
                return await self._whole(answer)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise self._away(error) from error

    async def sample(self, first: int) -> AsyncIterator[bytes]:
        """Yield documents of what was observed from a sequence on; one alone where the agent does not stream.

        Raises:
            AgentError: the agent is away, or ends the stream.
        """
        query = {
            "from": first,
            "count": _AT_ONCE,
            "interval": round(self.every_s * 1_000),
            "heartbeat": round(max(HEARTBEAT_S, self.every_s) * 1_000),
        }
        try:
            async with self._asked("sample", query) as answer:
                boundary = boundary_of(answer.headers.get("content-type", ""))
                if boundary is None:
                    yield await self._whole(answer)
                    return
                stream = Multipart(boundary, mtconnect_xml.LONGEST)
                async for data in answer.aiter_raw():
                    for part in stream.feed(data):
                        yield part
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._away(error) from error
        except MultipartError as error:
            raise AgentError(f"the agent at {self._address} does not stream: {error}") from error
        raise AgentError(f"the agent at {self._address} ended its stream")

    def _asked(self, request: str, query: dict[str, Any]) -> AbstractAsyncContextManager[httpx.Response]:
        silence_s = max(SILENCE_S, 2.5 * self.every_s)
        return self._http.stream(
            "GET",
            f"{self._address.base}/{request}",
            params=query,
            timeout=httpx.Timeout(silence_s, connect=CONNECT_S),
        )

    async def _whole(self, answer: httpx.Response) -> bytes:
        """Return an answer; that to a request which the agent rejects is a document of errors.

        Raises:
            AgentError: it is no document, or too long.
        """
        if answer.headers.get("content-encoding", _AS_IT_IS).lower() != _AS_IT_IS:
            raise AgentError(f"the agent at {self._address} compresses what nobody asked it to")
        body = bytearray()
        async for data in answer.aiter_raw():
            body += data
            if len(body) > mtconnect_xml.LONGEST:
                raise AgentError(f"the agent at {self._address} answers more than {mtconnect_xml.LONGEST:,} bytes")
        if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            raise AgentError(
                f"the agent at {self._address} demands a user; write http://user:password@… in its address"
            )
        if not answer.is_success and b"MTConnectError" not in body[:4_096]:
            raise AgentError(f"{answer.url.path} at {self._address} answers {answer.status_code}")
        return bytes(body)

    def _away(self, error: Exception) -> AgentError:
        return AgentError(f"the agent at {self._address} cannot be reached: {str(error) or type(error).__name__}")
