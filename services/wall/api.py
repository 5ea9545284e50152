"""The wall's HTTP interface: the addresses under `/api/v1`, all of them for reading only.

Each handler turns a question into one of the store, the live state or the answers, and hands the outcome on as it is:
no number is made here. What an address may ask is in `addresses`. Times come out as RFC 3339 in documents that people
read and as epoch milliseconds in series that screens draw.
"""

import asyncio
from typing import Annotated, Any, Final, Literal, cast

from litestar import get
from litestar.exceptions import NotFoundException, ServiceUnavailableException
from litestar.params import QueryParameter
from litestar.response import Stream as StreamResponse

from broker.contract.events import NS_PER_S
from broker.contract.instants import format_rfc3339
from broker.contract.topics import KINDS, Kind
from services.query.answers import Answer
from services.query.asked_range import RangeError
from services.query.constraint import constraint
from services.query.explaining import Explanation
from services.query.forecast import Plan
from services.query.states.state_intervals import StateIntervals, state_intervals
from services.query.states.stops import Stop
from services.store import retiring
from services.wall.addresses import (
    AssetPath,
    Assets,
    Every,
    ForReason,
    From,
    GroupBy,
    Named,
    Rated,
    Retired,
    To,
    Wall,
    answers_of,
    checked,
    explanation_of,
    plans_of,
    stops_of,
)
from services.wall.answers.documents import (
    Asset,
    Constraint,
    Rejected,
    Series,
    asset_of,
    event_document,
    rejected_document,
    retired_asset,
    series_of,
)
from services.wall.live.stream import HEADERS, Scope

MOST_ROWS: Final = 10_000
MOST_POINTS: Final = 4_000
MOST_SIGNALS: Final = 200
_AT_ONCE: Final = 500
"""Assets that are listed before others have their turn."""


@get("/api/v1/assets", summary="The tree of assets, as it stands now")
async def assets(parts: Wall, *, retired: Retired = False) -> list[Asset]:
    """Return every asset that is declared or has spoken, groups before what is in them; retired ones if asked for."""
    live_state = parts.live_state
    listed: list[Asset] = []
    for place, path in enumerate(sorted({*live_state.machines, *live_state.groups()} - {""})):
        if place % _AT_ONCE == 0:
            await asyncio.sleep(0)
        listed.append(asset_of(live_state, parts.plant, path))
    if retired:
        known = {machine.asset: machine for machine in await parts.store.machines()}
        gone = await retiring.retired(parts.store, known.values())
        listed += [
            retired_asset(parts.plant, known[path], at) for path, at in gone.items() if path not in live_state.machines
        ]
    return listed


@get("/api/v1/kpi", summary="The indicators of assets over a range")
async def kpi(
    parts: Wall,
    asset: Assets,
    start: From,
    end: To = "now",
    *,
    every: Every = "",
    by: GroupBy = None,
) -> Answer | list[Answer]:
    """Return one document as `kpi show --json` prints it, or a list of them."""
    answers = await answers_of(parts, asset, start, end, every=every, by=by)
    return answers[0] if len(answers) == 1 and not every and by is None else answers


@get("/api/v1/plan", summary="Good pieces against plan over a range")
async def plan(
    parts: Wall,
    asset: Assets,
    start: From,
    end: To = "now",
    every: Every = "",
) -> Plan | list[Plan]:
    """Return pieces, plan, difference and forecast, and the shift that the range is."""
    plans = await plans_of(parts, asset, start, end, every)
    return plans[0] if len(plans) == 1 and not every else plans


@get("/api/v1/states", summary="The states and orders of machines over a range")
async def states(parts: Wall, asset: AssetPath, start: From, end: To = "now") -> list[StateIntervals]:
    """Return each machine's states (from, to, state, reason) and orders (from, to, order, product), times in ms."""
    time_range = parts.range_of(checked(asset), start, end)
    return await parts.answers.beside.ask(lambda store: state_intervals(store, asset, time_range.start, time_range.end))


@get("/api/v1/stops", summary="The stops of machines over a range, the newest first")
async def stopped(
    parts: Wall, asset: AssetPath, start: From, end: To = "now", *, reason: ForReason = None
) -> list[Stop]:
    """Return each stop with its length, state, reason and order."""
    return await stops_of(parts, asset, start, end, reason)


@get("/api/v1/bottleneck", summary="The bottleneck of a line over a range")
async def bottleneck_of(parts: Wall, asset: AssetPath, start: From, end: To = "now") -> Constraint:
    """Return the machine with the longest uninterrupted active period (running, set up or down)."""
    time_range = parts.range_of(checked(asset), start, end)
    found = await parts.answers.beside.ask(lambda store: constraint(store, asset, time_range.start, time_range.end))
    if found is None:
        return Constraint(asset, None, None, None)
    return Constraint(asset, found.machine, format_rfc3339(found.start), format_rfc3339(found.end))


