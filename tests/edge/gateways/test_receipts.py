"""Receipts: a message that is delivered again has the time of its first receipt, and a new one its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from broker.contract.message import Message
from edge.gateways.receipts import MOST, Receipts


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], Receipts]]:
    """Return what opens the receipts of the test's folder, as often as it is called: earlier processes are lost."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(Receipts(tmp_path / "receipts")))


def message(payload: str, at: int, *, again: bool = False) -> Message:
    return Message("tele/plug/SENSOR", payload.encode(), received_at=at, redelivered=again)


def times(receipts: Receipts, *messages: Message) -> list[int]:
    return [one.received_at for one in receipts.stamped(messages)]


def test_what_is_delivered_again_after_the_end_of_the_process_has_its_first_time(
    opened: Callable[[], Receipts],
) -> None:
    times(opened(), message("1", 10), message("2", 20))
    later = opened()
    assert times(later, message("2", 90, again=True), message("3", 91), message("1", 92)) == [20, 91, 92]


def test_of_equal_messages_each_is_itself_again_after_every_connection() -> None:
    receipts = Receipts()
    assert times(receipts, message("on", 10), message("on", 20), message("on", 30)) == [10, 20, 30]
    for _ in range(2):
        receipts.reconnected()
        again = times(receipts, message("on", 90, again=True), message("on", 91, again=True), message("on", 92))
        assert (sorted(again[:2]), again[2]) == ([20, 30], 92)
        receipts = Receipts()
        times(receipts, message("on", 10), message("on", 20), message("on", 30))


def test_a_record_that_was_cut_off_harms_no_later_one(opened: Callable[[], Receipts], tmp_path: Path) -> None:
    file = tmp_path / "receipts"
    times(opened(), message("1", 10), message("2", 20))
    file.write_bytes(file.read_bytes()[:-3])
    times(opened(), message("3", 30))
    assert times(opened(), message("1", 90, again=True), message("3", 91, again=True)) == [10, 30]


@pytest.mark.slow
def test_only_the_latest_are_remembered(opened: Callable[[], Receipts], tmp_path: Path) -> None:
    receipts = opened()
    for number in range(8 * MOST):
        times(receipts, message(str(number), number))
    last = 8 * MOST - 1
    assert (tmp_path / "receipts").stat().st_size < 100 * MOST
    assert times(opened(), message(str(last), 0, again=True), message("5", 7, again=True)) == [
        last,
        7,
    ]
