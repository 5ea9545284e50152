"""Recomputing: events a second of the columnar pass, against the incremental path and a plain scan by Polars.

A day of many machines, states and counts in turn, is in memory as columns; each machine works in two shifts. The
columnar pass makes the minute rows and the rows by reason of it. The incremental path puts the same events one by one
into a history and makes the rows that they touch, as the live service does (some of them, for it takes longer). The
scan sums one number a machine and minute, and is the limit: it reads each event once and decides nothing. Times are
those of the CPU, so that a second is a second of one core.

    ./corridor bench recompute
"""

import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from broker.contract.events import AnyEvent, Count, State, StateChange
from broker.plant.plant_file import parse
from services.ledger.columnar.builder import build
from services.ledger.columnar.columns import CODES, Columns, Slice, Table
from services.ledger.fields import FIELDS
from services.ledger.history import MINUTE, History
from services.ledger.rows import build as build_one
from services.ledger.rules import Rules
from services.ledger.state_timeline import UNKNOWN

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
START = 1_764_028_800 * SECOND
STATES: tuple[State, ...] = ("running", "idle", "running", "down", "running", "starved")
PLANT = parse(
    """
    [calendar.two]
    time-zone = "Europe/London"
    shifts = [
      { name = "early", start = "06:00", end = "14:00", breaks = [{ start = "09:00", end = "09:15" }] },
      { name = "late", start = "14:00", end = "22:00" },
    ]
    [asset.bench]
    calendar = "two"
    ideal-cycle = 20.0
    """,
    "bench",
)


def main() -> None:
    print("events a minute   events      rows   columnar     incremental   scan by Polars, events/s")
    for every_s, machines in ((2, 30), (10, 120), (60, 400)):
        measure(every_s, machines)


def measure(every_s: int, machines: int) -> None:
    """Print a line for machines that report a state and a count every so many seconds."""
    columns = day(every_s, machines)
    events = len(columns.states.at) + len(columns.readings.at)
    rows = len(build(columns).start)
    ours = best(lambda: build(columns))
    one_by_one = incremental(columns, every_s)
    scanned = scan(columns)
    print(
        f"{2 * 60 / every_s:15g} {events:8,} {rows:9,} {events / ours:12,.0f} {one_by_one:13,.0f}"
        f" {events / scanned:16,.0f}   {events / ours / one_by_one:5.0f} × the incremental path,"
        f" {scanned / ours:.2f} of the scan"
    )


def day(every_s: int, machines: int) -> Columns:
    """Return a day of events as columns."""
    draw = np.random.default_rng(1)
    each = 86_400 // every_s
    owner = np.repeat(np.arange(machines), each)
    at = START + np.tile(np.arange(each) * every_s * SECOND, machines) + draw.integers(1, every_s * SECOND, len(owner))
    code = np.tile([CODES[STATES[n % len(STATES)]] for n in range(each)], machines)
    reason = np.where(code == CODES["down"], draw.integers(1, 5, len(code)), 0)
    produced = np.tile(np.arange(each) * SECOND, machines)
    names = [f"bench/area-{n % 7}/line-{n // 50}/machine-{n}" for n in range(machines)]
    slices = tuple(Slice(name, START, START + DAY, Rules.of(PLANT, name), UNKNOWN) for name in names)
    nothing = np.array([], np.int64)
    return Columns(
        machines=slices,
        states=Table(owner, at, (code, reason)),
        links=Table(nothing, nothing, (nothing,)),
        jobs=Table(nothing, nothing, (nothing,) * 3),
        labour=Table(nothing, nothing, (nothing,) * 2),
        stocks=Table(nothing, nothing, (nothing,)),
        stock_machines=nothing,
        readings=Table(owner, at + 1, (np.where(produced, SECOND, 0),)),
        reading_machines=np.arange(machines),
        reading_fields=np.full(machines, FIELDS.index("produced")),
        notes=Table(nothing, nothing, (nothing,)),
        bookings=Table(nothing, nothing, (nothing,) * 2),
        reasons=("", "jam", "tool", "spindle", "door"),
        orders=(),
        products=("-",),
    )


def incremental(columns: Columns, every_s: int) -> float:
    """Return events a second of the way that live events go, over the first events of the first machine."""
    machine = columns.machines[0]
    history = History(START - DAY)
    codes = {code: state for state, code in CODES.items()}
    count = min(4_000, 86_400 // every_s)
    events: list[AnyEvent] = []
    for place in range(count):
        at, code, reason = (int(column[place]) for column in (columns.states.at, *columns.states.values))
        events.append(StateChange(asset="", at=at, state=codes[code], reason=columns.reasons[reason]))
        events.append(Count(asset="", at=at + 1, produced=float(place)))
    began = time.process_time()
    for event in events:
        for minute in sorted(history.put(event, event.at, machine.rules.short_ns)):
            build_one(history, minute, min(minute + MINUTE, event.at + 1), machine.rules)
    return len(events) / (time.process_time() - began)


def scan(columns: Columns) -> float:
    """Return the seconds of a plain sum by machine and minute over all events."""
    owner = np.concatenate((columns.states.owner, columns.readings.owner))
    at = np.concatenate((columns.states.at, columns.readings.at))
    amount = np.concatenate((columns.states.values[0], columns.readings.values[0]))
    if find_spec("polars") is None:
        print("Polars is not installed; the scan is numpy's")
        return best(lambda: np.add.at(np.zeros(2_000_000, np.int64), owner * 1_440 + (at - START) // MINUTE, amount))
    import polars as pl  # noqa: PLC0415  (it is optional)

    frame = pl.DataFrame({"machine": owner, "at": at, "amount": amount})
    by_minute = ["machine", pl.col("at") // MINUTE]
    return best(lambda: frame.lazy().group_by(by_minute).agg(pl.col("amount").sum()).collect())


def best(work: Callable[[], object], times: int = 3) -> float:
    """Return the seconds of CPU of the best of a few runs."""
    taken = []
    for _ in range(times):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return min(taken)


if __name__ == "__main__":
    main()
