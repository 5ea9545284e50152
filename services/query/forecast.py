"""Pieces against plan: how many good pieces left a line, how many should have by now, and how many will by the end.

A piece passes every operation of a line, so a line's pieces are those of its last operation (the last machine, where
operations are not described), also while it makes none; an earlier one stands in for it only where no machine of the
later ones ever counted. An area's or a site's are those of its lines together. What was planned by now comes from the
answer of that machine (`services.query.planning`), so that screens, files and commands show one number.

    forecast = good pieces so far × (planned time still to come + busy time so far) ÷ busy time so far

Without a plan there is none; where some lines have one and others have not, those that have are counted and compared,
and `outputs` names them; `unplanned` names the machines whose pieces are left out.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

import msgspec

from broker.contract.instants import format_rfc3339
from broker.contract.topics import line_of
from broker.plant.plant import Plant
from services.ledger.fields import KNOWN_PLANNED
from services.query.answers import Answer
from services.query.asked_range import Range

Ask = Callable[[str, int, int], Awaitable[Answer]]
EverCounted = Callable[[str, int], Awaitable[bool]]


class Plan(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """Pieces against plan of an asset over a range.

    Attributes:
        asset: a machine, line, area or site; '' for everything.
        from_: RFC 3339.
        to: RFC 3339; now, for the running shift.
        shift: name of the shift that the range is, '' if it is none.
        ends: RFC 3339, when the shift ends; `to` if the range is none.
        outputs: the machines whose pieces are counted.
        good: good pieces so far; None where nothing counts.
        plan: good pieces that the target asks for by now; None where there is none.
        delta: good − plan.
        forecast: good pieces at the end, if it goes on as it went.
        plan_at_end: what the target asks for at the end.
        unplanned: the machines that count pieces but have no plan, where others have one: they are in no figure here.
    """

    asset: str
    from_: str
    to: str
    shift: str
    ends: str
    outputs: list[str]
    good: float | None
    plan: float | None
    delta: float | None
    forecast: float | None
    plan_at_end: float | None
    unplanned: list[str] = msgspec.field(default_factory=list)


async def plan_of(
    asset: str, time_range: Range, machines: Iterable[str], plant: Plant, *, ask: Ask, ever_counted: EverCounted
) -> Plan:
    """Work out pieces against plan.

    Args:
        asset: whose.
        time_range: over which range; if it is a shift, the forecast is for its end.
        machines: the machines under the asset, in the order of their lines.
        plant: targets and calendars.
        ask: gives the answer of a machine over a range.
        ever_counted: whether a machine reported any pieces, 0 too, up to an instant.
    """
    lines: dict[str, list[str]] = {}
    for machine in machines:
        lines.setdefault(machine if machine == asset else line_of(machine), []).append(machine)
    counted: list[_Output] = []
    for line, members in lines.items():
        for stage in _stages(plant, line, members):
            found = [
                output for machine in stage if (output := await _output(machine, time_range, plant, ask, ever_counted))
            ]
            if found:
                counted += found
                break
    compared = [each for each in counted if each.plan is not None]
    shown = compared or counted
    good = sum(each.good for each in shown)
    plan_to_now = sum(each.plan or 0.0 for each in shown)
    return Plan(
        asset=asset,
        from_=format_rfc3339(time_range.start),
        to=format_rfc3339(time_range.end),
        shift=time_range.shift,
        ends=format_rfc3339(time_range.shift_end or time_range.end),
        outputs=[each.machine for each in shown],
        good=good if shown else None,
        plan=plan_to_now if compared else None,
        delta=good - plan_to_now if compared else None,
        forecast=sum(each.good * each.growth for each in shown) if shown else None,
        plan_at_end=sum((each.plan or 0.0) * each.growth for each in shown) if compared else None,
        unplanned=[each.machine for each in counted if each.plan is None] if compared else [],
    )


class _Output(NamedTuple):
    machine: str
    good: float
    plan: float | None
    growth: float


async def _output(machine: str, time_range: Range, plant: Plant, ask: Ask, ever_counted: EverCounted) -> _Output | None:
    """Return what a machine made over a range; None where it never counted, which is not 0."""
    answer = await ask(machine, time_range.start, time_range.end)
    made = answer.ledger["produced"] or answer.ledger["good"]
    if not made and not await ever_counted(machine, time_range.end):
        return None
    return _Output(machine, answer.ledger["good"], answer.planned, _growth(answer, machine, time_range, plant))


def _stages(plant: Plant, line: str, members: list[str]) -> list[list[str]]:
    """Return the operations of a line, last first; machines without a place in the flow come after them."""
    reported = [[machine for machine in stage if machine in members] for stage in plant.stages(line)]
    placed = {machine for stage in reported for machine in stage}
    return [*reversed(reported), *([machine] for machine in reversed(members) if machine not in placed)]


def _growth(answer: Answer, machine: str, time_range: Range, plant: Plant) -> float:
    """Return planned time of the whole range over planned time so far."""
    so_far = _busy_s(answer)
    calendar = plant.calendar_of(machine)
    if time_range.shift_end is None or calendar is None or not so_far:
        return 1.0
    return (so_far + calendar.planned_s(time_range.end, max(time_range.end, time_range.shift_end))) / so_far


def _busy_s(answer: Answer) -> float:
    return sum(answer.ledger[field] for field in KNOWN_PLANNED)