@get("/api/v1/telemetry", summary="The signals of a machine over a range")
async def telemetry(
    parts: Wall,
    asset: AssetPath,
    start: From,
    end: To = "now",
    *,
    signal: Annotated[list[str] | None, QueryParameter(name="signal", description="signals; all if left out")] = None,
    points: Annotated[int, QueryParameter(name="points", ge=1, le=MOST_POINTS, description="at most so many")] = 600,
) -> list[Series]:
    """Return the signals' least, mean and greatest values in at most `points` buckets of equal length."""
    time_range = parts.range_of(checked(asset), start, end)
    known = {each.signal: each for each in await parts.store.signals(asset)}
    wanted = known if signal is None else signal
    if len(wanted) > MOST_SIGNALS:
        raise RangeError(f"{len(wanted)} signals at once are too many: name at most {MOST_SIGNALS} with signal=")
    series = []
    for name in wanted:
        if name not in known:
            raise NotFoundException(f"{asset} has no signal {name[:40]!r}; it has {', '.join(sorted(known)) or 'none'}")
        intervals = await parts.store.downsampled(asset, name, time_range.start, time_range.end, points)
        series.append(series_of(known[name], intervals))
    return series


@get("/api/v1/events", summary="Events as they were")
async def events(
    parts: Wall,
    asset: AssetPath,
    start: From,
    end: To = "now",
    *,
    kind: Annotated[
        list[str] | None, QueryParameter(name="kind", description="kinds of the contract; all if none")
    ] = None,
    limit: Annotated[int, QueryParameter(name="limit", ge=1, le=MOST_ROWS)] = 1_000,
    order: Annotated[
        Literal["oldest", "newest"], QueryParameter(name="order", description="which come first")
    ] = "oldest",
) -> list[dict[str, Any]]:
    """Return events with their kind and time (RFC 3339), oldest first by default."""
    time_range = parts.range_of(checked(asset), start, end)
    kinds = kind or sorted(KINDS - {"kpi"})
    if unknown := set(kinds) - KINDS:
        raise NotFoundException(f"unknown kind {', '.join(sorted(unknown))[:60]!r}: use {', '.join(sorted(KINDS))}")
    found = await parts.store.events(
        cast("list[Kind]", kinds), asset, time_range.start, time_range.end, limit=limit, newest_first=order == "newest"
    )
    return [event_document(event) for event in found]


@get("/api/v1/rejected", summary="Messages that were rejected, newest first")
async def rejected(
    parts: Wall,
    start: From = "now-1d",
    end: To = "now",
    limit: Annotated[int, QueryParameter(name="limit", ge=1, le=MOST_ROWS)] = 200,
) -> list[Rejected]:
    """Return rejected messages with their reason: a few of each kind, and how many more there were."""
    time_range = parts.range_of("", start, end)
    return [
        rejected_document(each)
        for each in await parts.store.rejected(time_range.start, time_range.end + NS_PER_S, limit=limit)
    ]


@get("/api/v1/stream", summary="Server-sent events: a snapshot, then what changes", media_type="text/event-stream")
async def stream(
    parts: Wall,
    asset: Annotated[str, QueryParameter(name="asset", description="an asset path; everything if left out")] = "",
    *,
    details: Annotated[
        bool, QueryParameter(name="details", description="signals, meters, quality, alarms too")
    ] = False,
    devices: Annotated[bool, QueryParameter(name="devices", description="how each device speaks")] = False,
    messages: Annotated[bool, QueryParameter(name="messages", description="messages as they arrive")] = False,
    numbers: Annotated[
        str, QueryParameter(name="numbers", description="from when (shift, or a time) numbers come as they change")
    ] = "",
) -> StreamResponse:
    """Open a stream: events `snapshot`, `changes`, `numbers` and `messages`, a few of each a second."""
    scope = Scope(checked(asset), details, devices, messages, numbers)
    if parts.stream.clients >= parts.stream.most:
        raise ServiceUnavailableException(
            f"{parts.stream.clients} streams are open, as many as there may be; try later"
        )
    return StreamResponse(parts.stream.events(scope), media_type="text/event-stream", headers=HEADERS)


@get("/api/v1/explain", summary="The sums and events behind one number")
async def explained(
    parts: Wall, asset: AssetPath, indicator: Named, start: From, end: To = "now", *, rated: Rated = False
) -> Explanation:
    """Return what `kpi explain --json` prints."""
    return await explanation_of(parts, asset, indicator, start, end, rated=rated)


HANDLERS: Final = [assets, kpi, plan, states, stopped, bottleneck_of, telemetry, events, rejected, stream, explained]
