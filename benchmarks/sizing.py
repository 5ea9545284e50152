"""What a plant needs: CPU and memory of each part by number of machines, and bytes a day of the store.

The shipped plant, its lines as often as asked for, runs at real speed: simulator, broker, ingest, ledger and wall as
processes of their own, as in the stack, over SQLite and (where `influxd` is installed) InfluxDB. After half a minute
to warm up, CPU time and memory are read off over the time that follows. A message costs the same whoever sends it, so
the figures hold for real machines that send as much: the first column has how much that is.

Bytes are those of three hours of the plant, written as fast as it goes and then put in order (SQLite's log written
back, InfluxDB's files compacted). They grow with time and with machines, so eight machines stand for all.

    ./corridor bench sizing                    10, 100 and 1,000 machines, two minutes each
    ./corridor bench sizing 100 10 [sqlite]    100 machines, ten minutes
"""

import asyncio
import contextlib
import logging
import os
import re
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil

from broker.contract.events import NS_PER_MS, NS_PER_S
from broker.contract.topics import PREFIX
from broker.mqtt.session import Session
from broker.server.embedded import EmbeddedBroker
from cli.running.loop import log_to_stderr
from edge.simulation import districts
from edge.simulation.simulation import Simulation
from services.kpi.ledger_writer import LedgerWriter
from services.store.influx.address import parse
from services.store.influx.setup import Setup
from services.store.interface import Batch
from services.store.opening import open_store

ROOT = Path(__file__).resolve().parent.parent
MACHINES_IN_PLANT = 8
PAUSE_S = 30.0
HOURS = 3
COLD_S = 5
INGESTED = {"telemetry", "event", "cmd", "reply"}
NAMES = {"mosquitto": "broker", "influxd": "influxd"}
PARTS = ("broker", "simulator", "ingest", "kpi", "wall", "influxd")


async def main(machines: list[int], minutes: float, kinds: list[str]) -> None:
    log_to_stderr(logging.WARNING)
    a_day: dict[str, float] = {}
    for kind in kinds:
        with tempfile.TemporaryDirectory() as folder:
            events, a_day[kind] = await bytes_a_machine_day(Path(folder), kind)
            print(f"{kind:10}{a_day[kind] / 1e6:6.1f} MB a machine and day, {events / MACHINES_IN_PLANT:,.0f} events")
    print(f"{'':28}messages   MB a day    CPU, % of a core (memory, MB)")
    print(f"{'machines  store':28}a second   of store    {'  '.join(f'{part:>12}' for part in PARTS)}", flush=True)
    for number in machines:
        for kind in kinds:
            with tempfile.TemporaryDirectory() as folder:
                await measure(Path(folder), number, minutes * 60, kind, a_day[kind])


async def bytes_a_machine_day(folder: Path, kind: str) -> tuple[float, float]:
    """Write hours of the plant into a store; return the events, and the bytes of the store, of eight machines a day."""
    plant = districts.plant()
    end = time.time_ns() // NS_PER_MS * NS_PER_MS
    start = now = end - HOURS * 3_600 * NS_PER_S
    simulation = Simulation(plant, start - NS_PER_S)
    events = 0
    async with contextlib.AsyncExitStack() as stack:
        url, stored = await a_store(stack, folder, kind)
        store = await open_store(url)
        empty = size(stored)
        writer = LedgerWriter(store, plant, lambda: now)
        while now < end:
            now += 10 * NS_PER_S
            reported = simulation.run_until(now)
            events += len(reported)
            await store.write(Batch(events=[event for event in reported if event.kind in INGESTED]))
            await writer.store_events([event for event in reported if event.kind not in INGESTED])
            await writer.advance()
        await store.close()
        if kind == "influxdb":
            await asyncio.sleep(4 * COLD_S)
        days = HOURS / 24
        return events / days, (size(stored) - empty) / days / MACHINES_IN_PLANT


async def measure(folder: Path, machines: int, seconds: float, kind: str, bytes_a_day: float) -> None:
    """Run a plant of so many machines for a while, and print a line."""
    copies = max(1, round(machines / MACHINES_IN_PLANT))
    plant = folder / "plant.toml"
    plant.write_text(repeated(districts.plant().text, copies), encoding="utf-8")
    async with contextlib.AsyncExitStack() as stack:
        broker = await stack.enter_async_context(EmbeddedBroker(folder / "broker", port=0, kind="mosquitto"))
        store, _ = await a_store(stack, folder, kind)
        children = psutil.Process().children(recursive=True)
        processes = {NAMES[child.name()]: child for child in children if child.name() in NAMES}
        common = ("--broker", broker.url, "--data", str(folder / "data"))
        for part, words in {
            "kpi": ("kpi", "serve", "--store", store, "--plant", str(plant)),
            "ingest": ("ingest", "--store", store),
            "wall": ("wall", "--store", store, "--plant", str(plant), "--port", str(free_port())),
            "simulator": ("simulate", "--plant", str(plant)),
        }.items():
            processes[part] = await run(stack, *words, *common)
        received = await stack.enter_async_context(counted(broker.url))
        await asyncio.sleep(PAUSE_S)
        begin = {part: cpu_s(process) for part, process in processes.items()}
        messages, began = received[0], time.monotonic()
        await asyncio.sleep(seconds)
        passed = time.monotonic() - began
        used = {part: (cpu_s(process) - begin[part]) / passed for part, process in processes.items()}
        rate = (received[0] - messages) / passed
        memory = {part: process.memory_info().rss / 1e6 for part, process in processes.items()}
    columns = [f"{used[part]:6.1%} ({memory[part]:3.0f})" if part in used else "–" for part in PARTS]
    simulated = copies * MACHINES_IN_PLANT
    print(
        f"{simulated:8,}  {kind:18}{rate:8.0f}   {bytes_a_day * simulated / 1e6:8.0f}    "
        + "  ".join(f"{column:>12}" for column in columns),
        flush=True,
    )


