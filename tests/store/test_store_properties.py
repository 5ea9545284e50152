"""Whatever events are written, they come back equal."""

import itertools
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from broker.contract.events import (
    COUNTERS,
    STATES,
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
    Reply,
    Sample,
    StateChange,
    Status,
)
from broker.contract.topics import KINDS, Kind
from services.ledger.fields import MATERIAL_TOTALS
from services.store.interface import Batch, Store
from tests.store.conftest import QUICK_ENGINES

NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,5}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
PERHAPS = st.none() | NUMBERS
SITES = itertools.count()

COMMON: dict[str, st.SearchStrategy[Any]] = {
    "asset": st.sampled_from(["a/l/m1", "a/l/m2", "b/l/m1"]),
    "at": st.integers(0, 50) | st.integers(-(2**40), 2**62 - 1),
    "simulated": st.booleans(),
}
EVENTS: st.SearchStrategy[AnyEvent] = st.one_of(
    st.builds(Sample, **COMMON, signal=NAMES, value=NUMBERS | st.booleans() | TEXTS),
    st.builds(StateChange, **COMMON, state=st.sampled_from(STATES), reason=TEXTS),
    st.builds(Count, **COMMON, **dict.fromkeys(COUNTERS, PERHAPS)).filter(lambda event: bool(_reported(event))),
    st.builds(
        Job,
        **COMMON,
        phase=st.sampled_from(["start", "end"]),
        order=TEXTS,
        product=TEXTS,
        planned=PERHAPS,
        ideal_cycle=PERHAPS,
    ),
    st.builds(Meter, **COMMON, name=NAMES, total=NUMBERS, unit=TEXTS),
    st.builds(
        Measurement,
        **COMMON,
        characteristic=NAMES,
        value=NUMBERS,
        lower=PERHAPS,
        nominal=PERHAPS,
        upper=PERHAPS,
        part=TEXTS,
        unit=TEXTS,
    ),
    st.builds(Labour, **COMMON, present=NUMBERS, working=PERHAPS),
    st.builds(Material, **COMMON, name=NAMES, consumed=NUMBERS, stock=PERHAPS, lost_other=PERHAPS, unit=TEXTS),
    st.builds(
        Notice,
        **COMMON,
        code=TEXTS,
        severity=st.sampled_from(["alarm", "warning", "notice"]),
        text=TEXTS,
        active=st.booleans(),
    ),
    st.builds(Status, **COMMON, online=st.booleans()),
    st.builds(
        Adjust,
        **COMMON,
        **dict.fromkeys(COUNTERS, PERHAPS),
        id=TEXTS,
        reason=TEXTS,
        by=TEXTS,
        void=st.booleans(),
        booked=TEXTS,
    ),
    st.builds(Command, **COMMON, name=NAMES, id=TEXTS, args=TEXTS, by=TEXTS),
    st.builds(Reply, **COMMON, name=NAMES, id=TEXTS, ok=st.booleans(), result=TEXTS),
)
SUBSETS = (Count, Material)
"""Events that report any subset of their fields."""
SUBSET_FIELDS = {*COUNTERS, *MATERIAL_TOTALS, "stock"}
ALL: tuple[Kind, ...] = tuple(sorted(KINDS))  # type: ignore[arg-type]  # they are kinds


@pytest.mark.parametrize("store", QUICK_ENGINES, indirect=True)
@hypothesis.given(batches=st.lists(st.lists(EVENTS, max_size=8), max_size=4))
@hypothesis.settings(max_examples=60, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
async def test_events_come_back_equal_and_the_later_write_wins(store: Store, batches: list[list[AnyEvent]]) -> None:
    site = f"s{next(SITES)}"
    stored: dict[tuple[str, str, str, int], AnyEvent] = {}
    for batch in batches:
        events = [type(event)(**{**_fields(event), "asset": f"{site}/{event.asset}"}) for event in batch]
        await store.write(Batch(events=events))
        for event in events:
            key = (event.asset, event.kind, event.series, event.at)
            stored[key] = _merged(stored.get(key), event)
    found = await store.events(ALL, site, -(2**62), 2**62)
    assert found == sorted(stored.values(), key=lambda event: (event.at, event.asset, event.kind, event.series))
    newest: dict[tuple[str, str, str, str], AnyEvent] = {}
    for event in found:
        if event.at < 25:
            for field in _reported(event) if isinstance(event, SUBSETS) else [""]:
                newest[event.asset, event.kind, event.series, field] = event
    once = {(event.asset, event.kind, event.series, event.at): event for event in newest.values()}
    assert await store.latest_before(ALL, site, 25) == sorted(
        once.values(), key=lambda event: (event.at, event.asset, event.kind, event.series)
    )
    machines = {machine.asset: (machine.first, machine.last) for machine in await store.machines(site)}
    assert machines.keys() == {event.asset for event in stored.values()}
    for asset, (first, last) in machines.items():
        times = [event.at for batch in batches for event in batch if f"{site}/{event.asset}" == asset]
        assert (first, last) == (min(times), max(times))


def _merged(earlier: AnyEvent | None, later: AnyEvent) -> AnyEvent:
    """Return what is stored of two events of one instant: fields that the later does not report stay."""
    if earlier is None or not isinstance(later, SUBSETS):
        return later
    stored = {name: value for name, value in _fields(earlier).items() if name in SUBSET_FIELDS and value is not None}
    return type(later)(**(_fields(later) | stored | {name: getattr(later, name) for name in _reported(later)}))


def _reported(event: AnyEvent) -> list[str]:
    return [name for name, value in _fields(event).items() if name in SUBSET_FIELDS and value is not None]


def _fields(event: AnyEvent) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__struct_fields__}
