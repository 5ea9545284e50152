"""Where a broker of ours runs: its process and its address, as its folder has them for other programs."""

from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

PID_FILE: Final = "broker.pid"
_ADDRESS_FILE: Final = "broker.address"


def write_address(folder: Path, host: str, port: int) -> None:
    """Write down where the broker of a folder is about to listen.

    Raises:
        OSError: the folder cannot be written to.
    """
    (folder / _ADDRESS_FILE).write_text(f"{host} {port}\n", encoding="ascii")


def address_of(folder: Path) -> tuple[str, int] | None:
    """Return host and port by which this computer reaches the broker of a folder; None if it does not run."""
    if process_of(folder) is None:
        return None
    with suppress(OSError, ValueError):
        host, port = (folder / _ADDRESS_FILE).read_text(encoding="ascii").split()
        return reached(host), int(port)
    return None


def process_of(folder: Path) -> psutil.Process | None:
    """Return the running broker of a folder; None if there is none."""
    with suppress(OSError, ValueError, psutil.Error):
        process = psutil.Process(int((folder / PID_FILE).read_text(encoding="ascii")))
        if any(str(folder.absolute()) in argument for argument in process.cmdline()):
            return process
    return None


def reached(host: str) -> str:
    """Return the host by which this computer reaches what listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  (asked, not bound)
