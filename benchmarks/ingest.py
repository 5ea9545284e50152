"""What ingest costs beside `mosquitto_sub`, which only receives, and Telegraf; and how soon a message can be read.

The same messages to each receiver in turn, each on a Mosquitto of its own, as fast as that takes them, after one
message of each device. Counted is the CPU time of the receiving process alone, its client of the store included, in
CPU-seconds per 100,000 messages; the spread is that of the rounds. `to sub` is the ratio to `mosquitto_sub` of the same
round, so that a busy machine slows both down. Then messages come at even rates: CPU again, and the time from publishing
a message until a query of the store returns it. Telegraf (flush interval 100 ms) is compared with where it is on the
PATH.

    ./corridor bench ingest                                 the whole table, some ten minutes
    ./corridor bench ingest --devices 200 --signals 1 --rounds 5 --rates 0
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec
import structlog

from benchmarks._load import Load, Sender, packets
from benchmarks._receivers import (
    Receiver,
    an_influxdb,
    corridor,
    has_telegraf,
    make_store,
    mosquitto_sub,
    telegraf,
)
from broker.contract.message import Publication
from broker.contract.topics import PREFIX
from broker.server.embedded import EmbeddedBroker

SUB: Final = "mosquitto_sub"
PROBE: Final = "probe"
PROBES_PER_S: Final = 100
LOOK_S: Final = 0.001
PER: Final = 100_000
DEVICES_AT_RATE: Final = 200


class Stage:
    """What all measurements share: an InfluxDB if there is one, and a folder."""

    def __init__(self, influxdb: str, folder: Path) -> None:
        self.influxdb, self._folder = influxdb, folder
        self._number = 0

    async def receivers(self) -> list[str]:
        """Return the names of what is compared."""
        names = [SUB, "sqlite", *(["influxdb"] if self.influxdb else [])]
        return [*names, *(["telegraf"] if self.influxdb and has_telegraf() else [])]

    @contextlib.asynccontextmanager
    async def running(self, name: str, load: Load) -> AsyncIterator[tuple[str, Receiver]]:
        """Run a receiver on a broker and an empty store of its own; yield the broker's URL and the receiver.

        A broker that served another receiver before still queues messages for the session that this one left.
        """
        self._number += 1
        folder = self._folder / str(self._number)
        folder.mkdir()
        async with EmbeddedBroker(folder / "broker", port=0, kind="mosquitto") as broker:
            receiver = await self._start(name, load, broker.url, folder)
            try:
                yield broker.url, receiver
            finally:
                await asyncio.to_thread(receiver.stop)

    async def _start(self, name: str, load: Load, url: str, folder: Path) -> Receiver:
        if name == SUB:
            return await asyncio.to_thread(mosquitto_sub, url, load)
        if name == "sqlite":
            return await asyncio.to_thread(corridor, url, folder, f"sqlite:///{folder / 'corridor.db'}", load)
        store = await make_store(self.influxdb, f"bench{self._number}")
        return await asyncio.to_thread(telegraf if name == "telegraf" else corridor, url, folder, store, load)


async def measure_flood(stage: Stage, name: str, load: Load) -> float:
    """Return the CPU time that a receiver takes for a load that comes as fast as it can, seconds."""
    async with stage.running(name, load) as (url, receiver):
        return await asyncio.to_thread(_flood, url, receiver, load, receives_only=name == SUB)


def _flood(url: str, receiver: Receiver, load: Load, *, receives_only: bool) -> float:
    now_ms = time.time_ns() // 1_000_000
    made = packets(load.publications(now_ms - 3_600_000))
    sender = Sender(url)
    if receives_only:
        sender.send(made, load.qos)
        sender.close()
        return receiver.finished_cpu_s()
    first = msgspec.structs.replace(load, messages=load.devices)
    sender.send(packets(first.publications(now_ms - 7_200_000)), load.qos)
    receiver.wait_stored(load.devices)
    before = receiver.cpu_s()
    sender.send(made, load.qos)
    sender.close()
    receiver.wait_stored(load.devices + load.messages)
    return receiver.cpu_s() - before


class Latency(msgspec.Struct, frozen=True):
    """What a receiver takes at an even rate: CPU, and from publishing until readable."""

    cpu_s: float
    p50_ms: float
    p99_ms: float


async def measure_rate(stage: Stage, name: str, rate: int, seconds: float) -> Latency:
    """Measure a receiver at an even rate."""
    load = Load(round(rate * seconds), DEVICES_AT_RATE, 1, 1)
    async with stage.running(name, load) as (url, receiver):
        return await asyncio.to_thread(_pace, url, receiver, load, rate)


def _pace(url: str, receiver: Receiver, load: Load, rate: int) -> Latency:
    """Publish evenly, a probe among it each 10 ms, and look all the time which probe can be read."""
    now_ms = time.time_ns() // 1_000_000
    every = max(1, rate // PROBES_PER_S)
    made, sent_at = packets(load.publications(now_ms)), [0.0]
    topic = f"{PREFIX}/bench/hall/line-0/{PROBE}/telemetry/load"
    for number in range(0, len(made), every):
        sent_at.append(0.0)
        probe = Publication(topic, b'{"ts":%d,"value":%d}' % (now_ms + number, len(sent_at) - 1), qos=1)
        made[number] = packets(iter([probe]))[0]
    sender = Sender(url)
    first = packets(iter([Publication(topic, b'{"ts":%d,"value":0}' % (now_ms - 1_000), qos=1)]))
    sender.send(first, 1)
    receiver.wait_stored(1)
    stamps: list[float] = []
    before = receiver.cpu_s()
    sending = threading.Thread(target=sender.send_evenly, args=(made, 1, rate, stamps))
    sending.start()
    seen_at = [0.0] * len(sent_at)
    seen = 0
    while seen < len(sent_at) - 1:
        newest = round(receiver.database.newest(PROBE))
        now = time.monotonic()
        seen_at[seen + 1 : newest + 1] = [now] * (newest - seen)
        seen = newest
        time.sleep(LOOK_S)
    sending.join()
    used_s = receiver.cpu_s() - before
    sender.close()
    sent_at[1:] = stamps[::every]
    took_ms = sorted((seen_at[one] - sent_at[one]) * 1_000 for one in range(1, len(sent_at)))
    return Latency(used_s, took_ms[len(took_ms) // 2], took_ms[len(took_ms) * 99 // 100])


async def compare_floods(stage: Stage, loads: list[Load], rounds: int) -> None:
    """Measure all receivers with all loads, and print a line for each."""
    print(f"{'devices':>8}{'QoS':>5}{'signals':>9}  {'receiver':<14}{'CPU-s/100,000':>14}{'spread':>14}{'to sub':>8}")
    names = await stage.receivers()
    for load in loads:
        used: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(rounds):
            for name in names:
                used[name].append(await measure_flood(stage, name, load) * PER / load.messages)
        for name in names:
            ratio = statistics.median(one / sub for one, sub in zip(used[name], used[SUB], strict=True))
            spread = f"{min(used[name]):.2f}–{max(used[name]):.2f}"
            middle = statistics.median(used[name])
            which = f"{load.devices:>8,}{load.qos:>5}{load.signals:>9}  {name:<14}"
            print(f"{which}{middle:>14.2f}{spread:>14}{ratio:>7.2f}×", flush=True)


async def compare_rates(stage: Stage, rates: list[int], seconds: float) -> None:
    """Measure those with a store at even rates, and print a line for each."""
    print(f"\n{'rate/s':>8}  {'receiver':<14}{'CPU-s/100,000':>14}{'% of a core':>13}{'p50 ms':>9}{'p99 ms':>9}")
    for rate in rates:
        for name in await stage.receivers():
            if name != SUB:
                found = await measure_rate(stage, name, rate, seconds)
                cost, share = found.cpu_s * PER / (rate * seconds), found.cpu_s / seconds
                print(
                    f"{rate:>8,}  {name:<14}{cost:>14.2f}{share:>13.1%}{found.p50_ms:>9.1f}{found.p99_ms:>9.1f}",
                    flush=True,
                )


def numbers(text: str) -> list[int]:
    """Return the numbers that an option lists; "0" alone is none."""
    return [] if text == "0" else [int(number) for number in text.split(",")]


def qualities(text: str) -> list[int]:
    """Return the qualities of service that an option lists."""
    return [int(number) for number in text.split(",")]


async def run(asked: argparse.Namespace) -> None:
    load = "/".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{os.cpu_count()} cores, load {load} at the begin; {asked.messages:,} messages, {asked.rounds} rounds")
    loads = [
        Load(asked.messages, devices, qos, signals)
        for devices in asked.devices
        for qos in asked.qos
        for signals in asked.signals
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if shutil.which("influxd") is None or "influxdb" not in asked.stores:
            await compare(Stage("", folder), loads, asked)
            return
        (folder / "influx").mkdir()
        async with an_influxdb(folder / "influx") as base:
            await compare(Stage(base, folder), loads, asked)


async def compare(stage: Stage, loads: list[Load], asked: argparse.Namespace) -> None:
    """Run both halves."""
    if loads:
        await compare_floods(stage, loads, asked.rounds)
    if asked.rates:
        await compare_rates(stage, asked.rates, asked.seconds)
    print(f"load at the end {'/'.join(f'{one:.1f}' for one in os.getloadavg())}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=100_000, help="in each run (default 100,000)")
    parser.add_argument("--rounds", type=int, default=3, help="(default 3)")
    parser.add_argument("--devices", type=numbers, default=[1, 200, 10_000], help="(default 1,200,10000; 0 for none)")
    parser.add_argument("--qos", type=qualities, default=[0, 1], help="(default 0,1)")
    parser.add_argument("--signals", type=numbers, default=[1, 10], help="values in a message (default 1,10)")
    parser.add_argument("--stores", type=lambda text: text.split(","), default=["sqlite", "influxdb"])
    parser.add_argument("--rates", type=numbers, default=[1_000, 5_000, 20_000], help="messages a second; 0 for none")
    parser.add_argument("--seconds", type=float, default=10, help="at each rate (default 10)")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    if shutil.which("mosquitto_sub") is None:
        sys.exit("bench ingest compares with mosquitto_sub, which is not installed: apt install mosquitto-clients")
    asyncio.run(run(asked))


if __name__ == "__main__":
    main()
