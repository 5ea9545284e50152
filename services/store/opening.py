"""Opening a store by its URL.

`sqlite:///data/corridor.db` is a file (relative), `sqlite:////srv/corridor.db` too (absolute);
`influxdb://token@host:8086/bucket` is an InfluxDB 2 or 3, `influxdb1://user:password@host:8086/database` an InfluxDB 1
(see `services/store/influx/address.py`).
"""

from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import unquote

from services.store.influx import address as influx_address
from services.store.interface import Store, StoreError
from services.store.sqlite.store import SqliteStore
from services.store.sqlite.writing import NO_TURN

FILE_NAME = "corridor.db"
_ADVICE = (
    "write sqlite:///PATH (a path from here), sqlite:////PATH (from the root), influxdb://TOKEN@HOST:8086/BUCKET"
    " or influxdb1://USER:PASSWORD@HOST:8086/DATABASE"
)


def default_url(data: Path) -> str:
    """Return the URL of the store in a data folder."""
    path = str(data / FILE_NAME).replace("%", "%25").replace("?", "%3F").replace("#", "%23")
    return f"sqlite:///{path}"


async def open_store(url: str, *, turn: AbstractContextManager[object] = NO_TURN) -> Store:
    """Open the store that a URL names; a missing file is created.

    Args:
        url: which.
        turn: of a file, what a write holds while it is in it, where several processes take turns.

    Raises:
        StoreError: the URL names no store, or the store cannot be opened.
    """
    if is_influx(url):
        from services.store.influx.store import InfluxStore  # noqa: PLC0415  (its HTTP client takes a while to load)

        return await InfluxStore.open(influx_address.parse(url))
    return await SqliteStore.open(sqlite_path(url), turn=turn)


def is_influx(url: str) -> bool:
    """Return whether a URL names an InfluxDB."""
    return url.partition(":")[0] in influx_address.SCHEMES


def sqlite_path(url: str) -> Path:
    """Return the file that a `sqlite:` URL names.

    Raises:
        StoreError: it is not such a URL. The text does not repeat it where it may hold a password.
    """
    scheme, colon, rest = url.partition(":")
    if scheme != "sqlite" or not colon:
        raise StoreError(f"the store's URL begins with {scheme[:32]!r}, which is no kind of store; {_ADVICE}")
    path = rest.removeprefix("///")
    if path == rest or not path or path.endswith("/"):
        raise StoreError(f"the store's URL {url!r} names no file; {_ADVICE}")
    if "?" in path or "#" in path:
        raise StoreError(f"the store's URL {url!r} has a ? or #, which mean nothing here; write them as %3F and %23")
    return Path(unquote(path))
