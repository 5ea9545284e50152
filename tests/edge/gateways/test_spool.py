"""The spool of a gateway: what is in it survives the process, damage and a full disk, and goes out oldest first."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from broker.contract.message import Publication
from edge.gateways.spool import MOST_BYTES, Spool


def numbered(first: int, last: int, size: int = 1) -> list[Publication]:
    return [
        Publication("a/b", f"{number}".ljust(size).encode(), retain=number % 2 == 0) for number in range(first, last)
    ]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Spool]]:
    """Return what opens the spool of the test's folder, as often as it is called: the processes before it are lost."""
    with ExitStack() as stack:

        def open_(most_bytes: int = MOST_BYTES) -> Spool:
            return stack.enter_context(closing(Spool(tmp_path, most_bytes)))

        yield open_


def rest(spool: Spool) -> list[Publication]:
    found, _ = spool.read(1_000_000)
    return found


def test_what_was_appended_is_read_in_order_until_it_is_released(opened: Callable[..., Spool]) -> None:
    spool = opened()
    spool.append(numbered(0, 10))
    first, place = spool.read(4)
    assert first == numbered(0, 4)
    spool.release(place)
    assert spool.waiting == 6
    lost = opened()
    assert (lost.waiting, rest(lost)) == (6, numbered(4, 10))
    lost.append(numbered(10, 12))
    assert rest(lost) == numbered(10, 12)


def test_segments_that_are_out_leave_the_disk(opened: Callable[..., Spool], tmp_path: Path) -> None:
    spool = opened(16 * 1024)
    spool.append(numbered(0, 100, size=100))
    full = spool.bytes
    _, place = spool.read(99)
    spool.release(place)
    assert spool.bytes < full / 5
    assert len(list(tmp_path.glob("*.spool"))) <= 2
    assert rest(spool) == numbered(99, 100, size=100)


def test_a_full_spool_drops_its_oldest_and_counts_them(opened: Callable[..., Spool]) -> None:
    spool = opened(16 * 1024)
    spool.append(numbered(0, 500, size=100))
    assert spool.bytes <= 17 * 1024
    left = rest(spool)
    assert left == numbered(500 - len(left), 500, size=100)
    assert spool.dropped + len(left) == 500
    assert spool.waiting == len(left) > 50


def test_a_drop_while_the_oldest_are_under_way_leaves_nothing_to_send_twice(opened: Callable[..., Spool]) -> None:
    spool = opened(16 * 1024)
    spool.append(numbered(0, 50, size=100))
    _, place = spool.read(3)
    spool.append(numbered(50, 500, size=100))
    spool.release(place)
    left = rest(spool)
    assert left == numbered(500 - len(left), 500, size=100)
    assert spool.waiting == len(left)


def test_damage_costs_what_is_damaged_and_nothing_else(opened: Callable[..., Spool], tmp_path: Path) -> None:
    spool = opened()
    spool.append(numbered(0, 9, size=50))
    file = next(file for file in sorted(tmp_path.glob("*.spool")) if file.stat().st_size)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)
    hurt = opened()
    assert rest(hurt) == [one for one in numbered(0, 9, size=50) if one != numbered(4, 5, size=50)[0]]
    assert hurt.damaged == 1


def test_a_record_that_was_cut_off_harms_no_later_one(opened: Callable[..., Spool], tmp_path: Path) -> None:
    spool = opened()
    spool.append(numbered(0, 3))
    file = next(file for file in sorted(tmp_path.glob("*.spool")) if file.stat().st_size)
    file.write_bytes(file.read_bytes()[:-2])
    later = opened()
    later.append(numbered(3, 5))
    assert rest(later) == [*numbered(0, 2), *numbered(3, 5)]
