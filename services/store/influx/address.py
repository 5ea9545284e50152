"""The address and credential of an InfluxDB: `influxdb://token@host:8086/bucket`, `influxdb1://user:password@host/database`.

`influxdb` is InfluxDB 2 and 3, `influxdb1` is InfluxDB 1; `influxdbs` and `influxdb1s` are the same with TLS. Token,
user, password and bucket are percent-decoded. `?org=NAME` names the organisation of InfluxDB 2 (left out, it is that of
the bucket); with TLS, `?ca=FILE` names the authority that signed the server's certificate (without it the system's are
trusted). A credential is never shown: an `Address` prints without it.
"""

import base64
import ssl
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import msgspec

from services.store.interface import StoreError

SCHEMES: Final = ("influxdb", "influxdbs", "influxdb1", "influxdb1s")
PORT: Final = 8086
_FORM: Final = "write influxdb://TOKEN@HOST:8086/BUCKET (2 and 3) or influxdb1://USER:PASSWORD@HOST:8086/DATABASE (1)"


class Address(msgspec.Struct, frozen=True):
    """An InfluxDB's address, by its parts.

    Attributes:
        scheme: one of `SCHEMES`.
        database: the bucket or database of the raw events; those of the ledger are named after it.
        user: of InfluxDB 1; '' where it needs none.
        secret: the password of InfluxDB 1, or the token; '' where none is needed.
        org: the organisation of InfluxDB 2, '' to look for it.
        ca: the file of the authority that signed the server's certificate, '' for the system's.
    """

    scheme: str
    host: str
    port: int
    database: str
    user: str = ""
    secret: str = ""
    org: str = ""
    ca: str = ""

    @property
    def is_version_1(self) -> bool:
        """Whether it is InfluxDB 1."""
        return self.scheme.startswith("influxdb1")

    @property
    def base(self) -> str:
        """The URL that all paths follow, without credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.scheme.endswith('s') else 'http'}://{host}:{self.port}"

    @property
    def authorization(self) -> str | None:
        """The `Authorization` header; None where none is needed."""
        if not self.is_version_1:
            return f"Token {self.secret}" if self.secret else None
        if not self.user:
            return None
        return "Basic " + base64.b64encode(f"{self.user}:{self.secret}".encode()).decode()

    @property
    def tls(self) -> ssl.SSLContext | bool:
        """How the server's certificate is checked.

        Raises:
            StoreError: the authority's file cannot be used.
        """
        if not self.ca:
            return ssl.create_default_context() if self.scheme.endswith("s") else True
        try:
            return ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError) as error:
            raise StoreError(f"{self.ca!r} holds no certificate authority: give one in PEM form ({error})") from error

    def url(self, user: str, secret: str) -> str:
        """Return the store's URL for someone else's user and password (or '' and token)."""
        login = f"{quote(user, safe='')}:{quote(secret, safe='')}" if user else quote(secret, safe="=")
        host = f"[{self.host}]" if ":" in self.host else self.host
        options = [f"{name}={quote(value, safe='')}" for name, value in (("org", self.org), ("ca", self.ca)) if value]
        return (
            f"{self.scheme}://{login}@{host}:{self.port}/{quote(self.database, safe='')}"
            f"{'?' if options else ''}{'&'.join(options)}"
        )

    def __repr__(self) -> str:
        return f"Address({self})"

    def __str__(self) -> str:
        return f"{self.base}/{self.database}"


def parse(url: str) -> Address:
    """Read an InfluxDB's URL.

    Raises:
        StoreError: it is not such a URL. The text does not repeat it, for it holds a credential.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise StoreError(f"the store's URL has no readable host and port; {_FORM}") from error
    if parts.scheme not in SCHEMES:
        raise StoreError(f"the store's URL begins with {parts.scheme[:16]!r}; {_FORM}")
    if not host:
        raise StoreError(f"the store's URL names no host; {_FORM}")
    database = unquote(parts.path.removeprefix("/"))
    if not database or "/" in database or parts.fragment:
        raise StoreError(
            f"the store's URL must end in the name of one bucket or database, without / and #; {_FORM}."
            " A / or # in a token or password is written %2F or %23"
        )
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(options.keys() - {"org", "ca"}):
        raise StoreError(f"the store's URL has the option {unknown[0]!r}; there are org and ca")
    ca = options.get("ca", "")
    if ca and not parts.scheme.endswith("s"):
        raise StoreError(f"the store's URL names an authority without TLS; write {parts.scheme}s://…")
    if ca and not Path(ca).is_file():
        raise StoreError(f"there is no file {ca!r}, which the store's URL names as ca")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    is_version_1 = parts.scheme.startswith("influxdb1")
    if is_version_1 and "org" in options:
        raise StoreError("InfluxDB 1 has no organisations; leave ?org= out of the store's URL")
    if not is_version_1 and password:
        raise StoreError("the store's URL has a user and a password where a token belongs; write influxdb://TOKEN@…")
    return Address(
        scheme=parts.scheme,
        host=host,
        port=port or PORT,
        database=database,
        user=user if is_version_1 else "",
        secret=password if is_version_1 else user,
        org=options.get("org", ""),
        ca=ca,
    )
