"""What every store does with events, and what it knows of machines and signals."""

import asyncio
from collections.abc import Sequence

import pytest

from broker.contract.events import (
    Adjust,
    AnyEvent,
    Command,
    Count,
    Job,
    Labour,
    Material,
    Measurement,
    Meter,
    Notice,
    Part,
    Reply,
    Sample,
    StateChange,
    Status,
)
from broker.contract.kinds import by_id
from broker.contract.samples import Samples
from broker.contract.topics import Kind
from services.store.interface import Batch, Bucket, Machine, NamedSeries, Rejected, Signal, Store

MILL = "sheffield/machining/line-1/mill-2"
OTHER_LINE = "sheffield/machining/line-10/mill-2"
ROBOT = "detroit/assembly/line-1/robot-1"
NOON = 1_764_158_400_000_000_000
S = 1_000_000_000

ONE_OF_EACH: list[AnyEvent] = [
    Sample(asset=MILL, at=NOON, signal="spindle-speed", value=11_999.5, unit="/min"),
    Sample(asset=MILL, at=NOON, signal="tool", value="t-12"),
    Sample(asset=MILL, at=NOON, signal="door-open", value=True),
    StateChange(asset=MILL, at=NOON, state="down", reason="spindle-overheat", simulated=True),
    Count(asset=MILL, at=NOON, produced=812, good=801.5, scrap=9, planned_scrap=0),
    Job(asset=MILL, at=NOON, phase="start", order="wo-1042", product="bracket-7", planned=200, ideal_cycle=42.0),
    Meter(asset=MILL, at=NOON, name="electricity", total=5_123.4, unit="kW.h"),
    Measurement(asset=MILL, at=NOON, characteristic="bore", value=12.013, lower=11.98, upper=12.02, part="b-77"),
    Part(asset=MILL, at=NOON, part="b-77", result="good", seconds=412.5, order="wo-1042", material="heat 118"),
    Labour(asset=MILL, at=NOON, present=3, working=2),
    Material(asset=MILL, at=NOON, name="steel", consumed=12.5, stock=80, unit="kg"),
    Notice(asset=MILL, at=NOON, code="e-204", severity="alarm", text="door “open”", active=False),
    Status(asset=MILL, at=NOON, online=False),
    Adjust(asset=MILL, at=NOON, id="b 17", good=-5, scrap=5, reason="burr", by="ann", booked="2025-11-26T14:00:00Z"),
    Command(asset=MILL, at=NOON, name="start", id="call 1", args='{"speed":1}', by="ann"),
    Reply(asset=MILL, at=NOON + 1, name="start", id="call 1", ok=True, result="[1]"),
]
KINDS: tuple[Kind, ...] = (
    "telemetry",
    "state",
    "count",
    "job",
    "meter",
    "quality",
    "part",
    "labour",
    "material",
    "event",
    "status",
    "adjust",
    "cmd",
    "reply",
)


def in_order(events: Sequence[AnyEvent]) -> list[AnyEvent]:
    return sorted(events, key=lambda event: (event.at, event.asset, event.kind, event.series))


def samples(asset: str, times: Sequence[int], signal: str = "load") -> list[AnyEvent]:
    return [Sample(asset=asset, at=NOON + at, signal=signal, value=float(at)) for at in times]


async def everything(store: Store) -> list[AnyEvent]:
    return await store.events(KINDS, "", 0, 2**62)


async def test_every_kind_of_event_comes_back_as_it_was(store: Store) -> None:
    await store.write(Batch(events=ONE_OF_EACH))
    assert await everything(store) == in_order(ONE_OF_EACH)


async def test_writing_again_changes_nothing(store: Store) -> None:
    for _ in range(3):
        await store.write(Batch(events=ONE_OF_EACH))
    assert await everything(store) == in_order(ONE_OF_EACH)
    assert await store.machines() == [Machine(MILL, NOON, NOON + 1, simulated=False)]


async def test_the_later_write_wins(store: Store) -> None:
    await store.write(Batch(events=[StateChange(asset=MILL, at=NOON, state="running")]))
    await store.write(
        Batch(
            events=[
                StateChange(asset=MILL, at=NOON, state="idle"),
                StateChange(asset=MILL, at=NOON, state="down", reason="jam"),
            ]
        )
    )
    assert await everything(store) == [StateChange(asset=MILL, at=NOON, state="down", reason="jam")]


