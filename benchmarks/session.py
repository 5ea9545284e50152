"""What receiving costs: our session beside libmosquitto and aiomqtt, in CPU-seconds per 100,000 messages.

One Mosquitto, the same messages (110 bytes of JSON over 200 topics) published as fast as the broker takes them, and one
receiver after the other, each in a process of its own. Counted is the CPU time of the receiving process alone, without
the start of the interpreter; libmosquitto is measured as `mosquitto_sub`, written in C, writing to nowhere. Each
receiver takes its messages and acknowledges them, no more. Medians of three rounds; on a busy machine read the ratios.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import aiomqtt
import structlog

from broker.mqtt.session import Publication, Session
from broker.server.embedded import EmbeddedBroker

TOPICS: Final = 200
CHUNK: Final = 5_000
PAUSE_S: Final = 0.3
"""For `mosquitto_sub`, which does not say when it has subscribed."""

RECEIVERS: Final = ("session", "libmosquitto", "aiomqtt")


def messages(count: int, qos: int) -> list[Publication]:
    """Return the messages that all receivers get."""
    return [
        Publication(
            f"bench/plant/area/line-{number % TOPICS // 20}/machine-{number % 20}/telemetry/spindle-load",
            b'{"ts":%d,"value":%.6f,"unit":"Cel","quality":"good","simulated":true,"comment":"%031d"}'
            % (1_732_420_800_000 + number, 20 + number % 977 / 31, number),
            qos=qos,
        )
        for number in range(count)
    ]


async def receive_session(url: str, count: int, qos: int) -> float:
    """Receive with our session; return the CPU time, seconds."""
    _ = qos  # it subscribes at QoS 1, which covers both
    async with Session(url, client_id="bench-receiver", filters=["bench/#"]) as session:
        print("ready", flush=True)
        start_s = time.process_time()
        received = 0
        async for batch in session.batches():
            received += len(batch)
            batch.acknowledge()
            if received >= count:
                break
        return time.process_time() - start_s


async def receive_aiomqtt(url: str, count: int, qos: int) -> float:
    """Receive with aiomqtt; return the CPU time, seconds."""
    parts = urlsplit(url)
    async with aiomqtt.Client(parts.hostname or "", parts.port or 0) as client:
        await client.subscribe("bench/#", qos=qos)
        print("ready", flush=True)
        start_s = time.process_time()
        received = 0
        async for _ in client.messages:
            received += 1
            if received >= count:
                break
        return time.process_time() - start_s


PYTHON_RECEIVERS: Final[dict[str, Callable[[str, int, int], Coroutine[Any, Any, float]]]] = {
    "session": receive_session,
    "aiomqtt": receive_aiomqtt,
}


def start(receiver: str, url: str, count: int, qos: int) -> subprocess.Popen[bytes]:
    """Start a receiver; return when it has subscribed."""
    if receiver != "libmosquitto":
        command = [sys.executable, __file__, "--receiver", receiver, url, str(count), str(qos)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        return process
    parts = urlsplit(url)
    where = ["-h", str(parts.hostname), "-p", str(parts.port)]
    command = ["mosquitto_sub", *where, "-V", "5", "-q", str(qos), "-t", "bench/#", "-C", str(count)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    time.sleep(PAUSE_S)
    return process


async def measure(receiver: str, url: str, publications: list[Publication]) -> tuple[float, float]:
    """Publish to one receiver; return its CPU time and the time that it took, seconds."""
    count = len(publications)
    process = await asyncio.to_thread(start, receiver, url, count, publications[0].qos)
    start_s = time.monotonic()
    async with Session(url, client_id="bench-sender") as session:
        for first in range(0, count, CHUNK):
            await session.publish(*publications[first : first + CHUNK])
        _, status, usage = await asyncio.to_thread(os.wait4, process.pid, 0)
    took_s = time.monotonic() - start_s
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{receiver} ended with status {process.returncode}")
    if process.stdout is None:
        return usage.ru_utime + usage.ru_stime, took_s
    with process.stdout:
        return float(process.stdout.readline()), took_s


async def compare(count: int, rounds: int) -> None:
    """Measure all receivers at both qualities of service, and print the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedBroker(Path(folder), port=0, kind="mosquitto") as broker:
            print(f"{'receiver':<14}{'QoS':>4}{'CPU-s per 100,000':>20}{'messages/s':>13}{'to ours':>10}")
            for qos in (0, 1):
                publications = messages(count, qos)
                ours = 0.0
                for receiver in RECEIVERS:
                    runs = [await measure(receiver, broker.url, publications) for _ in range(rounds)]
                    cpu_s = statistics.median(cpu for cpu, _ in runs) * 100_000 / count
                    rate = count / statistics.median(took for _, took in runs)
                    ours = ours or cpu_s
                    print(f"{receiver:<14}{qos:>4}{cpu_s:>20.2f}{rate:>13,.0f}{cpu_s / ours:>9.1f}×", flush=True)


def main() -> None:
    """Run the comparison, or one receiver of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=50_000, help="in each run (default 50,000)")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median is taken (default 3)")
    parser.add_argument("--receiver", nargs=4, metavar=("NAME", "URL", "COUNT", "QOS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    if shutil.which("mosquitto_sub") is None:
        sys.exit("bench session compares with mosquitto_sub, which is not installed: apt install mosquitto-clients")
    with contextlib.suppress(KeyboardInterrupt):
        if arguments.receiver:
            name, url, count, qos = arguments.receiver
            print(asyncio.run(PYTHON_RECEIVERS[name](url, int(count), int(qos))), flush=True)
        else:
            asyncio.run(compare(arguments.messages, arguments.rounds))


if __name__ == "__main__":
    main()
