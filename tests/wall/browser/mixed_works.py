"""Two small works in two time zones whose machines are of every kind that spoils a total, and an hour of them.

Leeds: a saw whose ideal cycle is in the wrong unit (its OEE cannot be), a mill that is as it should be and the only one
with a meter, a washer that is simulated. Lyon: a press that has gone silent, without a target or a planned quantity.
"""

from typing import Final

from msgspec.structs import replace

from broker.contract.events import AnyEvent, Count, Job, Meter, StateChange, Status
from broker.plant.plant_file import parse
from tests.wall.works import EIGHT, MINUTE

LINE: Final = "leeds/shop/line-1"
SAW, MILL, WASHER = f"{LINE}/saw-1", f"{LINE}/mill-1", f"{LINE}/washer-1"
LYON: Final = "lyon/atelier/ligne-1"
PRESS: Final = f"{LYON}/press-1"
MIXED: Final = parse(
    f"""
name = "Two works"
[calendar.leeds]
time-zone = "Europe/London"
shifts = [{{ name = "day", start = "06:00", end = "14:00" }}]
[calendar.lyon]
time-zone = "Europe/Paris"
shifts = [{{ name = "matin", start = "06:00", end = "14:00" }}]
[asset."leeds"]
title = "Leeds"
calendar = "leeds"
time-zone = "Europe/London"
targets = {{ oee = 0.5 }}
[asset."{LINE}"]
title = "Line one"
stages = [["saw-1"], ["mill-1"], ["washer-1"]]
[asset."{SAW}"]
title = "Saw one"
[asset."{MILL}"]
title = "Mill one"
[asset."{WASHER}"]
title = "Washer one"
[asset."lyon"]
title = "Lyon"
calendar = "lyon"
time-zone = "Europe/Paris"
[asset."{LYON}"]
title = "Ligne un"
[asset."{PRESS}"]
title = "Press one"
[reason.jam]
title = "Jam"
""",
    "mixed.toml",
)


def an_hour() -> list[AnyEvent]:
    """Return what they reported from eight to nine."""
    events: list[AnyEvent] = []
    for machine, cycle in ((SAW, 60_000.0), (MILL, 60.0), (WASHER, 60.0), (PRESS, 60.0)):
        events += [
            Status(asset=machine, at=EIGHT, online=True),
            Job(asset=machine, at=EIGHT, phase="start", order="wo-1", product="bracket", ideal_cycle=cycle),
            Count(asset=machine, at=EIGHT, produced=0, good=0, scrap=0),
            StateChange(asset=machine, at=EIGHT, state="running"),
            Count(asset=machine, at=EIGHT + 30 * MINUTE, produced=25, good=24, scrap=1),
        ]
        if machine != PRESS:
            events += [
                StateChange(asset=machine, at=EIGHT + 30 * MINUTE, state="down", reason="jam"),
                StateChange(asset=machine, at=EIGHT + 36 * MINUTE, state="starved", reason="jam"),
                StateChange(asset=machine, at=EIGHT + 40 * MINUTE, state="running"),
                Count(asset=machine, at=EIGHT + 58 * MINUTE, produced=42, good=40, scrap=2),
            ]
    events += [
        Meter(asset=MILL, at=EIGHT, name="electricity", total=100.0, unit="kW.h"),
        Meter(asset=MILL, at=EIGHT + 59 * MINUTE, name="electricity", total=120.0, unit="kW.h"),
        Status(asset=PRESS, at=EIGHT + 31 * MINUTE, online=False),
    ]
    reported = [replace(event, simulated=True) if event.asset == WASHER else event for event in events]
    return sorted(reported, key=lambda event: event.at)
