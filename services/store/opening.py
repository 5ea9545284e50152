"""Opening a store by its URL: `sqlite:///data/corridor.db` (relative), `sqlite:////srv/corridor.db` (absolute)."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from services.store.interface import Store, StoreError
from services.store.sqlite import SqliteStore

FILE_NAME = "corridor.db"
_ADVICE = "write sqlite:///PATH (a path from here) or sqlite:////PATH (from the root)"


def default_url(data: Path) -> str:
    """Return the URL of the store in a data folder."""
    return f"sqlite:///{data / FILE_NAME}"


async def open_store(url: str) -> Store:
    """Open the store that a URL names; a file that is not there is made.

    Raises:
        StoreError: the URL names no store, or the store cannot be opened.
    """
    return await SqliteStore.open(sqlite_path(url))


def sqlite_path(url: str) -> Path:
    """Return the file that a `sqlite:` URL names.

    Raises:
        StoreError: it is not such a URL.
    """
    parts = urlsplit(url)
    if parts.scheme in {"influxdb", "influxdb1"}:
        raise StoreError(f"{parts.scheme}:// stores are not in this version yet; {_ADVICE}")
    if parts.scheme != "sqlite":
        raise StoreError(f"{url!r} is not a store's URL; {_ADVICE}")
    if parts.netloc or not parts.path.removeprefix("/"):
        raise StoreError(f"{url!r} names no file; {_ADVICE}")
    if parts.query or parts.fragment:
        raise StoreError(f"{url!r} has a ? or #, which means nothing here; write them as %3F and %23")
    return Path(unquote(parts.path[1:]))
