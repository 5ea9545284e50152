"""Any events of a few machines, and any way in which they may come: what Hypothesis draws for the ledger's tests."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st

from broker.contract.events import COUNTERS, Adjust, AnyEvent, Count, Job, Labour, Material, Meter, StateChange, Status
from broker.contract.instants import parse as instant
from broker.plant.plant import NO_PLANT
from broker.plant.plant_file import parse
from tests.ledger.oracle import MINUTE, NANO

T0 = instant("2026-11-24T05:30:00Z")
MACHINES = ("works/hall/line-1/mill-1", "works/hall/line-1/mill-2", "works/hall/line-2/saw-1")
ASSETS = (*MACHINES, "works/hall/line-1", "works/hall", "works", "")
SHIFTS = parse(
    """
    [calendar.shifts]
    time-zone = "UTC"
    shifts = [
      { name = "early", start = "05:00", end = "06:10", breaks = [{ start = "05:45", end = "05:50" }] },
      { name = "late", start = "06:10", end = "08:00", breaks = [{ start = "07:00", end = "07:20" }] },
    ]
    maintenance = [{ date = 2026-11-24, start = "06:30", end = "06:40" }]
    [asset."works/hall/line-1"]
    calendar = "shifts"
    [asset."works/hall/line-1/mill-2"]
    ideal-cycle = 12.5
    [product.bolt]
    ideal-cycle = 0.75
    """,
    "shifts.toml",
)
LONG_STOPS = parse(f'microstop-limit = "17min"\n{SHIFTS.text}', "long-stops.toml")

PLANTS = st.sampled_from([NO_PLANT, SHIFTS, SHIFTS, LONG_STOPS])

# ---- Events, and how they come ----

GAPS = st.one_of(
    st.sampled_from([0, 0, 1, NANO, 7 * NANO + 3, 30 * NANO, 59 * NANO, MINUTE - 1, MINUTE, MINUTE, 61 * NANO]),
    st.sampled_from([4 * MINUTE, 5 * MINUTE - 1, 5 * MINUTE, 16 * MINUTE, 40 * MINUTE, 75 * MINUTE]),
    st.integers(0, 3 * MINUTE),
)
SMALL = st.integers(0, 8).map(float)
PERHAPS = st.none() | SMALL
PARTS = st.sampled_from([0.0, 0.5, 1.0, 1 / 3, 2.7])


def _of(event: type[AnyEvent], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[AnyEvent]:
    """Events that belong to no machine and no time yet."""
    names = tuple(fields)

    def made(values: tuple[Any, ...]) -> AnyEvent:
        return event(asset="", at=0, **dict(zip(names, values, strict=True)))

    return st.tuples(*fields.values()).map(made)


STATES = _of(
    StateChange,
    state=st.sampled_from(
        ["running", "setup", "starved", "blocked", "idle", "down", "down", "maintenance", "off", "unknown"]
    ),
    reason=st.sampled_from(["", "jam", "tool"]),
)
LINKS = _of(Status, online=st.booleans())
COUNTS = _of(Count, produced=SMALL) | _of(
    Count, produced=PERHAPS, good=PERHAPS, scrap=PERHAPS, inspected=PERHAPS
).filter(lambda event: any(getattr(event, counter) is not None for counter in COUNTERS))  # one without any is rejected
JOBS = _of(
    Job,
    phase=st.sampled_from(["start", "start", "end"]),
    order=st.sampled_from(["wo-1", "wo-2", "wo-1", "wo-2", "wo-3"]),
    product=st.sampled_from(["", "bolt", "nut"]),
    ideal_cycle=st.sampled_from([None, 2.0, 1 / 3]),
)
METERS = _of(Meter, name=st.just("electricity"), total=SMALL) | _of(
    Meter, name=st.just("water"), total=SMALL, unit=st.just("L")
)
PEOPLE = _of(Labour, present=PARTS, working=st.none() | PARTS)
MATERIALS = _of(
    Material, name=st.sampled_from(["bar", "oil"]), consumed=PERHAPS, lost_other=PERHAPS, stock=st.none() | PARTS
).filter(lambda event: any(getattr(event, field) is not None for field in ("consumed", "lost_other", "stock")))
SIGNED = st.none() | st.integers(-5, 5).map(float)
BOOKINGS = _of(
    Adjust,
    id=st.sampled_from(["a", "b"]),
    produced=SIGNED,
    good=SIGNED,
    scrap=SIGNED,
    void=st.sampled_from([False, False, True]),
    booked=st.integers(0, 3).map(lambda hours: f"2026-11-25T0{hours}:00:00Z"),
)
EVENTS = st.sampled_from(
    [
        *(STATES, STATES, STATES, STATES, LINKS, LINKS, COUNTS, COUNTS, COUNTS, JOBS),
        *(METERS, PEOPLE, MATERIALS, BOOKINGS, BOOKINGS),
    ]
).flatmap(lambda events: events)


@st.composite
def histories(draw: st.DrawFn, most: int = 24) -> list[AnyEvent]:
    """Events of a few machines in order of time, some close together, some hours apart."""
    machines = MACHINES[: draw(st.sampled_from([1, 1, 2, 3]))]
    events: list[AnyEvent] = []
    at = T0
    for _ in range(draw(st.integers(1, most))):
        at += draw(GAPS)
        event = draw(EVENTS)
        events.append(msgspec.structs.replace(event, asset=draw(st.sampled_from(machines)), at=at))
    return events


class Step(NamedTuple):
    """A batch as it comes, the present then, and what follows it: an advance, a restart, another recording's time."""

    events: list[AnyEvent]
    now: int
    then: str


@st.composite
def deliveries(draw: st.DrawFn, events: list[AnyEvent]) -> list[Step]:
    """Any order, with repeats, in any batches; the present is never far behind the newest event of a recording."""
    coming = list(range(len(events)))
    if draw(st.booleans()):
        coming = draw(st.permutations(coming))
    for repeated in draw(st.lists(st.sampled_from(coming), max_size=6)):
        coming.insert(draw(st.integers(0, len(coming))), repeated)
    behind = draw(st.sampled_from([0, 0, 4 * MINUTE]))
    steps: list[Step] = []
    now = T0
    while coming:
        size = draw(st.sampled_from([1, 1, 2, 3, 5, 30]))
        batch = [events[place] for place in coming[:size]]
        del coming[:size]
        now = max(now, max(event.at for event in batch) - behind)
        now += draw(st.sampled_from([0, 1, NANO, 59 * NANO, 20 * MINUTE, 100 * MINUTE]))
        steps.append(Step(batch, now, draw(st.sampled_from(["", "", "advance", "restart", "another", "catch up"]))))
        if steps[-1].then == "another":
            now = T0
    return steps


def came(steps: Sequence[Step]) -> list[AnyEvent]:
    return [event for step in steps for event in step.events]
