import math
from collections.abc import Sequence

import pytest

from edge.simulation.floor.random_stream import RandomStream

N = 20_000


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def test_streams_are_reproducible_and_independent() -> None:
    one, same = RandomStream(1, "mill-1", "failures"), RandomStream(1, "mill-1", "failures")
    assert [one.uniform() for _ in range(600)] == [same.uniform() for _ in range(600)]
    first = {
        RandomStream(seed, owner, purpose, epoch).uniform()
        for seed in (1, 2)
        for owner in ("mill-1", "mill-2")
        for purpose in ("failures", "repairs")
        for epoch in (0, 1)
    }
    assert len(first) == 16


@pytest.mark.parametrize("shape", [0.8, 1.0, 1.5, 3.0])
def test_weibull_has_the_mean_that_was_asked_for(shape: float) -> None:
    stream = RandomStream(1, "m", "test")
    assert mean([stream.weibull(100, shape) for _ in range(N)]) == pytest.approx(100, rel=0.03)


def test_lognormal_has_the_mean_and_the_sigma_of_its_logarithm() -> None:
    stream = RandomStream(1, "m", "test")
    values = [stream.lognormal(4.0, 0.9) for _ in range(N)]
    assert mean(values) == pytest.approx(4.0, rel=0.05)
    logs = [math.log(value) for value in values]
    assert mean([(one - mean(logs)) ** 2 for one in logs[:2_000]]) ** 0.5 == pytest.approx(0.9, rel=0.05)


def test_exponential_has_the_mean() -> None:
    stream = RandomStream(1, "m", "test")
    assert mean([stream.exponential(5) for _ in range(N)]) == pytest.approx(5, rel=0.03)


def test_choices_come_as_often_as_their_weights() -> None:
    stream = RandomStream(1, "m", "test")
    chosen = [stream.choose([1, 0, 3]) for _ in range(N)]
    assert chosen.count(1) == 0
    assert chosen.count(2) / N == pytest.approx(0.75, abs=0.02)
    assert mean([stream.happens(0.2) for _ in range(N)]) == pytest.approx(0.2, abs=0.02)
