"""`corridor plant check`: what a plant file describes, or every mistake in it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from broker.contract.events import NS_PER_S
from broker.plant.calendar import Calendar
from broker.plant.calendar_times import WEEKDAYS
from broker.plant.included import whole
from broker.plant.plant import Plant
from broker.plant.plant_file import PlantError, load
from broker.plant.toml_places import dotted, line_of
from broker.plant.toml_tables import Document, Mistake
from cli.invocation import options
from cli.invocation.plain import plain, plain_lines
from cli.plants.plant_remarks import remarks
from edge.simulation.planning.plan import read
from edge.simulation.planning.plan_tables import PlanError

_NO_CALENDAR: Final = "no calendar"

File = Annotated[Path, typer.Argument(metavar="FILE", help="The plant file, in TOML.")]


def check(file: File, *, json_: options.Json = False) -> None:
    """Validate a plant file: print what it describes, or every mistake with its line and a hint."""
    plant, mistakes = _read(file)
    if mistakes or plant is None:
        if json_:
            typer.echo(json.dumps({"file": str(file), "ok": False, "mistakes": list(map(_mistake, mistakes))}))
        else:
            for mistake in mistakes:
                typer.echo(plain_lines(str(mistake)))
            typer.echo(f"{file} has {_number(len(mistakes), 'mistake')}.")
        raise typer.Exit(1)
    facts = describe(plant, datetime.now(UTC))
    striking = remarks(file, plant, read(plant.simulate))
    if json_:
        typer.echo(json.dumps({"file": str(file), "ok": True} | facts | {"remarks": list(map(_mistake, striking))}))
        return
    typer.echo("\n".join(map(plain, _lines(str(file), facts))))
    for place, remark in enumerate(striking):
        typer.echo(("" if place else "\nWorth a look:\n") + f"  {plain(str(remark))}")


def _read(file: Path) -> tuple[Plant | None, list[Mistake]]:
    """Read a plant, and have the simulator validate its own part, which `load` passes on; return all mistakes."""
    plant, mistakes = None, list[Mistake]()
    try:
        plant = load(file)
        text, simulate = plant.text, plant.simulate
    except PlantError as error:
        mistakes += error.mistakes
        text = whole(file, file.read_text(encoding="utf-8-sig", errors="replace")).text
        simulate = Document(text, str(file)).root.values.get("simulate", {})
    return plant, sorted([*mistakes, *_simulated(file, text, simulate, mistakes)], key=_place)


def _simulated(file: Path, text: str, simulate: Any, known: list[Mistake]) -> list[Mistake]:
    """Return the mistakes in what is simulated, without those at keys where one is known."""
    try:
        read(simulate if isinstance(simulate, dict) else {}, str(file))
    except PlanError as error:
        found = whole(file, file.read_text(encoding="utf-8-sig", errors="replace"))
        keys = tuple(mistake.key for mistake in known)
        mistakes = (
            found.located(Mistake(str(file), line_of(text, one.path), dotted(one.path), one.problem, one.hint))
            for one in error.faults
        )
        return [one for one in mistakes if not one.key.startswith(keys)]
    return []


def _place(mistake: Mistake) -> tuple[str, int]:
    return mistake.source, mistake.line


def describe(plant: Plant, now: datetime) -> dict[str, Any]:
    """Return what a plant file describes, with the planned hours of the week that `now` is in."""
    working: dict[Calendar | None, list[str]] = {}
    for asset in plant.assets:
        working.setdefault(plant.calendar_of(asset), []).append(asset)
    machines = set(plant.machines())
    if machines.isdisjoint(working.get(None, ())):
        working.pop(None, None)  # an asset above machines that all have one
    return {
        "name": plant.name,
        "sites": [{"path": site, "title": plant.title(site)} for site in plant.children("")],
        "lines": plant.lines(),
        "machines": plant.machines(),
        "connected": [path for path in plant.machines() if plant.asset(path).connected],
        "products": list(plant.products),
        "reasons": list(plant.reasons),
        "calendars": [
            {
                "name": plant.asset(members[0]).calendar or None,
                "time_zone": plant.time_zone_of(members[0]),
                "machines": len(machines.intersection(members)),
                "planned_hours": None if calendar is None else _week(calendar, now),
            }
            for calendar, members in working.items()
        ],
        "unused_calendars": sorted(plant.calendars.keys() - {info.calendar for info in plant.assets.values()}),
    }


def _week(calendar: Calendar, now: datetime) -> dict[str, float]:
    """Return the planned hours of each local day of a week, by its date."""
    zone = ZoneInfo(calendar.time_zone)
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    days = [monday + timedelta(days=n) for n in range(8)]
    midnights = [round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * NS_PER_S for day in days]
    return {
        str(day): round(calendar.planned_s(start, end) / 3_600, 2)
        for day, start, end in zip(days[:7], midnights[:7], midnights[1:], strict=True)
    }


def _lines(file: str, facts: dict[str, Any]) -> list[str]:
    counts = ", ".join(
        _number(len(facts[key]), key.removesuffix("s")) for key in ("sites", "lines", "machines", "products", "reasons")
    )
    lines = [f"{file} is a valid plant file.", "", f"{facts['name'] or 'A plant without a name'}: {counts}."]
    for site in facts["sites"]:
        within = [machine for machine in facts["machines"] if machine.startswith(site["path"] + "/")]
        lines.append(f"  {site['path']:<20} {site['title']}, {_number(len(within), 'machine')}")
    if facts["connected"]:
        lines += ["", f"Real devices are expected for {_number(len(facts['connected']), 'machine')}:"]
        lines += [f"  {path}" for path in facts["connected"]]
    lines += ["", "Planned hours this week:"] if facts["calendars"] else []
    for calendar in facts["calendars"]:
        name = calendar["name"] or _NO_CALENDAR
        lines.append(f"  {name} in {calendar['time_zone']}, {_number(calendar['machines'], 'machine')}")
        hours = calendar["planned_hours"]
        if hours is None:
            lines.append("    planned whenever it is not off, in maintenance or unknown")
        else:
            days = "  ".join(f"{day} {hour:g}" for day, hour in zip(WEEKDAYS, hours.values(), strict=True))
            lines.append(f"    {days}  together {sum(hours.values()):g} h, from {next(iter(hours))} on")
    if facts["unused_calendars"]:
        lines += ["", f"No asset uses the calendar {', '.join(facts['unused_calendars'])}."]
    return lines


def _mistake(mistake: Mistake) -> dict[str, Any]:
    return {"line": mistake.line, "key": mistake.key, "problem": mistake.problem, "cure": mistake.hint}


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