async def test_a_booking_written_again_is_replaced_as_a_whole(store: Store) -> None:
    at_noon = "2025-11-26T12:00:00Z"
    again = Adjust(asset=MILL, at=NOON, id="1", rework=3, booked=at_noon)
    await store.write(Batch(events=[Adjust(asset=MILL, at=NOON, id="1", good=-2, scrap=2, by="ann", booked=at_noon)]))
    await store.write(Batch(events=[again]))
    assert await everything(store) == [again]


async def test_a_sample_that_becomes_text_is_no_longer_a_number(store: Store) -> None:
    await store.write(Batch(events=[Sample(asset=MILL, at=NOON, signal="load", value=1.0)]))
    await store.write(Batch(events=[Sample(asset=MILL, at=NOON, signal="load", value="high")]))
    assert await everything(store) == [Sample(asset=MILL, at=NOON, signal="load", value="high")]


async def test_series_at_one_instant_are_separate(store: Store) -> None:
    written = [
        *samples(MILL, [0], "load"),
        *samples(MILL, [0], "speed"),
        *samples(ROBOT, [0], "load"),
        Command(asset=MILL, at=NOON, name="start", id="1"),
        Command(asset=MILL, at=NOON, name="start", id="2"),
        Adjust(asset=MILL, at=NOON, id="1", scrap=1, booked="2025-11-26T12:00:00Z"),
        Adjust(asset=MILL, at=NOON, id="2", scrap=2, booked="2025-11-26T12:00:00Z"),
    ]
    await store.write(Batch(events=written))
    assert await everything(store) == in_order(written)


async def test_a_retained_sample_is_not_stored_for_nobody_knows_its_age(store: Store) -> None:
    stale = Sample(asset=MILL, at=NOON, signal="load", value=1.0, time_source="retained")
    state = StateChange(asset=ROBOT, at=NOON, state="running", time_source="retained")
    receipt = Sample(asset=ROBOT, at=NOON, signal="load", value=1.0, time_source="receipt")
    await store.write(Batch(events=[stale, state, receipt]))
    assert [event.asset for event in await everything(store)] == [ROBOT, ROBOT]
    assert [machine.asset for machine in await store.machines()] == [ROBOT]
    assert await store.signals(MILL) == []


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", [ROBOT, MILL, OTHER_LINE]),
        ("sheffield", [MILL, OTHER_LINE]),
        ("sheffield/machining/line-1", [MILL]),
        (MILL, [MILL]),
        ("sheff", []),
        ("sheffield/machining/line-1/mill", []),
        ("nowhere", []),
    ],
)
async def test_an_asset_path_prefix_means_all_under_it(store: Store, path: str, found: list[str]) -> None:
    await store.write(Batch(events=[*samples(MILL, [0]), *samples(OTHER_LINE, [0]), *samples(ROBOT, [0])]))
    assert [event.asset for event in await store.events(["telemetry"], path, 0, 2**62)] == found
    assert [event.asset for event in await store.latest_before(["telemetry"], path, NOON + 1)] == found
    assert [machine.asset for machine in await store.machines(path)] == found
    assert [signal.asset for signal in await store.signals(path)] == found


async def test_a_range_holds_its_start_and_not_its_end(store: Store) -> None:
    await store.write(Batch(events=samples(MILL, range(5))))
    assert await store.events(["telemetry"], MILL, NOON + 1, NOON + 3) == samples(MILL, [1, 2])
    assert await store.events(["telemetry"], MILL, NOON + 3, NOON + 1) == []
    assert await store.events([], MILL, NOON, NOON + 9) == []
    assert await store.events(["kpi"], MILL, NOON, NOON + 9) == []


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("limit", [0, 1, 7, 600, 10_000])
async def test_a_limit_takes_the_first_of_the_whole_order(store: Store, limit: int, *, newest_first: bool) -> None:
    # Many series with many events at the same instants, so that the limit falls among equals.
    written = [event for n in range(12) for event in samples(f"{MILL}{n}", range(0, 300, 1 + n % 3))]
    written += [StateChange(asset=MILL, at=NOON + n, state="idle") for n in range(0, 300, 7)]
    await store.write(Batch(events=written))
    ordered = in_order(written)
    if newest_first:
        ordered.reverse()
    found = await store.events(["telemetry", "state"], "", NOON, NOON + S, limit=limit, newest_first=newest_first)
    assert found == ordered[:limit]


async def test_before_is_the_newest_of_each_series_before_a_time(store: Store) -> None:
    await store.write(Batch(events=[*samples(MILL, [1, 5, 9]), *samples(MILL, [4], "speed"), *samples(ROBOT, [6])]))
    assert await store.latest_before(["telemetry", "state"], "", NOON + 6) == [
        *samples(MILL, [4], "speed"),
        *samples(MILL, [5]),
    ]
    assert await store.latest_before(["telemetry"], "", NOON + 1) == []
    assert await store.latest_before(["state"], "", NOON + 9) == []


