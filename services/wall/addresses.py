"""What an address of the API asks for: its parameters, the parts of the wall that it is put to, and shared questions.

Times go in as RFC 3339, epoch milliseconds or words (`now-8h`, `shift`). JSON, CSV and pictures share what is here.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Final, cast

import msgspec
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from broker.contract.topics import check_asset
from broker.plant.plant import Plant
from services.health.vitals import Vitals
from services.query.answers import Answer
from services.query.asked_range import Range, RangeError, cut, duration
from services.query.data_quality.never_reported import ever_counted
from services.query.explaining import Explanation, explain
from services.query.forecast import Plan, plan_of
from services.query.groups import By
from services.query.periods import Cut, periods
from services.query.states.stops import Stop, stops
from services.store.interface import Store
from services.wall.answers.answering import Answers
from services.wall.answers.asset_range import AssetRanges
from services.wall.answers.beside import limited
from services.wall.live.live_state import LiveState
from services.wall.live.stream import Stream

MOST_ASSETS: Final = 200
MOST_PLANNED: Final = 2_000
"""Machines under an asset whose pieces are held against a plan."""
From = Annotated[str, QueryParameter(name="from", description="RFC 3339, epoch ms, now-8h, shift or previous-shift")]
To = Annotated[str, QueryParameter(name="to", description="RFC 3339, epoch ms, now or now-1h; now if left out")]
Assets = Annotated[list[str], QueryParameter(name="asset", description="asset paths; with several, a list is returned")]
Every = Annotated[str, QueryParameter(name="every", description="1h, 1d …, day or shift: a list, one an interval")]
GroupBy = Annotated[
    By | None, QueryParameter(name="by", description="a list: one an hour, day, shift of a day, name of a shift …")
]
Named = Annotated[str, QueryParameter(name="indicator", description="its name, as in the answer")]
Retired = Annotated[bool, QueryParameter(name="retired", description="retired machines, too")]
ForReason = Annotated[
    str | None, QueryParameter(name="reason", description="for this reason only; '' for those without one")
]
Rated = Annotated[bool, QueryParameter(name="rated", description="without machines that lack what OEE needs")]
AssetPath = Annotated[
    str, QueryParameter(name="asset", description="an asset path, whole or cut short; '' is everything")
]


class Parts(msgspec.Struct):
    """What the handlers work with.

    Attributes:
        live_state: how things stand now.
        stream: sends pages what changes.
        store: the past.
        answers: the indicators.
        plant: titles, calendars, targets.
        now: the time, nanoseconds.
        services: those of this process, the wall itself among them.
    """

    live_state: LiveState
    stream: Stream
    store: Store
    answers: Answers
    plant: Plant
    now: Callable[[], int]
    services: Sequence[Vitals] = ()

    @property
    def ranges(self) -> AssetRanges:
        """What an address means for an asset."""
        return AssetRanges(self.plant, self.live_state, self.now)

    def range_of(self, asset: str, start: str, end: str) -> Range:
        """Return the range that an address means for an asset; one that has no calendar goes by its first machine's."""
        return self.ranges.range(asset, start, end)

    def cut(self, asset: str, time_range: Range, every: str, start: str) -> list[tuple[int, int]]:
        """Return the intervals of a range: production days, shifts, or of a length.

        Those of a length begin with the range, unless it moves with the clock: then at whole hours or days where the
        asset is.
        """
        if every in {"day", "shift"}:
            found = periods(
                self.plant, asset, self.machines_of(asset), cast("Cut", every), (time_range.start, time_range.end)
            )
            return [(each.start, each.end) for each in found]
        zone = self.plant.time_zone_of(asset) if start.startswith("now-") else ""
        return cut(time_range, duration(every), zone)

    def machines_of(self, asset: str) -> list[str]:
        """Return the machines under an asset: declared ones in the order of the plant, then newcomers by name."""
        return self.ranges.machines(asset)


Wall = NamedDependency[Parts]


def checked(asset: str) -> str:
    """Return an asset path of an address; '' is the whole plant.

    Raises:
        ContractError: it is none.
    """
    return check_asset(asset) if asset else asset


async def answers_of(
    parts: Parts, asset: list[str], start: str, end: str, *, every: str, by: By | None
) -> list[Answer]:
    """Return the answers that an address asks for.

    Raises:
        RangeError: it asks for too much at once.
    """
    if len(asset) > MOST_ASSETS:
        raise RangeError(f"{len(asset)} assets at once; ask for at most {MOST_ASSETS}")
    if every and by:
        raise RangeError("every and by at once: ask for one of them")
    ranged = [(path, parts.range_of(path, start, end)) for path in map(checked, asset)]
    path, time_range = ranged[0]
    async with limited():
        if by is not None:
            return [
                each
                for path, time_range in ranged
                for each in await parts.answers.by(path, by, time_range.start, time_range.end)
            ]
        if every:
            return [await parts.answers.of(path, *each) for each in parts.cut(path, time_range, every, start)]
        return [await parts.answers.of(path, time_range.start, time_range.end) for path, time_range in ranged]


async def plans_of(parts: Parts, asset: list[str], start: str, end: str, every: str) -> list[Plan]:
    """Return the plans that an address asks for."""
    ranged = [(path, parts.range_of(path, start, end)) for path in map(checked, asset[:MOST_ASSETS])]
    if every:
        path, time_range = ranged[0]
        ranged = [(path, Range(*each)) for each in parts.cut(path, time_range, every, start)]

    async def counted(machine: str, end: int) -> bool:
        return await ever_counted(parts.store, machine, end)

    async with limited():
        return [
            await plan_of(
                path, time_range, _planned(parts, path), parts.plant, ask=parts.answers.of, ever_counted=counted
            )
            for path, time_range in ranged
        ]


async def stops_of(parts: Parts, asset: str, start: str, end: str, reason: str | None) -> list[Stop]:
    """Return the stops that an address asks for."""
    time_range = parts.range_of(checked(asset), start, end)
    return await parts.answers.beside.ask(
        lambda store: stops(store, asset, time_range.start, time_range.end, reason=reason)
    )


async def explanation_of(parts: Parts, asset: str, indicator: str, start: str, end: str, *, rated: bool) -> Explanation:
    """Return the explanation that an address asks for."""
    time_range = parts.range_of(checked(asset), start, end)
    between = (time_range.start, time_range.end)
    now = parts.now()
    return await parts.answers.beside.ask(
        lambda store: explain(store, parts.plant, asset, indicator, between, now=now, rated=rated)
    )


def _planned(parts: Parts, asset: str) -> list[str]:
    machines = parts.machines_of(asset)
    if len(machines) > MOST_PLANNED:
        raise RangeError(
            f"{len(machines)} machines are too many to be held against a plan: ask for an area or a line,"
            f" with at most {MOST_PLANNED}"
        )
    return machines