async def a_store(stack: contextlib.AsyncExitStack, folder: Path, kind: str) -> tuple[str, Path]:
    """Make a store that is there as long as the stack; return its URL and its folder."""
    stored = folder / "store"
    stored.mkdir()
    if kind == "sqlite":
        return f"sqlite:///{stored / 'corridor.db'}", stored
    port = free_port()
    await stack.enter_async_context(influxd(stored, port))
    url = f"influxdb1://127.0.0.1:{port}/corridor"
    async with Setup(parse(url)) as setup:
        await setup.make_buckets()
    return url, stored


def repeated(text: str, copies: int) -> str:
    """Return a plant description with each of its lines so many times: their tables, and what others say of them."""
    made: list[str] = []
    for table in re.split(r"(?m)^(?=\[)", text):
        is_of_line = "line-1" in table.partition("\n")[0]
        for part in [table] if is_of_line else table.splitlines(keepends=True):
            times = copies if "line-1" in part else 1
            made += [part.replace("line-1", f"line-{number}") for number in range(1, times + 1)]
    return "".join(made)


async def run(stack: contextlib.AsyncExitStack, *words: str) -> psutil.Process:
    """Start a command of ours, ended with the stack."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "cli.main", *words),
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    stack.push_async_callback(ended, process)
    return psutil.Process(process.pid)


async def ended(process: asyncio.subprocess.Process) -> None:
    """End a process, and say so if it had ended by itself: then the figures are of nothing."""
    if process.returncode is not None:
        print(f"a part ended by itself with status {process.returncode}", file=sys.stderr)
        return
    process.terminate()
    await process.wait()


@contextlib.asynccontextmanager
async def influxd(data: Path, port: int) -> AsyncIterator[None]:
    """Run InfluxDB 1.x; what it holds is compacted soon after the last write."""
    settings = {
        "BIND_ADDRESS": f"127.0.0.1:{free_port()}",
        "HTTP_BIND_ADDRESS": f"127.0.0.1:{port}",
        "REPORTING_DISABLED": "true",
        "META_DIR": str(data / "meta"),
        "DATA_DIR": str(data / "data"),
        "DATA_WAL_DIR": str(data / "wal"),
        "DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION": f"{COLD_S}s",
        "DATA_COMPACT_FULL_WRITE_COLD_DURATION": f"{COLD_S}s",
        "DATA_INDEX_VERSION": "tsi1",
        "MONITOR_STORE_ENABLED": "false",
        "HTTP_LOG_ENABLED": "false",
    }
    process = await asyncio.create_subprocess_exec(
        "influxd",
        env=os.environ | {f"INFLUXDB_{name}": value for name, value in settings.items()},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with httpx.AsyncClient() as client, asyncio.timeout(20):
        while True:
            with contextlib.suppress(httpx.TransportError):
                await client.get(f"http://127.0.0.1:{port}/ping")
                break
            await asyncio.sleep(0.1)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


@contextlib.asynccontextmanager
async def counted(url: str) -> AsyncIterator[list[int]]:
    """Count what is published; yields a list whose only member is the number so far."""
    number = [0]

    async def count(session: Session) -> None:
        async for batch in session.batches():
            number[0] += sum("/kpi/" not in message.topic for message in batch.messages)
            batch.acknowledge()

    async with Session(url, client_id="bench-sizing", filters=[f"{PREFIX}/#"]) as session:
        task = asyncio.create_task(count(session))
        yield number
        task.cancel()


def cpu_s(process: psutil.Process) -> float:
    """Return the CPU time that a process has used."""
    times = process.cpu_times()
    return times.user + times.system


def size(folder: Path) -> int:
    """Return the bytes of what a store holds: of SQLite its file, of InfluxDB its compacted files."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.suffix in {".db", ".tsm"})


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


if __name__ == "__main__":
    chosen = [int(sys.argv[1])] if len(sys.argv) > 1 else [10, 100, 1_000]
    lasting = float(sys.argv[2]) if len(sys.argv) > 2 else 2.0
    engines = sys.argv[3:] or ["sqlite", *(["influxdb"] if shutil.which("influxd") else [])]
    asyncio.run(main(chosen, lasting, engines))