async def test_before_has_each_field_once_though_the_machine_was_simulated_and_is_real(store: Store) -> None:
    simulated = Count(asset=MILL, at=NOON, produced=5, good=5, simulated=True)
    real = Count(asset=MILL, at=NOON + 9, produced=1)
    await store.write(Batch(events=[simulated, real]))
    assert await store.latest_before(["count"], MILL, NOON + 10) == [simulated, real]
    real = Count(asset=MILL, at=NOON + 10, produced=1, good=1)
    await store.write(Batch(events=[real]))
    assert await store.latest_before(["count"], MILL, NOON + 11) == [real]
    assert await store.latest_before(["count"], MILL, NOON + 1) == [simulated]


async def test_downsampled_numbers_have_least_mean_greatest_of_each_bucket(store: Store) -> None:
    await store.write(Batch(events=samples(MILL, [0, 1, 2, 10, 19, 40])))
    assert await store.downsampled(MILL, "load", NOON, NOON + 50, 5) == [
        Bucket(NOON, 0, 1, 2, 3),
        Bucket(NOON + 10, 10, 14.5, 19, 2),
        Bucket(NOON + 40, 40, 40, 40, 1),
    ]


async def test_downsampled_never_gives_more_points_than_asked_for(store: Store) -> None:
    await store.write(Batch(events=samples(MILL, range(100))))
    for points in (1, 3, 7, 99, 100, 1_000):
        buckets = await store.downsampled(MILL, "load", NOON, NOON + 100, points)
        assert len(buckets) <= points
        assert sum(bucket.n for bucket in buckets) == 100


async def test_downsampled_text_is_the_last_text_of_each_bucket(store: Store) -> None:
    await store.write(
        Batch(events=[Sample(asset=MILL, at=NOON + at, signal="tool", value=f"t-{at}") for at in (0, 3, 9, 12)])
    )
    assert await store.downsampled(MILL, "tool", NOON, NOON + 20, 2) == [
        Bucket(NOON, None, None, None, 3, "t-9"),
        Bucket(NOON + 10, None, None, None, 1, "t-12"),
    ]


async def test_downsampled_of_what_nobody_sent_is_empty(store: Store) -> None:
    await store.write(Batch(events=samples(MILL, [1])))
    assert await store.downsampled(MILL, "speed", NOON, NOON + 9, 5) == []
    assert await store.downsampled("sheffield", "load", NOON, NOON + 9, 5) == []
    assert await store.downsampled(MILL, "load", NOON + 2, NOON + 9, 5) == []


async def test_a_machine_is_known_by_its_oldest_and_newest_event(store: Store) -> None:
    await store.write(Batch(events=[StateChange(asset=MILL, at=NOON, state="idle", simulated=True)]))
    await store.write(Batch(events=[Status(asset=MILL, at=NOON - 5, online=True)]))
    await store.write(Batch(events=[*samples(MILL, [7, 3]), *samples(ROBOT, [1])]))
    assert await store.machines() == [
        Machine(ROBOT, NOON + 1, NOON + 1, simulated=False),
        Machine(MILL, NOON - 5, NOON + 7, simulated=False),
    ]


async def test_where_a_machines_newest_instant_has_both_the_real_event_decides(store: Store) -> None:
    simulated: AnyEvent = StateChange(asset=MILL, at=NOON, state="idle", simulated=True)
    real: AnyEvent = Sample(asset=MILL, at=NOON, signal="load", value=1.0)
    for events in ([real, simulated], [simulated], [simulated, real], [simulated]):
        await store.write(Batch(events=events))
        assert await store.machines() == [Machine(MILL, NOON, NOON, simulated=False)]


