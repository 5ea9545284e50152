"""`corridor score`: the ledger held against the simulator's own log of the truth."""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from broker.contract import instants
from broker.contract.events import StateChange
from broker.contract.instants import FOR_EVER
from broker.plant.plant import Plant
from cli.invocation import options, times
from cli.invocation.errors import CommandError
from cli.invocation.plain import plain
from cli.invocation.terminal import console, titled
from cli.running.stores import PlantFile, opened, plant_of
from edge.simulation import ground_truth
from edge.simulation.event_buffer import GroundTruth, TrueState
from edge.simulation.ground_truth import Until
from services.ledger.fields import NANO, TIME, Sums, add
from services.ledger.history import History
from services.ledger.rows import build
from services.ledger.rules import Rules
from services.query.ranges import measure
from services.query.states.reported import reported
from services.store.interface import Store
from services.store.opening import default_url

PATIENCE_S: Final = 2.0
"""So long after the truth is written its messages are in the store, if all goes well."""
GROWING_S: Final = 10.0
"""A log that was written to since is being written to."""
_BESIDE: Final = {"idle_s": "idle_s", "no_order_s": "idle_s"}
"""The truth log does not know orders, so time without one is idle time."""


class Compared(msgspec.Struct, frozen=True):
    """One amount, as it truly is and as it was found: nanoseconds, or 10⁻⁹ pieces."""

    what: str
    truth: int
    found: int


class Score(msgspec.Struct, frozen=True):
    """A machine's score.

    Attributes:
        states: time in each state, by the events.
        pieces: by counter, by the events.
        ledger: the ledger's time, planned or not by the machine's calendar, and its pieces.
    """

    asset: str
    states: list[Compared]
    pieces: list[Compared]
    ledger: list[Compared]

    def differences(self) -> list[Compared]:
        """Return what is not as it should be."""
        return [one for one in (*self.states, *self.pieces, *self.ledger) if one.truth != one.found]


def score(
    *,
    last: Annotated[
        float | None, typer.Option("--last", metavar="D", parser=times.duration_s, help="The last 8h, 7d …; or all.")
    ] = None,
    store: options.Store = "",
    data: options.Data,
    plant: PlantFile = None,
    json_: options.Json = False,
) -> None:
    """Compare the ledger with the simulator's ground truth, to the nanosecond; exit status 1 where they differ."""
    file = data / ground_truth.FILE_NAME
    if not file.exists():
        raise CommandError(f"there is no ground truth at {file}", "name the data folder of a demo with --data")
    is_growing = time.time() - file.stat().st_mtime < GROWING_S
    lines = list(ground_truth.read(file))
    scores, (start, end, note) = asyncio.run(
        _scored(lines, store or default_url(data), plant, last, is_growing=is_growing)
    )
    differing = [one.asset for one in scores if one.differences()]
    if json_:
        typer.echo(json.dumps(_document(scores, start, end)))
    else:
        _print(scores, start, end)
    if note:
        typer.echo(plain(note), err=True)
    if differing:
        typer.echo(f"corridor: the ledger differs from the ground truth: {', '.join(differing)}", err=True)
        raise typer.Exit(1)


async def _scored(
    lines: list[GroundTruth | Until], url: str, plant_file: Path | None, last: float | None, *, is_growing: bool
) -> tuple[list[Score], tuple[int, int, str]]:
    async with opened(url, existing=True) as store:
        plant = await plant_of(store, plant_file)
        start, end, note = await _range(store, lines, last)
        scores = await compare(store, plant, lines, start, end)
        if is_growing and any(one.differences() for one in scores):
            await asyncio.sleep(PATIENCE_S)  # the newest messages may be on their way
            scores = await compare(store, plant, lines, start, end)
        return scores, (start, end, note)


async def compare(store: Store, plant: Plant, lines: list[GroundTruth | Until], start: int, end: int) -> list[Score]:
    """Return the score of each machine that the truth knows.

    Args:
        store: with events and ledger.
        plant: the calendars that the ledger is made with.
        lines: of the truth log.
        start: nanoseconds since 1970-01-01 UTC.
        end: the same.
    """
    scores = []
    for asset, budget in ground_truth.budgets(lines, start, end).items():
        reported_state = await reported(store, plant, asset, start, end)
        stored = (await measure(store, plant, asset, start, end, now=end)).total()
        pieces = {counter: made * NANO for counter, made in budget.pieces.items()}
        scores.append(
            Score(
                asset,
                _compared(budget.states, reported_state.states),
                _compared(pieces, {counter: reported_state.pieces.get(counter, 0) for counter in pieces}),
                _compared(
                    _time(true_time(plant, asset, lines, start, end)) | pieces,
                    _time(stored) | {counter: stored.get(counter, 0) for counter in pieces},
                ),
            )
        )
    return scores


