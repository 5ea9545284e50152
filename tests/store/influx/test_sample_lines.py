"""The writer's fast path for samples: the same lines as without it, whatever came before."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from broker.contract.events import AnyEvent, Notice, Sample
from broker.contract.samples import Samples
from services.store.influx.address import parse
from services.store.influx.events import Places
from services.store.influx.http import InfluxServer
from services.store.influx.names import Buckets
from services.store.influx.registry import REFRESH_NS
from services.store.influx.samples import SampleLines
from services.store.influx.writing import Writing

NOW = 1_795_507_200_000_000_000
SERVER = InfluxServer(parse("influxdb1://127.0.0.1/corridor"), query_limit_s=1)
"""It is not asked: lines are made without it."""

COMMON = {
    "asset": st.sampled_from(["a/l/m/1", "a/l/m/2"]),
    "at": st.integers(0, 6) | st.integers(-(2**40), 2**62),
    "simulated": st.booleans(),
    "time_source": st.sampled_from(["device", "receipt", "retained"]),
}
samples = st.builds(
    Sample,
    **COMMON,
    signal=st.sampled_from(["load", "an odd=name, with\\"]),
    value=st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9) | st.booleans() | st.text(max_size=3),
    unit=st.sampled_from(["", "", "Cel", "kW"]),
)
notices = st.builds(Notice, **COMMON, code=st.just("x"))
plain = st.builds(
    Sample,
    asset=st.just("a/l/m/1"),
    at=st.integers(0, 9),
    signal=st.just("load"),
    value=st.floats(0, 9),
    unit=st.just(""),
)
batches = st.lists(
    st.tuples(st.integers(0, 2 * REFRESH_NS), st.lists(plain | samples | notices, max_size=8)), max_size=4
)


class Slow(SampleLines):
    """No fast path."""

    def line(self, event: Sample, now: int) -> str | None:
        return None


def lines(given: Sequence[tuple[int, Sequence[AnyEvent]]], *, is_slow: bool) -> list[list[str]]:
    """Return the lines of each batch, those of machines and signals in no order."""
    writing = Writing(SERVER, Buckets.of("corridor"))
    if is_slow:
        writing._samples = Slow(writing._registry)
    found, now = [], NOW
    for later, events in given:
        now += later
        found.append(writing._event_lines(events, Places(), now))
        found += [sorted(part) for part in writing._registry.lines()]
    return found


@given(batches)
def test_the_lines_of_samples_are_the_same_on_either_path(given: list[tuple[int, list[AnyEvent]]]) -> None:
    assert lines(given, is_slow=False) == lines(given, is_slow=True)


@given(st.lists(st.tuples(st.integers(0, 2 * REFRESH_NS), st.lists(plain | samples, max_size=8)), max_size=4))
def test_the_lines_of_runs_are_those_of_their_samples(given: list[tuple[int, list[Sample]]]) -> None:
    by_run, one_by_one = (Writing(SERVER, Buckets.of("corridor")) for _ in range(2))
    now = NOW
    for later, events in given:
        now += later
        some = Samples()
        for event in events:
            some.add(event)
        in_order = [event for run in some.runs for event in run]
        assert by_run._run_lines(some.runs, Places(), now) == one_by_one._event_lines(in_order, Places(), now)
        found, expected = by_run._registry.lines(), one_by_one._registry.lines()
        assert [sorted(part) for part in found] == [sorted(part) for part in expected]