async def test_samples_by_signal_are_written_as_their_events_would_be(store: Store) -> None:
    samples = Samples()
    for at, value, unit, simulated in (
        (NOON + 3, 1.5, "kW", False),
        (NOON + 3, 2.5, "", False),
        (NOON + 1, "a text", "", True),
        (NOON, True, "W", False),
    ):
        samples.add(Sample(asset=MILL, at=at, signal="load", value=value, unit=unit, simulated=simulated))
    samples.add(Sample(asset=ROBOT, at=NOON - 1, signal="load", value=7.0))
    batch = Batch(samples=samples.runs, events=[StateChange(asset=MILL, at=NOON + 2, state="idle", simulated=True)])
    assert batch.event_count == 6
    for _ in range(2):
        await store.write(batch)
        assert [
            (event.asset, event.at, event.value, event.simulated)
            for event in await store.events(["telemetry"], "", 0, 2**62)
            if isinstance(event, Sample)
        ] == [
            (ROBOT, NOON - 1, 7.0, False),
            (MILL, NOON, 1.0, False),
            (MILL, NOON + 1, "a text", True),
            (MILL, NOON + 3, 2.5, False),
        ]
        assert await store.machines() == [
            Machine(ROBOT, NOON - 1, NOON - 1, simulated=False),
            Machine(MILL, NOON, NOON + 3, simulated=False),
        ]
        assert [(each.asset, each.unit, each.kind) for each in await store.signals("")] == [
            (ROBOT, "", "number"),
            (MILL, "W", "number"),
        ]


async def test_a_machine_is_simulated_if_its_newest_event_is(store: Store) -> None:
    await store.write(Batch(events=samples(MILL, [0])))
    await store.write(Batch(events=[StateChange(asset=MILL, at=NOON + 1, state="idle", simulated=True)]))
    await store.write(Batch(events=samples(MILL, [-1])))
    assert await store.machines() == [Machine(MILL, NOON - 1, NOON + 1, simulated=True)]


async def test_a_signal_keeps_its_unit_when_a_message_leaves_it_out(store: Store) -> None:
    def sample(at: int, value: float | str, unit: str) -> Batch:
        return Batch(events=[Sample(asset=MILL, at=NOON + at, signal="load", value=value, unit=unit)])

    await store.write(sample(1, 5.0, "Cel"))
    await store.write(sample(2, 5.0, ""))
    assert await store.signals(MILL) == [Signal(MILL, "load", "Cel", "number", NOON + 1, NOON + 2)]
    await store.write(sample(3, "hot", "K"))
    assert await store.signals("") == [Signal(MILL, "load", "K", "text", NOON + 1, NOON + 3)]


async def test_a_truth_is_a_number(store: Store) -> None:
    await store.write(Batch(events=[Sample(asset=MILL, at=NOON, signal="door-open", value=True)]))
    assert await store.downsampled(MILL, "door-open", NOON, NOON + 1, 1) == [Bucket(NOON, 1, 1, 1, 1)]
    assert [signal.kind for signal in await store.signals(MILL)] == ["number"]


async def test_rejected_messages_are_stored_newest_first(store: Store) -> None:
    rejected = [Rejected(NOON + n, f"corridor/v1/x/{n}", "unknown kind 'x'", b"\xff\x00" * n, 2 * n) for n in range(5)]
    for _ in range(2):
        await store.write(Batch(rejected=rejected))
    assert await store.rejected(NOON, NOON + 4) == rejected[3::-1]
    assert await store.rejected(0, 2**62, limit=2) == [rejected[4], rejected[3]]


async def test_rejected_messages_of_one_instant_are_separate(store: Store) -> None:
    rejected = [Rejected(NOON, f"corridor/v1/{n}", "no", b"x", 1) for n in range(3)]
    await store.write(Batch(rejected=rejected))
    found = await store.rejected(NOON, NOON + 1)
    assert sorted(one.topic for one in found) == [one.topic for one in rejected]


async def test_metadata_is_stored_under_its_name(store: Store) -> None:
    assert await store.metadata("plant") is None
    await store.set_metadata("plant", "[site]\nname = “Sheffield”")
    await store.set_metadata("plant", "")
    await store.set_metadata("else", "x")
    assert await store.metadata("plant") == ""


async def test_many_write_and_ask_at_once(store: Store) -> None:
    async with asyncio.TaskGroup() as tasks:
        for n in range(40):
            tasks.create_task(store.write(Batch(events=samples(f"{MILL}{n}", range(50)))))
            tasks.create_task(store.events(["telemetry"], "", 0, 2**62))
    assert len(await everything(store)) == 2_000


async def test_every_series_is_known_by_name_but_those_of_ids(store: Store) -> None:
    assert await store.series() == []
    others: list[AnyEvent] = [
        Sample(asset=ROBOT, at=NOON + 1, signal="load", value=1),
        StateChange(asset=ROBOT, at=NOON, state="off"),
    ]
    await store.write(Batch(events=[*ONE_OF_EACH, *others]))
    found = await store.series()
    assert len(set(found)) == len(found)
    assert set(found) == {
        NamedSeries(event.asset, event.kind, event.series)
        for event in [*ONE_OF_EACH, *others]
        if event.kind not in by_id()
    }
