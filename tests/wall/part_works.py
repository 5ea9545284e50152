"""A foundry that sends castings to a machining line, and an hour of both: parts, a bad batch, one on its way, one late.

Batch `lug-castings-2` holds two castings; one became a part whose bore is beyond its limits. Batch `lug-castings-3` is
on its way, `rods-9` was promised a while ago, and `bars-7` came from a supplier outside of the plant.
"""

from typing import Final

from broker.contract.events import NS_PER_S, AnyEvent, Count, Measurement, Meter, Notice, Part, StateChange
from broker.plant.material_flow import ARRIVED, SHIPPED
from broker.plant.plant_file import parse
from tests.wall.works import EIGHT, MINUTE

FOUNDRY, MACHINING = "leeds/foundry/line-1", "york/machining/line-1"
CASTER, MILL, CMM = f"{FOUNDRY}/caster-1", f"{MACHINING}/mill-1", f"{MACHINING}/cmm-1"
OUTSIDE: Final = "hull/mill/line-1"
CHAINED: Final = parse(
    f"""
name = "Foundry and machining"
[calendar.days]
time-zone = "Europe/London"
shifts = [{{ name = "day", start = "06:00", end = "14:00" }}]
[asset."leeds"]
title = "Leeds"
calendar = "days"
[asset."york"]
title = "York"
calendar = "days"
[asset."{FOUNDRY}"]
title = "Castings"
stages = [["caster-1"]]
[asset."{MACHINING}"]
title = "Machining"
stages = [["mill-1"], ["cmm-1"]]
[asset."{CASTER}"]
title = "Caster"
[asset."{MILL}"]
title = "Mill"
[asset."{CMM}"]
title = "Measuring machine"
[product.lug]
title = "Lug casting"
[product.rod]
title = "Rod casting"
[product.bracket]
title = "Engine bracket"
[flow.lug-castings]
title = "Lug castings"
from = "{FOUNDRY}"
to = "{MACHINING}"
product = "lug"
becomes = "bracket"
batch = 2
transit = "20min"
[flow.rods]
title = "Rod castings"
from = "{FOUNDRY}"
to = "{MACHINING}"
product = "rod"
batch = 4
transit = "15min"
[flow.bars]
title = "Steel bars"
from = "{OUTSIDE}"
to = "{FOUNDRY}"
batch = 10
transit = "2h"
""",
    "chained.toml",
)
TAKEN, RETURNED = 20, 40
"""Between these minutes a real device had the caster, which is simulated before and after."""
BAD, GOOD, CASTING = "SN 7/1 ü", "SN-8", "cast-1"
BATCH, COMING, LATE = "lug-castings-2", "lug-castings-3", "rods-9"


def chained_hour() -> list[AnyEvent]:
    """The events of the hour from eight o'clock."""

    def at(minute: float) -> int:
        return EIGHT + round(minute * MINUTE)

    def notice(minute: float, asset: str, code: str, number: str) -> Notice:
        return Notice(asset=asset, at=at(minute), code=code, text=number, active=False)

    return [
        *(StateChange(asset=asset, at=EIGHT, state="running") for asset in (MILL, CMM)),
        *(Count(asset=asset, at=EIGHT, produced=0) for asset in (MILL, CMM)),
        StateChange(asset=CASTER, at=EIGHT, state="running", simulated=True),
        *(
            Count(asset=CASTER, at=at(minute), produced=minute, simulated=not TAKEN <= minute < RETURNED)
            for minute in range(0, 60, 5)
        ),
        *(Meter(asset=MILL, at=at(minute), name="electricity", total=minute / 10, unit="kW.h") for minute in range(61)),
        notice(1, CASTER, ARRIVED, "bars-7"),
        Part(asset=CASTER, at=at(5), part=CASTING, result="good", seconds=180, product="lug", material="bars-7"),
        Part(asset=CASTER, at=at(6), part=CASTING, result="good", seconds=30, product="lug", batch=BATCH),
        Part(asset=CASTER, at=at(8), part="cast-2", result="good", seconds=180, product="lug", batch=BATCH),
        notice(9, CASTER, SHIPPED, BATCH),
        notice(28, MILL, ARRIVED, BATCH),
        Part(
            asset=MILL,
            at=at(34),
            part=BAD,
            result="good",
            seconds=240,
            order="wo-7",
            product="bracket",
            material=BATCH,
            source=CASTING,
        ),
        Measurement(
            asset=CMM,
            at=at(36),
            characteristic="bore",
            value=12.341,
            lower=12.28,
            nominal=12.3,
            upper=12.32,
            part=BAD,
            unit="mm",
        ),
        Measurement(
            asset=CMM, at=at(36) + NS_PER_S, characteristic="flatness", value=0.02, upper=0.05, part=BAD, unit="mm"
        ),
        Part(asset=CMM, at=at(37), part=BAD, result="scrap", seconds=90, order="wo-7", product="bracket"),
        Part(
            asset=MILL,
            at=at(39),
            part=GOOD,
            result="good",
            seconds=200,
            order="wo-7",
            product="bracket",
            material=BATCH,
            source="cast-2",
        ),
        Part(asset=CMM, at=at(41), part=GOOD, result="good", seconds=80, order="wo-7", product="bracket"),
        notice(41, CASTER, SHIPPED, LATE),
        notice(50, CASTER, SHIPPED, COMING),
    ]
