"""Floods of rejected messages: rows, bytes and memory stay bounded, counts exact, and what is new is still stored."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broker.contract.codec import decode
from broker.contract.errors import ContractError
from broker.contract.message import Message
from services.store import rejections
from services.store.interface import Batch, Rejected, Store, StoreError
from services.store.rejections import Rejections, Tally, reason_class
from services.store.sqlite.file import open_writer
from services.store.sqlite.store import SqliteStore
from tests.store.conftest import MILL

NOON = 1_764_158_400_000_000_000
FOR_EVER = 2**62
FLOOD = 20_000
NEW = Message(f"corridor/v1/{MILL}/quality/diameter", b'{"value":"wide"}', received_at=NOON + 1)

Flood = Callable[[random.Random, int], Message]


def one_reason(_: random.Random, n: int) -> Message:
    return Message(f"corridor/v1/{MILL}/state", b"Running", received_at=NOON + n)


def values_that_vary(rng: random.Random, n: int) -> Message:
    return Message(f"corridor/v1/{MILL}/state", rng.randbytes(8).hex().encode(), received_at=NOON + n)


def topics_that_vary(rng: random.Random, n: int) -> Message:
    topic = "/".join(rng.randbytes(4).hex() for _ in range(4))
    return Message(f"corridor/v1/{topic}/state", b"Running", received_at=NOON + n)


def topics_of_no_contract(rng: random.Random, n: int) -> Message:
    topic = "/".join(rng.randbytes(4).hex().upper() for _ in range(rng.randint(1, 12)))
    return Message(topic, b"x" * 2_000, received_at=NOON + n)


def long_topics(rng: random.Random, n: int) -> Message:
    return Message(f"corridor/v1/{rng.randbytes(2_000).hex()}", b"x", received_at=NOON + n)


def machines_of_one_site(rng: random.Random, n: int) -> Message:
    return Message(f"corridor/v1/leeds/shop/line-1/m{rng.randrange(9_999)}/state", b"{", received_at=NOON + n)


def many_kinds(rng: random.Random, n: int) -> Message:
    kind = rng.choice(["state", "count", "job", "meter/power", "telemetry", "status", "labour", "event/e-1"])
    payloads = [
        b"",
        b"{",
        b'{"ts":1}',
        b"\xff\xfe",
        b"[1,",
        b"21,5",
        b"NaN",
        b'{"value":NaN}',
        b'"' + bytes(900) + b'"',
    ]
    payload = rng.choice([*payloads, rng.randbytes(12), f'{{"{rng.randrange(9**9)}":1'.encode()])
    return Message(f"corridor/v1/{MILL}-{rng.randrange(99)}/{kind}", payload, received_at=NOON + n)


FLOODS: list[Flood] = [
    one_reason,
    values_that_vary,
    topics_that_vary,
    topics_of_no_contract,
    long_topics,
    machines_of_one_site,
    many_kinds,
]


def rejected(message: Message) -> Rejected | None:
    try:
        decode(message)
    except ContractError as error:
        return Rejected.of(message, error)
    return None


def batches(floods: list[Flood], messages: int = FLOOD, size: int = 500) -> Iterator[list[Rejected]]:
    rng = random.Random(7)
    batch: list[Rejected] = []
    for n in range(messages):
        one = rejected(floods[n % len(floods)](rng, n))
        if one is not None:
            batch.append(one)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.slow
@pytest.mark.parametrize("floods", [*([flood] for flood in FLOODS), FLOODS], ids=lambda floods: floods[-1].__name__)
async def test_a_flood_is_stored_within_its_quota_and_counted_exactly(tmp_path: Path, floods: list[Flood]) -> None:
    store = await SqliteStore.open(tmp_path / "corridor.db")
    sent = 0
    fresh = rejected(NEW)
    assert fresh is not None
    messages = FLOOD if len(floods) > 1 else FLOOD // 4
    for number, batch in enumerate(batches(floods, messages)):
        sent += len(batch)
        await store.write(Batch(rejected=batch))
        if number == 5:
            await store.write(Batch(rejected=[fresh]))
            sent += 1
    rows = await store.rejected(0, FOR_EVER)
    assert sent > messages // 2
    assert sum(row.count for row in rows) == sent
    assert fresh in rows
    assert len([row for row in rows if not row.is_count]) <= rejections.HOUR_ROWS + rejections.MOST_REASONS
    assert len(rows) <= rejections.HOUR_ROWS + 3 * rejections.MOST_REASONS + rejections.MOST_GROUPS + 1
    status = await store.status()
    assert status.rejected.n == sent
    await store.close()
    assert (tmp_path / "corridor.db").stat().st_size < 2_000_000


@pytest.mark.slow
async def test_a_flood_of_an_hour_and_a_day_leaves_room(tmp_path: Path) -> None:
    clock = Clock()
    limits = Rejections(clock)
    stored: set[tuple[int, str, bytes]] = set()
    whole = 0
    minutes = range(0, 24 * 60, 20)
    flood = list(batches(FLOODS, 700))
    for minute in minutes:
        clock.now = minute * 60.0
        for batch in flood:
            moved = [Rejected(one.at + minute, one.topic, one.reason, one.payload, one.size) for one in batch]
            with limits.draft() as draft:
                rows = draft.rows(moved)
            stored |= {(row.at, row.topic, row.payload) for row in rows}
            whole += sum(not row.is_count for row in rows)
        assert limits.size <= rejections.MOST_GROUPS + rejections.MOST_REASONS + 1
    assert whole <= rejections.DAY_ROWS + 24 * rejections.MOST_REASONS
    assert len(stored) <= whole + len(minutes) * (rejections.MOST_GROUPS + rejections.MOST_REASONS + 1)


def test_the_next_hour_stores_the_same_again_and_counts_from_one() -> None:
    clock = Clock()
    limits = Rejections(clock)
    messages = [Rejected(NOON + n, "corridor/v1/a/b/c/d/state", "payload is empty; send", b"", 0) for n in range(30)]
    for hour in range(2):
        clock.now = hour * rejections.HOUR_S
        with limits.draft() as draft:
            rows = draft.rows(messages)
        assert rows[:-1] == messages[: rejections.FEW]
        assert rows[-1] == Rejected(
            NOON + rejections.FEW,
            "corridor/v1/a/b/c/d/#",
            "25 more like it: payload is empty",
            b"payload is empty",
            0,
            25,
        )


def test_a_batch_that_could_not_be_written_has_not_been_counted() -> None:
    limits = Rejections(Clock())
    first = limits.draft().rows(next(batches([one_reason])))
    assert limits.draft().rows(next(batches([one_reason]))) == first


def test_sparse_counts_are_returned_at_1_10_100() -> None:
    limits = Rejections(Clock(), sparse=True)
    reported: list[int] = []
    for (message,) in batches([one_reason], 2_000, size=1):
        with limits.draft() as draft:
            reported += [row.count for row in draft.rows([message])]
    assert reported == [*[1] * rejections.FEW, 1, 10, 100, 1_000]


def test_reasons_without_their_values_are_few() -> None:
    tally = Tally()
    total = 0
    for batch in batches(FLOODS, 7_000):
        for one in batch:
            tally.add(one.reason)
            total += 1
    assert len(tally.counts) < rejections.MOST_REASONS
    assert sum(tally.counts.values()) == total
    assert tally.counts["unknown state …"] > 1_000


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        ("unknown state 'it\\'s; so'; use one of running", "unknown state …"),
        ("""site "it's" is not a name; use a-z""", "site … is not a name"),
        ("time is 17 days ago, retention is 30 days; set", "time is N days ago, retention is N days"),
        ("topic has 9 levels after corridor/v1, expected 5; x", "topic has N levels after corridor/vN, expected N"),
        ("InfluxDB: unable to parse 'x\"y' 1': bad", "InfluxDB: unable to parse"),
        ("", "other reasons"),
    ],
)
def test_a_class_is_the_reason_without_values_and_advice(reason: str, name: str) -> None:
    assert reason_class(reason) == name


def test_reasons_beyond_the_limit_are_counted_together() -> None:
    tally = Tally()
    limits = Rejections(Clock())
    with limits.draft() as draft:
        for n in range(5_000):
            word = "".join(chr(97 + int(digit)) for digit in str(n))
            tally.add(word)
            draft.rows([Rejected(n, f"corridor/v1/{word}/x", word, b"", 0)])
    assert len(tally.counts) == rejections.MOST_REASONS + 1
    assert limits.size <= rejections.MOST_GROUPS + rejections.MOST_REASONS + 1


async def test_both_engines_count_what_they_do_not_store(store: Store) -> None:
    sent = 0
    for batch in batches(FLOODS, 4_000):
        await store.write(Batch(rejected=batch))
        sent += len(batch)
    rows = await store.rejected(0, FOR_EVER)
    assert sum(row.count for row in rows) == sent
    assert len(rows) < 400


async def test_an_older_file_gets_the_column_for_counts(tmp_path: Path) -> None:
    path = tmp_path / "corridor.db"
    open_writer(path).close()
    with sqlite3.connect(path) as old:
        old.execute("DROP VIEW rejected_view")
        old.execute("ALTER TABLE rejected DROP COLUMN count")
        old.execute("INSERT INTO rejected (time, topic, reason, payload, bytes) VALUES (1, 't', 'r', x'', 0)")
    old.close()
    store = await SqliteStore.open(path)
    assert await store.rejected(0, 9) == [Rejected(1, "t", "r", b"", 0)]
    await store.close()


async def test_a_write_that_fails_leaves_the_count_as_it_was(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "corridor.db")
    (batch,) = batches([one_reason], 500)
    with pytest.raises(StoreError):
        await store.write(Batch(rejected=[*batch, Rejected(2**70, "t", "r", b"", 0)]))
    await store.write(Batch(rejected=batch))
    assert sum(row.count for row in await store.rejected(0, FOR_EVER)) == 500
    await store.close()
