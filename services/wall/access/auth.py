"""The gate: what stands before every answer of the wall's server.

It asks for the password where there is one (HTTP Basic, any user name; only `/healthz` is free, so that a supervisor
can look). Where there is none the wall is for this computer alone, and answers only by names that are this computer's:
else a page of elsewhere whose name is made to mean 127.0.0.1 could read it. It puts on every answer the headers that
keep a page to this host: nothing is loaded from elsewhere, no script or style stands inline, nobody else may frame it,
and what has no lifetime of its own is not cached.
"""

import base64
import binascii
import hashlib
import hmac
import math
import time
from collections.abc import Callable, Collection, Iterable
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from broker.mqtt.loopback import is_loopback
from services.wall import problems
from services.wall.access.guesses import Guesses

_HEADERS: Final = [
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data:; frame-ancestors 'self'; base-uri 'none'; form-action 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
_NOT_STORED: Final = (b"cache-control", b"no-store")
_UNAUTHENTICATED: Final = frozenset({"/healthz"})
_COOKIE: Final = "corridor-known"


class AuthMiddleware:
    """ASGI middleware: the password, the names of this computer, and the headers."""

    def __init__(
        self,
        app: ASGIApp,
        password: str | None,
        *,
        names: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Stand before an application.

        Args:
            app: what to let requests through to.
            password: what to ask for; None asks for nothing.
            names: without a password: hosts by which it may be asked for besides those of this computer.
            clock: monotonic seconds.
        """
        self._app = app
        self._password = None if password is None else _digest(password.encode())
        self._names = frozenset(name.lower() for name in names)
        self._guesses = Guesses(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer why not."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        more: list[tuple[bytes, bytes]] = []

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers: list[Any] = [*message.get("headers", []), *_HEADERS, *more]
                if not any(name.lower() == b"cache-control" for name, _ in headers):
                    headers.append(_NOT_STORED)
                message["headers"] = headers
            await send(message)

        if self._password is None:
            stranger = self._stranger(scope["headers"])
            if stranger is not None:
                await _respond(send_with_headers, 421, "Another host's name", _OTHER.format(host=stranger[:80]))
                return
        elif scope["path"] not in _UNAUTHENTICATED:
            headers = dict(scope["headers"])
            token = _token(headers)
            client = scope.get("client")
            address = client[0] if client else ""
            given = _given(headers)
            if given is None:
                await _respond(send_with_headers, 401, "Password needed", _NEEDED, _ASK)
                return
            if pause_s := self._guesses.pause_s(address, token):
                wait = (b"retry-after", str(math.ceil(pause_s)).encode())
                await _respond(send_with_headers, 429, "Too many wrong passwords", _SLOWED, wait)
                return
            if not hmac.compare_digest(_digest(given), self._password):
                self._guesses.note_wrong(address)
                await _respond(send_with_headers, 401, "Wrong password", _NEEDED, _ASK)
                return
            if token != self._guesses.token:
                reported = f"{_COOKIE}={self._guesses.token}; Path=/; HttpOnly; SameSite=Strict"
                more.append((b"set-cookie", reported.encode()))
        await self._app(scope, receive, send_with_headers)

    def _stranger(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """Return the first host that a request asks for and that we are not."""
        for name, value in headers:
            if name == b"host":
                host = _without_port(value.decode("latin-1"))
                if not is_loopback(host) and host.lower() not in self._names:
                    return host
        return None


_NEEDED: Final = (
    "This wall was started with a password: send it with HTTP Basic, any user name. It was printed once when the wall"
    " was started."
)
_SLOWED: Final = (
    "Many wrong passwords came from this address: wait as long as Retry-After says, then send the right one."
)
_OTHER: Final = (
    "This wall has no password, so it answers only by names of this computer (localhost, 127.0.0.1), and was asked for"
    " as {host!r}. Behind a proxy, start it with --allow-host and that name, or with a --password."
)
_ASK: Final = (b"www-authenticate", b'Basic realm="Corridor", charset="UTF-8"')


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _digest(password: bytes) -> bytes:
    """Return what is compared: always of one length, so that timing reveals nothing about the password."""
    return hashlib.sha256(password).digest()


def _given(headers: dict[bytes, bytes]) -> bytes | None:
    """Return the password that a request brings; None where it brings none."""
    scheme, _, encoded = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        return base64.b64decode(encoded, validate=True).partition(b":")[2]
    except binascii.Error:
        return None


def _token(headers: dict[bytes, bytes]) -> str:
    try:
        found = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1")).get(_COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value


async def _respond(send: Send, status: int, title: str, detail: str, *headers: tuple[bytes, bytes]) -> None:
    body = problems.body(status, title, detail)
    reported = [(b"content-type", problems.MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": reported})
    await send({"type": "http.response.body", "body": body, "more_body": False})
