"""Watching a soak: how far the store is behind, and what each process takes of memory and descriptors."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

import psutil

from broker.contract.events import NS_PER_S
from broker.contract.instants import FOR_EVER
from broker.contract.topics import Kind
from cli.soak.devices import Device
from cli.soak.processes import Part
from services.store.interface import Store, StoreError

LAG_EVERY_S: Final = 0.5
BEHIND_S: Final = 3.0
"""A store whose newest event is older than this is behind, seconds."""
SAMPLE_EVERY_S: Final = 1.0
WARM_S: Final = 20.0
"""A process takes memory in its first seconds that it does not take for ever."""
TREND_FROM: Final = 20
"""So many samples are needed in each quarter."""
GROWS_BY: Final = 1.25
GROWS_BYTES: Final = 32 * 1024 * 1024
GROWS_DESCRIPTORS: Final = 16
"""What the median of the last quarter may be above that of the first: by a factor, and by an amount."""

LOOKED_AT: Final[tuple[Kind, Kind]] = ("telemetry", "count")
"""A kind that `ingest` stores, and one that `kpi` does."""


class Lag:
    """How long what is published takes to be in the store, by one device whose clock is right.

    Args:
        store: looked into.
        device: whose events.

    Attributes:
        now_s: how old the newest stored event of the slower service is, seconds.
        longest_s: how long it took at most from the end of a fault until the store was up to date again.
    """

    def __init__(self, store: Store, device: Device) -> None:
        self._store, self._device = store, device
        self._restored_at = time.monotonic()
        self._troubles = 0
        self._behind = False
        self.now_s = 0.0
        self.longest_s = 0.0

    def trouble(self, change: int) -> None:
        """Take note that a fault began (1) or ended (-1)."""
        self._troubles += change
        if not self._troubles:
            self._restored_at = time.monotonic()

    async def watch(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            await asyncio.sleep(LAG_EVERY_S)
            self.now_s = await self._look()
            if self.now_s > BEHIND_S:
                self._behind = True
            elif self._behind and not self._troubles:
                self._behind = False
                self.longest_s = max(self.longest_s, time.monotonic() - self._restored_at)

    async def _look(self) -> float:
        try:
            newest = [await self._store.latest_before([kind], self._device.asset, FOR_EVER) for kind in LOOKED_AT]
        except StoreError:
            return self.now_s + LAG_EVERY_S
        sent = [n for n, done in enumerate(self._device.acknowledged[-200:]) if done]
        if not sent:
            return 0.0
        last = self._device.sent_at[max(0, len(self._device.sent_at) - 200) + sent[-1]]
        # Nothing is behind what was acknowledged last: where nothing is sent, nothing comes.
        reached = min(max((event.at for event in events), default=0) for events in newest)
        return max(0.0, (last - reached) / NS_PER_S) if reached else min(BEHIND_S * 2, self.now_s + LAG_EVERY_S)


class Sample(NamedTuple):
    """What a process takes: seconds since the soak began and since its own start, bytes, descriptors."""

    at_s: float
    age_s: float
    memory: int
    descriptors: int


class Growth(NamedTuple):
    """What a process took in the first and last quarter of a soak (medians), and whether that is flat.

    Attributes:
        flat: None where there are too few samples.
    """

    name: str
    memory: tuple[float, float]
    descriptors: tuple[float, float]
    flat: bool | None


class Usage:
    """What each process takes, sampled.

    Args:
        parts: the processes.
        length_s: how long the soak is to be.
    """

    def __init__(self, parts: Sequence[Part], length_s: float) -> None:
        self._parts, self._length_s = parts, length_s
        self._began_s = time.monotonic()
        self.samples: dict[str, list[Sample]] = {part.name: [] for part in parts}

    async def watch(self) -> None:
        """Sample now and then, until cancelled."""
        every_s = max(SAMPLE_EVERY_S, self._length_s / 3_600)
        while True:
            await asyncio.sleep(every_s)
            for part in self._parts:
                process = part.process
                if process is None:
                    continue
                try:
                    with process.oneshot():
                        age_s = time.time() - process.create_time()
                        memory, descriptors = process.memory_info().rss, process.num_fds()
                except psutil.Error:
                    continue
                sample = Sample(time.monotonic() - self._began_s, age_s, memory, descriptors)
                self.samples[part.name].append(sample)

    def curve(self, name: str, points: int = 8) -> list[Sample | None]:
        """Return a process's memory over the soak: the median sample of each of so many parts."""
        samples = self.samples[name]
        step_s = max(self._length_s, samples[-1].at_s if samples else 0.0) / points
        intervals = [[one for one in samples if int(one.at_s / step_s) == number] for number in range(points)]
        return [sorted(each, key=lambda one: one.memory)[len(each) // 2] if each else None for each in intervals]

    def growth(self, name: str) -> Growth:
        """Compare a process's first and last quarter; what it takes while it is young is left out."""
        samples = [one for one in self.samples[name] if one.age_s > WARM_S]
        quarter_s = (samples[-1].at_s - samples[0].at_s) / 4 if samples else 0.0
        first = [one for one in samples if one.at_s <= samples[0].at_s + quarter_s]
        last = [one for one in samples if one.at_s >= samples[-1].at_s - quarter_s]
        if not samples:
            return Growth(name, (0.0, 0.0), (0.0, 0.0), None)
        memory = (_median(first, 2), _median(last, 2))
        descriptors = (_median(first, 3), _median(last, 3))
        flat = (
            memory[1] <= max(memory[0] * GROWS_BY, memory[0] + GROWS_BYTES)
            and descriptors[1] <= descriptors[0] + GROWS_DESCRIPTORS
        )
        return Growth(name, memory, descriptors, flat if min(len(first), len(last)) >= TREND_FROM else None)


def _median(samples: Sequence[Sample], field: int) -> float:
    return statistics.median(one[field] for one in samples)
