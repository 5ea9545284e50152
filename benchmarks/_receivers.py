"""What a benchmark compares: Corridor's ingest on either engine, Telegraf, and `mosquitto_sub`, which only receives.

Each is a process that receives from a broker; those with a store are ready when it has what was published.
"""

import contextlib
import http.client
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlencode, urlsplit

import psutil

from benchmarks._load import Load
from benchmarks.sizing import free_port, influxd
from broker.contract.topics import PREFIX
from services.store.influx.address import parse
from services.store.influx.setup import Setup

ROOT: Final = Path(__file__).resolve().parent.parent
READY_S: Final = 30.0
STORED_S: Final = 120.0
PAUSE_S: Final = 0.5
"""For what does not say when it has subscribed."""

_TELEGRAF: Final = """
[agent]
  flush_interval = "100ms"
  metric_batch_size = 5000
  metric_buffer_limit = 1000000
  omit_hostname = true
[[inputs.mqtt_consumer]]
  servers = ["tcp://{broker}"]
  topics = ["{prefix}/#"]
  qos = {qos}
  topic_tag = "topic"
  persistent_session = true
  client_id = "bench-telegraf"
  max_undelivered_messages = 20000
  data_format = "json"
  json_time_key = "ts"
  json_time_format = "unix_ms"
  name_override = "telemetry"
[[outputs.influxdb]]
  urls = ["http://{influx}"]
  database = "{database}"
  skip_database_creation = true
"""


class Database(Protocol):
    """Where a receiver stores: what is asked of it from outside."""

    def count(self) -> int:
        """Return how many samples it has."""

    def newest(self, machine: str) -> float:
        """Return the newest value of a machine's signal; 0 if there is none."""

    def close(self) -> None:
        """End the connection."""


class SqliteDatabase:
    """The file of an embedded store, read beside its writer."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, check_same_thread=False)
        self._series = 0

    def count(self) -> int:
        """Return how many samples it has."""
        return int(self._connection.execute("SELECT count(*) FROM telemetry").fetchone()[0])

    def newest(self, machine: str) -> float:
        """Return the newest value of a machine's signal; 0 if there is none."""
        if not self._series:
            named = (
                "SELECT s.id FROM series s JOIN asset a ON a.id = s.asset WHERE a.machine = ? AND kind = 'telemetry'"
            )
            self._series = (self._connection.execute(named, (machine,)).fetchone() or [0])[0]
        last = "SELECT value FROM telemetry WHERE series = ? ORDER BY time DESC LIMIT 1"
        return float((self._connection.execute(last, (self._series,)).fetchone() or [0.0])[0])

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


class InfluxDatabase:
    """A database of an InfluxDB 1, asked over one connection.

    Args:
        host: and port.
        database: its name.
        field: which is counted.
        of_machine: the condition for the points of a machine, `{}` for its name.
    """

    def __init__(self, host: str, database: str, field: str, of_machine: str) -> None:
        self._connection = http.client.HTTPConnection(host, timeout=READY_S)
        self._database, self._field, self._of_machine = database, field, of_machine

    def count(self) -> int:
        """Return how many samples it has."""
        return round(self._ask(f'SELECT count("{self._field}") FROM telemetry'))  # noqa: S608  (our own names)

    def newest(self, machine: str) -> float:
        """Return the newest value of a machine's signal; 0 if there is none."""
        condition = self._of_machine.format(machine)
        return self._ask(f'SELECT last("{self._field}") FROM telemetry WHERE {condition}')  # noqa: S608  (our own names)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _ask(self, statement: str) -> float:
        self._connection.request("GET", "/query?" + urlencode({"db": self._database, "q": statement}))
        answer: dict[str, Any] = json.loads(self._connection.getresponse().read())
        series = answer["results"][0].get("series")
        return float(series[0]["values"][0][1]) if series else 0.0