def true_time(plant: Plant, asset: str, lines: Iterable[GroundTruth | Until], start: int, end: int) -> Sums:
    """Return the ledger's time of a machine, made of its true states and its calendar."""
    history = History(start)
    for line in lines:
        if isinstance(line, TrueState) and line.asset == asset:
            history.put(StateChange(asset=asset, at=line.at, state=line.state, reason=line.reason), line.at, 0)
    total: Sums = {}
    for sums in build(history, start, end, Rules.of(plant, asset)).sums.values():
        add(total, sums)
    return total


def _time(sums: Sums) -> Sums:
    found: Sums = {}
    for field in TIME:
        name = _BESIDE.get(field, field)
        found[name] = found.get(name, 0) + sums.get(field, 0)
    return found


def _compared(true: Mapping[Any, int], found: Mapping[Any, int]) -> list[Compared]:
    names = dict.fromkeys([*true, *found])
    compared = [Compared(name, true.get(name, 0), found.get(name, 0)) for name in names]
    return [one for one in compared if one.truth or one.found]


async def _range(store: Store, lines: list[GroundTruth | Until], last: float | None) -> tuple[int, int, str]:
    """Return the range that is compared, and why it is not all that the truth covers (or nothing).

    Raises:
        CommandError: there is none.
    """
    end = max((line.at for line in lines if isinstance(line, Until)), default=0) - 1
    first = min((line.at for line in lines), default=0)
    if end <= first:
        raise CommandError("the ground truth covers no time yet", "wait a minute")
    start, note = first, ""
    asked = first if last is None else end - round(last * NANO)
    machines = {line.asset for line in lines if isinstance(line, TrueState)}
    stored = [await _first_stored(store, machine) for machine in machines]
    if min(stored) > first + NANO:
        start = max(stored)
        note = f"older events than {instants.format_rfc3339(start)} are not in the store"
    if start >= end:
        raise CommandError("the store has no events of the simulator", "name its store with --store")
    return max(start, asked), end, note if asked < start else ""


async def _first_stored(store: Store, machine: str) -> int:
    """Return from when on both states and counts of a machine are in the store."""
    firsts = [
        event.at
        for kind in (("state",), ("count",))
        for event in await store.events(kind, machine, -FOR_EVER, FOR_EVER, limit=1)
    ]
    return max(firsts, default=FOR_EVER)


# ---- How it is shown ----


def _document(scores: list[Score], start: int, end: int) -> dict[str, Any]:
    return {
        "from": instants.format_rfc3339(start),
        "to": instants.format_rfc3339(end),
        "equal": not any(one.differences() for one in scores),
        "machines": [
            {
                "asset": one.asset,
                "equal": not one.differences(),
                **{
                    name: {each.what: {"truth": each.truth / NANO, "found": each.found / NANO} for each in compared}
                    for name, compared in (("states", one.states), ("pieces", one.pieces), ("ledger", one.ledger))
                },
            }
            for one in scores
        ],
    }


def _print(scores: list[Score], start: int, end: int) -> None:
    shown = console()
    shown.soft_wrap = True
    shown.print(f"Ground truth, {instants.format_rfc3339(start)} to {instants.format_rfc3339(end)}")
    for one in scores:
        wrong = one.differences()
        shown.print()
        shown.print(titled(one.asset, "  ").append(*(("differs", "red") if wrong else ("equal", "green"))))
        shown.print("  " + ", ".join(f"{each.what} {each.truth / NANO:,.10g} s" for each in one.states))
        shown.print("  " + ", ".join(f"{each.what} {each.truth / NANO:,.10g}" for each in one.pieces))
        for source, compared in (("events have", one.states + one.pieces), ("ledger has", one.ledger)):
            for each in compared:
                if each in wrong:
                    by = f"{(each.found - each.truth) / NANO:+,.10g}"
                    shown.print(f"  {each.what}: the {source} {each.found / NANO:,.10g}, {by}")
