"""Good pieces from those produced and those scrapped, which come a message each, in either order."""

from itertools import pairwise
from typing import Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.contract.events import NS_PER_MS, Count, TimeSource
from edge.dialects.counters import HELD_NS, Counters
from edge.dialects.values import Stamp

START: Final = 1_795_507_200_000_000_000
MACHINE: Final = "a/b/c/m"


class Piece(NamedTuple):
    """A piece: after how long it is finished, and whether the source's gateway begins again before it is."""

    after_ms: int
    is_bad: bool
    restarts: bool = False


class Run:
    """A source's counters, and what becomes of them."""

    def __init__(self, first: str) -> None:
        self.first = first
        self.now = START
        self.sent = {"produced": 0.0, "scrap": 0.0}
        self.found: list[Count] = []
        self.good_at: list[tuple[int, int]] = [(START, 0)]
        self.restart()

    def restart(self) -> None:
        """Begin again, with what is retained."""
        self.counters = Counters()
        for counter, value in self.sent.items():
            self._report(counter, value, "retained")

    def finish(self, piece: Piece) -> None:
        self.pass_time(piece.after_ms * NS_PER_MS)
        moved = ["produced", "scrap"] if piece.is_bad else ["produced"]
        if self.first == "scrap":
            moved.reverse()
        self.good_at.append((self.now, self.good_at[-1][1] + (not piece.is_bad)))
        for counter in moved:
            self.sent[counter] += 1
            self._report(counter, self.sent[counter], "receipt")
            self.pass_time(50 * NS_PER_MS)

    def pass_time(self, passed_ns: int) -> None:
        self.now += passed_ns
        if self.counters.due is not None and self.counters.due <= self.now:
            self._take(self.counters.tick(self.now))

    def good(self) -> list[tuple[int, float]]:
        """Return the times and numbers of good pieces that count: what is retained never does."""
        live = [(one.at, one.good) for one in self.found if one.good is not None and one.time_source != "retained"]
        return sorted(live)

    def _report(self, counter: str, value: float, source: TimeSource) -> None:
        stamp = Stamp(MACHINE, self.now, source, received_at=self.now)
        self._take(self.counters.count(stamp, {counter: value}))

    def _take(self, events: object) -> None:
        assert isinstance(events, list)
        self.found += events


pieces = st.lists(st.builds(Piece, st.integers(100, 15_000), st.booleans(), st.booleans()), min_size=1, max_size=40)


@given(made=pieces, first=st.sampled_from(["produced", "scrap"]))
def test_no_piece_is_good_first_and_then_bad(made: list[Piece], first: str) -> None:
    run = Run(first)
    for piece in made:
        if piece.restarts:
            run.restart()
        run.finish(piece)
    run.pass_time(HELD_NS)
    found = run.good()
    assert all(before <= after for (_, before), (_, after) in pairwise(found))
    for at, good in found:
        assert good <= max(number for since, number in run.good_at if since <= at)
    assert found[-1][1] == run.good_at[-1][1]


@pytest.mark.parametrize("first", ["produced", "scrap"])
def test_a_good_piece_counts_from_when_it_was_finished(first: str) -> None:
    run = Run(first)
    for bad in (False, True, False):
        run.finish(Piece(60_000, bad))
    run.pass_time(HELD_NS)
    found = dict(run.good())
    assert [found.get(at) for at, _ in run.good_at[1::2]] == [1.0, 2.0]


def test_a_source_that_counts_good_pieces_itself_is_not_corrected() -> None:
    counters = Counters()
    stamp = Stamp(MACHINE, START, "receipt", received_at=START)
    for counted in ({"good": 7.0}, {"produced": 9.0}, {"scrap": 1.0}):
        (event,) = counters.count(stamp, counted)
        assert isinstance(event, Count)
        assert {name: getattr(event, name) for name in ("produced", "good", "scrap")} == {
            **dict.fromkeys(("produced", "good", "scrap")),
            **counted,
        }
    assert counters.due is None
