"""`corridor score`: the ledger held against the simulator's own log of the truth."""

import asyncio
import json
import time
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from broker.contract import instants
from broker.contract.events import Adjust, StateChange
from broker.plant.plant import Plant
from cli.invocation import options, times
from cli.invocation.errors import CommandError
from cli.invocation.plain import plain
from cli.invocation.terminal import console, titled
from cli.ledger.score_range import ScoreRange, range_of
from cli.running.stores import PlantFile, opened, plant_of
from edge.simulation import ground_truth
from edge.simulation.event_buffer import GroundTruth, TrueState
from edge.simulation.ground_truth import Until
from services.ledger import entries
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
    scores, compared = asyncio.run(_scored(lines, store or default_url(data), plant, last, is_growing=is_growing))
    differing = [one.asset for one in scores if one.differences()]
    if json_:
        typer.echo(json.dumps(_document(scores, compared)))
    else:
        _print(scores, compared.start, compared.end)
    for note in compared.notes:
        typer.echo(plain(note), err=True)
    if differing:
        typer.echo(f"corridor: the ledger differs from the ground truth: {', '.join(differing)}", err=True)
        raise typer.Exit(1)


async def _scored(
    lines: list[GroundTruth | Until], url: str, plant_file: Path | None, last: float | None, *, is_growing: bool
) -> tuple[list[Score], ScoreRange]:
    async with opened(url, existing=True) as store:
        plant = await plant_of(store, plant_file)
        found = await range_of(store, lines, last)
        scores = await compare(store, plant, lines, found.start, found.end, left_out=found.left_out)
        if is_growing and any(one.differences() for one in scores):
            await asyncio.sleep(PATIENCE_S)  # rows of the newest events may be about to be written
            scores = await compare(store, plant, lines, found.start, found.end, left_out=found.left_out)
        return scores, found


async def compare(
    store: Store,
    plant: Plant,
    lines: list[GroundTruth | Until],
    start: int,
    end: int,
    *,
    left_out: Container[str] = (),
) -> list[Score]:
    """Return the score of each machine that the truth knows. What was booked by hand is expected in the ledger, too.

    Args:
        store: with events and ledger.
        plant: the calendars that the ledger is made with.
        lines: of the truth log.
        start: nanoseconds since 1970-01-01 UTC.
        end: the same.
        left_out: machines that are not compared.
    """
    scores = []
    for asset, budget in ground_truth.budgets(lines, start, end).items():
        if asset in left_out:
            continue
        reported_state = await reported(store, plant, asset, start, end)
        stored = (await measure(store, plant, asset, start, end, now=end)).total()
        pieces = {counter: made * NANO for counter, made in budget.pieces.items()}
        booked = await _booked(store, asset, start, end)
        expected = {counter: made + booked.get(counter, 0) for counter, made in pieces.items()}
        scores.append(
            Score(
                asset,
                _compared(budget.states, reported_state.states),
                _compared(pieces, {counter: reported_state.pieces.get(counter, 0) for counter in pieces}),
                _compared(
                    _time(true_time(plant, asset, lines, start, end)) | expected,
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


async def _booked(store: Store, asset: str, start: int, end: int) -> Sums:
    """Return what was booked by hand in start < t ≤ end."""
    booked: Sums = {}
    for event in await store.events(("adjust",), asset, start + 1, end + 1):
        if isinstance(event, Adjust):
            add(booked, dict(entries.booked(event)))
    return booked


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


# ---- How it is shown ----


def _document(scores: list[Score], compared: ScoreRange) -> dict[str, Any]:
    return {
        "from": instants.format_rfc3339(compared.start),
        "to": instants.format_rfc3339(compared.end),
        "notes": compared.notes,
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
