"""Answers of the ledger as people read them in a terminal: the main figures, every number, warnings.

Nothing is computed here; it prints what `kpi show --json` has, rounded for show. Times are in the asset's time zone.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Final, get_args
from zoneinfo import ZoneInfo

from rich.table import Table

from cli.invocation.plain import plain
from cli.invocation.terminal import console, titled
from services.ledger.indicators.capability import Index
from services.ledger.indicators.indicators import INDICATORS
from services.query.answers import Answer

INDICES: Final = frozenset({*get_args(Index), "inventory_turns"})
"""Indicators without a unit that are no shares."""
MOST_REASONS: Final = 10
_SPOILED: Final = {
    "doubtful": "what it reports cannot be",
    "silent": "its state is unknown for much of the time",
    "unmetered": "energy a piece is without its pieces",
    "simulated": "among real ones",
}
"""What each kind of caveat does to a total."""
CANNOT_BE: Final = "cannot be"
"""What is written beside a value that no machine can have."""

_FACTORS: Final = ("availability", "effectiveness", "quality_ratio")
_FATES: Final = ("good", "scrap", "rework")
_TITLES: Final = (
    "OEE",
    "avail.",
    "effect.",
    "quality",
    "produced",
    "good",
    "scrap",
    "rework",
    "running",
    "down",
    "notes",
)


def print_answer(found: Answer, zone: str) -> None:
    """Print one answer: its range, OEE with its factors, pieces, time, indicators, reasons and notes."""
    out = console()
    is_now = " (now)" if found.counted_to != found.to else ""
    out.print(titled(found.asset, f"  {_range(found.from_, found.counted_to, zone)}{is_now}"))
    count = len(found.machines)
    known = f"; state known for {found.coverage:.1%} of the time" if found.coverage is not None else ""
    named = ", ".join(machine.removeprefix(f"{found.asset}/") for machine in found.machines)
    out.print(f"{count} machine{'s' * (count != 1)}{f': {named}' if count else ''}{known}")
    if not count:
        return
    out.print()
    out.print(titled(_oee(found.indicators, found.implausible)))
    if found.rated is not None:
        without = ", ".join(machine.removeprefix(f"{found.asset}/") for machine in found.rated.without)
        out.print(f"without {without}: {_oee(found.rated.indicators, found.rated.implausible)}")
    for line in (*_cannot_be(found), *_caveats(found)):
        out.print(plain(line))
    out.print(_pieces(found))
    out.print(_time(found))
    table = Table(box=None, pad_edge=False, title_justify="left")
    for column, justify in (("\nindicator", "left"), ("\nvalue", "right"), ("\nunit", "left")):
        table.add_column(column, justify="right" if justify == "right" else "left")
    for name, value in found.indicators.items():
        if value is not None:
            shown, unit = shown_value(name, value)
            mark = f"{unit} {CANNOT_BE}".strip() if name in found.implausible else unit
            table.add_row(name.replace("_", " "), shown, mark)
    out.print(table)
    undefined = [name.replace("_", " ") for name, value in found.indicators.items() if value is None]
    if undefined:
        out.print(f"not defined here (see kpi explain): {', '.join(undefined)}", style="dim")
    reasons = [reason for reason in found.reasons if reason.seconds][:MOST_REASONS]
    if reasons:
        out.print("\nlongest losses by reason")
    unit = "machine-min" if count > 1 else "min"
    for reason in reasons:
        times = f"{reason.entries:.0f} time{'s' * (round(reason.entries) != 1)}"
        reported_state = plain(reason.reason) or "no reason reported"
        out.print(f"{reason.seconds / 60:8.1f} {unit}  {reason.state}: {reported_state} ({times})")
    for place, note in enumerate(found.to_check):
        out.print(f"{'' if place else chr(10)}note: {plain(note)}")


def print_answers(answers: Sequence[Answer], asset: str, by: str, zone: str) -> None:
    """Print a row an answer, to compare, with the number of its notes."""
    if not answers:
        return
    out = console()
    start, end = min(found.from_ for found in answers), max(found.counted_to for found in answers)
    out.print(titled(asset, f"  {_range(start, end, zone)}"))
    table = Table(box=None, pad_edge=False)
    table.add_column(by)
    for title in _TITLES:
        table.add_column(title, justify="right")
    for found in answers:
        sums = found.ledger
        oee = [_figure(found.indicators, found.implausible, name) for name in ("oee", *_FACTORS)]
        pieces = [f"{sums[field]:g}" for field in ("produced", *_FATES)]
        times = [_hours(sums[field]) for field in ("running_s", "down_s")]
        table.add_row(_name(found, asset, zone), *oee, *pieces, *times, str(len(found.to_check) or ""))
    out.print(table)


def shown_value(name: str, value: float) -> tuple[str, str]:
    """Return a value as people read it: a share in per cent, a time in minutes, an index as it is."""
    unit = INDICATORS[name].unit
    if unit == "1" and name not in INDICES:
        return f"{value:.1%}", ""
    if unit == "s":
        return f"{value / 60:.1f}", "min"
    return f"{value:.4g}", "" if unit == "1" else unit


def _oee(values: dict[str, float | None], marked: dict[str, str]) -> str:
    factors = " × ".join(f"{name.replace('_', ' ')} {_figure(values, marked, name)}" for name in _FACTORS)
    return f"OEE {_figure(values, marked, 'oee')} = {factors}"


def _figure(values: dict[str, float | None], marked: dict[str, str], name: str) -> str:
    """Write a ratio as a figure; what cannot be is none."""
    return "?" if name in marked else _share(values[name])


def _cannot_be(found: Answer) -> Iterator[str]:
    """Write what cannot be, with the reason and what to check, a line a reason."""
    marked = (found.rated.implausible if found.rated else {}) | found.implausible
    codes = dict.fromkeys(marked.values())
    for code in codes:
        names = [name.replace("_", " ") for name in ("oee", *_FACTORS) if marked.get(name) == code]
        why = [warning.text for warning in found.warnings if warning.code == code]
        if names:
            yield f"{CANNOT_BE}: {', '.join(names)}; {'; '.join(why)}"


def _caveats(found: Answer) -> Iterator[str]:
    """Write which machines spoil which figures of a total, a line a kind."""
    for kind, figures in _SPOILED.items():
        named = dict.fromkeys(caveat.machine for caveat in found.caveats if caveat.kind == kind)
        if named:
            machines = ", ".join(machine.removeprefix(f"{found.asset}/") for machine in named)
            yield f"{kind} ({figures}): {machines}"


def _pieces(found: Answer) -> str:
    sums = found.ledger
    fates = ", ".join(f"{sums[field]:g} {field}" for field in _FATES)
    several = "; each operation counts" if len(found.machines) > 1 else ""
    out = "" if found.good_output is None else f"; good output {found.good_output:g}"
    planned = "" if found.planned is None else f", planned {found.planned:.0f}"
    return f"pieces: {sums['produced']:g} produced: {fates}{several}{out}{planned}"


def _time(found: Answer) -> str:
    """Write where the time went; what was none of it is left out."""
    steps = {step.name: step.seconds for step in found.waterfall}
    named = ("running", "setup", "starved", "blocked", "idle", "no-order", "down", "maintenance", "off", "unknown")
    parts = ", ".join(f"{name} {_hours(steps[name])}" for name in named if steps.get(name))
    of = "machine time" if len(found.machines) > 1 else "time"
    return f"{of}: {_hours(steps['calendar'])}: {parts}"


def _name(found: Answer, asset: str, zone: str) -> str:
    if found.group is None or found.group.by == "hour":
        return _range(found.from_, found.counted_to, zone)
    if found.group.by in {"day", "shift"}:
        day = date.fromisoformat(found.group.day) if found.group.day else _local(found.from_, zone).date()
        shift = f" {plain(found.group.name)}" if found.group.by == "shift" and found.group.day else ""
        return f"{day:%a} {day}{shift}, {_times(found.from_, found.counted_to, zone)}"
    return plain(found.group.name.removeprefix(f"{asset}/")) if found.group.name != "-" else f"no {found.group.by}"


def _range(start: str, end: str, zone: str) -> str:
    first, last = _local(start, zone), _local(end, zone)
    until = f"{last:%H:%M:%S}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M:%S}"
    changed = f" {first:%Z} ({_offset(first)})" if first.utcoffset() != last.utcoffset() else ""
    return f"{first:%Y-%m-%d %H:%M:%S}{changed} to {until} {last:%Z}{f' ({_offset(last)})' if changed else ''}"


def _times(start: str, end: str, zone: str) -> str:
    """Write from when to when within a day or two; with both offsets where the clocks change in between."""
    first, last = _local(start, zone), _local(end, zone)
    changed = first.utcoffset() != last.utcoffset()
    return " to ".join(f"{each:%H:%M}{f' {_offset(each)}' if changed else ''}" for each in (first, last))


def _local(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(ZoneInfo(zone))


def _offset(at: datetime) -> str:
    return at.isoformat()[-6:]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _hours(seconds: float) -> str:
    return f"{seconds / 3_600:.1f} h" if seconds >= 3_600 else f"{seconds / 60:.1f} min"