class Receiver:
    """A receiver that runs.

    Args:
        process: its process.
        database: where it stores; None for one that only receives.
        points: what the database counts of each message.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", database: Database | None = None, points: int = 1) -> None:
        self._process = process
        self._usage = psutil.Process(process.pid)
        self._database = database
        self._points = points

    def cpu_s(self) -> float:
        """Return the CPU time that it has used."""
        times = self._usage.cpu_times()
        return times.user + times.system

    def wait_stored(self, messages: int) -> None:
        """Wait until its database has so many messages."""
        deadline = time.monotonic() + STORED_S
        while self.database.count() < messages * self._points:
            if time.monotonic() > deadline or self._process.poll() is not None:
                sys.exit(f"{self.database.count():,} points of {messages:,} messages are stored after {STORED_S:.0f} s")
            time.sleep(0.05)

    @property
    def database(self) -> Database:
        """Where it stores."""
        assert self._database is not None
        return self._database

    def finished_cpu_s(self) -> float:
        """Wait for the end of one that ends by itself; return the CPU time of its whole life."""
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_utime + usage.ru_stime

    def stop(self) -> None:
        """End it."""
        if self._database is not None:
            self._database.close()
        if self._process.returncode is None:
            self._process.terminate()
            self._process.wait(READY_S)


def mosquitto_sub(url: str, load: Load) -> Receiver:
    """Start `mosquitto_sub`, which ends when it has all messages, and writes them to nowhere."""
    parts = urlsplit(url)
    where = ["-h", str(parts.hostname), "-p", str(parts.port), "-i", "bench-sub"]
    command = ["mosquitto_sub", *where, "-V", "5", "-q", str(load.qos), "-t", f"{PREFIX}/#", "-C", str(load.messages)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    time.sleep(PAUSE_S)
    return Receiver(process)


def corridor(url: str, folder: Path, store: str, load: Load) -> Receiver:
    """Start Corridor's ingest; return when it has subscribed."""
    words = ["ingest", "--broker", url, "--store", store, "--data", str(folder)]
    log = folder / "log"
    with log.open("wb") as target:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "cli.main", *words],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=target,
        )
    deadline = time.monotonic() + READY_S
    while b"connected" not in log.read_bytes():
        if time.monotonic() > deadline or process.poll() is not None:
            sys.exit(f"ingest does not start:\n{log.read_text()[-2_000:]}")
        time.sleep(0.05)
    time.sleep(PAUSE_S)
    address = urlsplit(store)
    if address.scheme == "sqlite":
        return Receiver(process, SqliteDatabase(Path(address.path[1:])), load.signals)
    database = InfluxDatabase(address.netloc, address.path[1:], "value", "machine = '{}'")
    return Receiver(process, database, load.signals)


def telegraf(url: str, folder: Path, store: str, load: Load) -> Receiver:
    """Start Telegraf on a database of an InfluxDB 1."""
    address, broker = urlsplit(store), urlsplit(url).netloc
    database = address.path[1:]
    file = folder / "telegraf.conf"
    text = _TELEGRAF.format(broker=broker, prefix=PREFIX, qos=load.qos, influx=address.netloc, database=database)
    file.write_text(text, encoding="utf-8")
    process = subprocess.Popen(
        ["telegraf", "--quiet", "--config", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(4 * PAUSE_S)
    field = "value" if load.signals == 1 else "values_signal-0"
    return Receiver(process, InfluxDatabase(address.netloc, database, field, "topic =~ /\\/{}\\//"))


def has_telegraf() -> bool:
    """Return whether Telegraf can be compared with."""
    return shutil.which("telegraf") is not None


@contextlib.asynccontextmanager
async def an_influxdb(folder: Path) -> AsyncIterator[str]:
    """Run an InfluxDB; yield its address without the database."""
    port = free_port()
    async with influxd(folder, port):
        yield f"influxdb1://127.0.0.1:{port}"


async def make_store(base: str, name: str) -> str:
    """Make the databases of a store; return its URL."""
    url = f"{base}/{name}"
    async with Setup(parse(url)) as setup:
        await setup.make_buckets()
    return url
