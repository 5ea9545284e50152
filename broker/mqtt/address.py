"""A broker's address and credentials: `mqtt://user:password@host:1883`, or `mqtts://…` for TLS.

User and password are percent-decoded. For TLS, `?ca=FILE` names the authority that signed the broker's certificate
(without it the system's are trusted), `&cert=FILE&key=FILE` the client's own certificate. An `Address` prints without
its password.
"""

import ssl
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_FORM: Final = "write mqtt://user:password@host:1883, or mqtts://… for TLS"


class SessionError(ConnectionError):
    """A broker cannot be reached, or rejected the connection or a publication; the text says what to do."""


class Address(msgspec.Struct, frozen=True):
    """A parsed broker's URL.

    Attributes:
        tls: the TLS context; None for plain text.
    """

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        return f"Address({self})"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse(url: str) -> Address:
    """Parse a broker's URL, and load the files that it names.

    Raises:
        SessionError: it is not such a URL, or a file that it names cannot be used.
    """
    # No message here repeats the URL, for it may hold a password.
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname
    except ValueError as error:
        raise SessionError(f"the broker's URL has no readable host and port; {_FORM}") from error
    if parts.scheme not in PORTS:
        raise SessionError(f"the broker's URL begins with {parts.scheme[:16]!r}; {_FORM}")
    if not host:
        raise SessionError(f"the broker's URL names no host; {_FORM}")
    if parts.path not in {"", "/"} or parts.fragment:
        raise SessionError(f"the broker's URL has a path after its port, or a / or # in its password; {_FORM}")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(options.keys() - {"ca", "cert", "key"}):
        raise SessionError(f"the broker's URL has the option {unknown[0]!r}; there are ca, cert and key")
    if options and parts.scheme != "mqtts":
        raise SessionError("the broker's URL names certificates without TLS; write mqtts://…")
    if "key" in options and "cert" not in options:
        raise SessionError("the broker's URL has a key without its cert; give &cert=FILE too")
    return Address(
        host=host,
        port=port or PORTS[parts.scheme],
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        tls=_tls(options) if parts.scheme == "mqtts" else None,
    )


def _tls(options: dict[str, str]) -> ssl.SSLContext:
    for option, file in options.items():
        if not Path(file).is_file():
            raise SessionError(f"there is no file {file!r}, which the broker's URL names as {option}")
    try:
        context = ssl.create_default_context(cafile=options.get("ca"))
    except ssl.SSLError as error:
        raise SessionError(f"{options['ca']!r} holds no certificate authority: give it in PEM form") from error
    if "cert" in options:
        try:
            context.load_cert_chain(options["cert"], options.get("key"))
        except ssl.SSLError as error:
            raise SessionError(
                f"{options['cert']!r} and its key do not belong together, or are not PEM: {error.reason}"
            ) from error
    return context
