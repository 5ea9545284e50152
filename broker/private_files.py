"""Folders and files that only their owner can read: they hold a plant's data and passwords.

Existing ones stay as they are: their owner may have shared them.
"""

import contextlib
import os
from pathlib import Path


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing.

    Raises:
        OSError: one cannot be made.
    """
    missing = [each for each in (path, *path.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
    path.mkdir(exist_ok=True)  # raises where it is no folder


def make_file(path: Path) -> None:
    """Make an empty file, unless there is one.

    Raises:
        OSError: it cannot be made.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def write(path: Path, content: bytes) -> None:
    """Replace a file's content; make the file if there is none.

    Raises:
        OSError: it cannot be written.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)


def replace(path: Path, content: bytes) -> None:
    """Put a file in the place of another whole or not at all; at no time anyone else can read it.

    Raises:
        OSError: it cannot be written.
    """
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    new.replace(path)
