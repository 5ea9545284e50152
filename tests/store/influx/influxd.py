"""A real InfluxDB 1.6 for tests: one server a session, on free ports, with its data in a folder of its own."""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from cli.soak.influxd import configure

PATIENCE_S = 30.0


class Influxd:
    """A server. It is running once it is made, and after `start`.

    Args:
        folder: where its data is.
        auth: whether it asks for user and password; the first user has to be made.
    """

    def __init__(self, folder: Path, *, auth: bool = False) -> None:
        self.port, self.rpc_port = _free_ports()
        self.folder = folder
        configure(folder, self.port, self.rpc_port, auth=auth)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        program = shutil.which("influxd")
        assert program is not None
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-config", str(self.folder / "influxdb.conf")], stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ping", timeout=5).close()
            except OSError:
                assert self._process.poll() is None, (self.folder / "log").read_text()[-2_000:]
                assert time.monotonic() < deadline, "influxd does not answer"
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """End it on the spot, as a power cut would."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def query(self, statement: str, database: str = "", login: str = "") -> list[dict[str, Any]]:
        """Have a statement done, and return the series of its answer."""
        body = urllib.parse.urlencode({"q": statement, "db": database, "epoch": "ns"}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/query", body)
        if login:
            request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
        with urllib.request.urlopen(request, timeout=120) as response:
            (result,) = json.load(response)["results"]
        assert "error" not in result, result
        found: list[dict[str, Any]] = result.get("series", [])
        return found

    def make_store(self, name: str) -> str:
        """Make the databases of a store without retention; return the store's URL."""
        for database in (name, f"{name}_ledger", f"{name}_hour"):
            # Shards of 200 years: tests write at times all over the place.
            self.query(f'CREATE DATABASE "{database}" WITH DURATION INF SHARD DURATION 10400w NAME "autogen"')
        return f"influxdb1://127.0.0.1:{self.port}/{name}"

    def drop_store(self, name: str) -> None:
        """Take the databases of a store away."""
        for database in (name, f"{name}_ledger", f"{name}_hour"):
            self.query(f'DROP DATABASE "{database}"')


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]
