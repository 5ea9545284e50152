"""The gate: what stands before every answer of the wall's server.

It asks for the password where there is one (HTTP Basic, any user name; only `/healthz` is free, so that a supervisor
can look), and puts on every answer the headers that keep a page to this host: nothing is loaded from elsewhere, no
script or style stands inline, nobody else may frame it.
"""

import base64
import binascii
import hmac
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS: Final = [
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data:; frame-ancestors 'self'; base-uri 'none'; form-action 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
_FREE: Final = frozenset({"/healthz"})
_ASK: Final = (
    b'{"type":"about:blank","title":"Password needed","status":401,"detail":"This wall was started with a password: '
    b'send it with HTTP Basic, any user name. It was printed once when the wall was started."}'
)


class Gate:
    """ASGI middleware: the password, and the headers."""

    def __init__(self, app: ASGIApp, password: str | None) -> None:
        """Stand before an application.

        Args:
            app: what to let requests through to.
            password: what to ask for; None asks for nothing.
        """
        self._app = app
        self._password = None if password is None else password.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or ask for the password."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers: list[Any] = [*message.get("headers", []), *_HEADERS]
                message["headers"] = headers
            await send(message)

        if self._password is not None and scope["path"] not in _FREE and not self._knows(dict(scope["headers"])):
            await _ask(send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)

    def _knows(self, headers: dict[bytes, bytes]) -> bool:
        scheme, _, encoded = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"basic" or self._password is None:
            return False
        try:
            _, _, given = base64.b64decode(encoded, validate=True).partition(b":")
        except binascii.Error:
            return False
        return hmac.compare_digest(given, self._password)


async def _ask(send: Send) -> None:
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"www-authenticate", b'Basic realm="Corridor", charset="UTF-8"'),
        (b"content-length", str(len(_ASK)).encode()),
    ]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": _ASK, "more_body": False})
