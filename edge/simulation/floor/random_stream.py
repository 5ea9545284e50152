"""The random numbers of the simulated shop floor: seeded, and owned by the machine that uses them.

Each machine has one stream a purpose (failures, repairs, quality, …), seeded by the plant's seed, its path and the
purpose. So a run is reproducible, and a change to one machine leaves the random numbers of all others as they were.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, Final

import numpy as np

BLOCK: Final = 512


class RandomStream:
    """One stream of random numbers.

    Args:
        seed: the plant's.
        owner: the machine's asset path.
        purpose: what the numbers are for.
        epoch: how often the simulation was resumed; a resumed one draws other numbers.

    Attributes:
        uniform: returns a number from 0 up to, not including, 1.
        normal: returns a number of the standard normal distribution.
    """

    def __init__(self, seed: int, owner: str, purpose: str, epoch: int = 0) -> None:
        digest = hashlib.sha256(f"{owner} {purpose}".encode()).digest()
        sequence = np.random.SeedSequence([seed, epoch, int.from_bytes(digest[:8])])
        generator = np.random.default_rng(sequence)
        self.uniform = _drawn(generator.random)
        self.normal = _drawn(generator.standard_normal)

    def happens(self, probability: float) -> bool:
        """Return True with the given probability."""
        return self.uniform() < probability

    def exponential(self, mean: float) -> float:
        """Return a waiting time of a Poisson process of that mean."""
        return -mean * math.log1p(-self.uniform())

    def weibull(self, mean: float, shape: float) -> float:
        """Return a Weibull life of that mean: `scale·(−ln(1−u))^(1/shape)`, scale = mean / Γ(1 + 1/shape)."""
        return mean / math.gamma(1 + 1 / shape) * math.pow(-math.log1p(-self.uniform()), 1 / shape)

    def lognormal(self, mean: float, sigma: float) -> float:
        """Return a lognormal number of that mean (not median); `sigma` is that of its logarithm."""
        return mean * math.exp(sigma * self.normal() - sigma * sigma / 2)

    def choose(self, weights: Sequence[float]) -> int:
        """Return an index into `weights`, each as often as its weight."""
        left = self.uniform() * math.fsum(weights)
        for place, weight in enumerate(weights):
            left -= weight
            if left < 0:
                return place
        return len(weights) - 1


def _drawn(draw: Callable[[int], Any]) -> Callable[[], float]:
    """Return what returns the numbers of one block after the other: sensors ask for many a second, each machine."""

    def blocks() -> Iterator[list[float]]:
        while True:
            yield draw(BLOCK)[::-1].tolist()

    return chain.from_iterable(blocks()).__next__
