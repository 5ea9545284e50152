import time

import pytest

from edge.simulation.clock import FastClock, RealClock, VirtualClock

S = 1_000_000_000


async def test_a_virtual_clock_is_where_it_was_asked_to_wait_for() -> None:
    clock = VirtualClock(5 * S)
    assert clock.now() == 5 * S
    await clock.sleep_until(1_000_000 * S)
    assert clock.now() == 1_000_000 * S
    await clock.sleep_until(7 * S)
    assert clock.now() == 1_000_000 * S


async def test_a_fast_clock_begins_where_it_is_set_and_runs_ahead() -> None:
    began = time.monotonic_ns()
    clock = FastClock(1_000 * S, 10_000)
    await clock.sleep_until(1_100 * S)
    assert clock.now() >= 1_100 * S
    assert clock.now() - 1_000 * S <= (time.monotonic_ns() - began) * 10_000


async def test_the_real_clock_shows_the_computers_time() -> None:
    clock = RealClock()
    before = time.time_ns()
    await clock.sleep_until(before + 1_000_000)
    assert before + 1_000_000 <= clock.now() <= time.time_ns()


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_clock_that_stands_is_rejected(speed: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        FastClock(0, speed)
