"""A copy of a SQLite store while it is in use: whole, of one moment, and a store itself."""

import contextlib
import sqlite3
from pathlib import Path

from broker import private_files
from services.store.interface import StoreError
from services.store.sqlite.file import check_ours, explained, open_reader


def backup(path: Path, to: Path) -> int:
    """Copy a store into a new file, in one go: writers go on meanwhile, and what they write is not in it.

    Args:
        path: the store's file.
        to: the new file; it appears only when it is whole.

    Returns:
        Its length in bytes.

    Raises:
        StoreError: there is such a file already, or one of the two cannot be read or written.
    """
    if to.exists():
        raise StoreError(f"{to} is there already; choose another name")
    new = to.with_name(f"{to.name}.new")
    try:
        new.unlink(missing_ok=True)
        private_files.make_file(new)
        with contextlib.closing(open_reader(path)) as source, contextlib.closing(sqlite3.connect(new)) as copy:
            check_ours(source, path)
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        new.rename(to)
    except sqlite3.Error as error:
        new.unlink(missing_ok=True)
        raise explained(error, to) from error
    except OSError as error:
        raise StoreError(f"{to} cannot be written: {error.strerror}") from error
    return to.stat().st_size
