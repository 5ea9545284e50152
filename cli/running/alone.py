"""Seeing to it that a program has something on this computer for itself, by a lock that ends with the program."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from broker.private_files import make_folder
from cli.invocation.errors import CommandError


@contextlib.contextmanager
def alone(lock: Path, problem: str, hint: str) -> Iterator[None]:
    """Hold a lock file as long as the context lasts; the system frees it however the program ends.

    Raises:
        CommandError: another program holds it (`problem` and `hint` explain it), or it cannot be made.
    """
    try:
        make_folder(lock.parent)
        held = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CommandError(
            f"the folder {lock.parent} cannot be written to: {error.strerror}", "choose another with --data"
        ) from error
    try:
        if sys.platform != "win32":
            import fcntl  # noqa: PLC0415

            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise CommandError(problem, hint) from error
        yield
    finally:
        os.close(held)
