"""What several pages show, always in the same way: the indicators, where the time went, why machines stopped."""

from collections.abc import Mapping, Sequence
from typing import Final

from broker.plant import Plant
from dashboards import looks, panels
from dashboards.grafana import Ask, Object, Tile
from dashboards.names import LEVELS, RAW
from dashboards.queries import EVERY, Cut, indicator, reasons, standing, total

TITLES: Final = {
    "oee": "OEE",
    "availability": "Availability",
    "effectiveness": "Effectiveness",
    "quality_ratio": "Quality ratio",
}
_SAYS: Final = {
    "oee": "Ideal time of the good pieces over planned busy time: overall equipment effectiveness (no. 6).",
    "availability": "Share of planned busy time in which machines produced; set-up counts against it (no. 8).",
    "effectiveness": "Ideal time of the pieces over the time that was spent on them; above 100 % the ideal cycle is too"
    " long (no. 9).",
    "quality_ratio": "Good over produced pieces, each weighed with its ideal cycle (no. 10).",
}
STOPS: Final = ("setup", "starved", "blocked", "idle", "down")

SPENT: Final[Mapping[str, tuple[str, str]]] = {
    "Fully productive": ('sum("ideal_good_s")', looks.PRODUCTIVE),
    "Rejects": ('sum("ideal_s") - sum("ideal_good_s")', looks.ATTENTION),
    "Reduced speed": ('sum("running_s") - sum("ideal_s")', looks.RUN),
    "Set-up": ("setup_s", looks.ACT),
    "Starved": ("starved_s", looks.WAIT),
    "Blocked": ("blocked_s", "#c46f10"),
    "Idle": ("idle_s", looks.IDLE),
    "No order": ("no_order_s", looks.OFF),
    "Down": ("down_s", looks.DOWN),
}
"""Where planned time goes, in the order of a bar: column → sum of the ledger, colour."""


def headline(plant: Plant) -> list[Tile]:
    """Return OEE and its factors as large numbers, and the share of time of which the state is known."""
    tiles = [
        panels.number(
            title,
            _SAYS[name],
            Ask(indicator(name)),
            looks.RATIO,
            steps=looks.target_steps(plant, name),
            decimals=1,
        )
        for name, title in TITLES.items()
    ]
    tiles.append(
        panels.number(
            "Time known",
            "Share of calendar time in which the state was known: a number over half-known time is not the number.",
            Ask(indicator("coverage")),
            looks.RATIO,
            steps=((None, looks.DOWN), (0.8, looks.ATTENTION), (0.95, looks.PLAIN)),
            decimals=1,
        )
    )
    return tiles


def good() -> Tile:
    """Return the good pieces as a large number."""
    return panels.number(
        "Good pieces",
        "Good pieces of all machines shown: a piece counts at each machine that works on it.",
        Ask(total({"good": "good"})),
        looks.PIECES,
        decimals=0,
    )


def oee_trend(plant: Plant, by: Sequence[str], says: str, *, size: tuple[int, int] = (12, 8)) -> Tile:
    """Return OEE over time of each value of these tags, with the target dashed."""
    return panels.trend(
        "OEE over time",
        says,
        [Ask(indicator("oee", Cut(by, EVERY)), alias="/".join(f"$tag_{tag}" for tag in by) or "OEE")],
        looks.RATIO,
        interval="15m",
        target=looks.target_of(plant, "oee"),
        top=1,
        size=size,
    )


def time_spent(by: str, *, size: tuple[int, int] = (12, 8)) -> Tile:
    """Return where the planned time went, a bar for each value of a tag."""
    return panels.shares(
        f"Where the planned time went, by {by}",
        "Planned time whose state is known, split into what was fully productive and what each kind of loss took.",
        Ask(total({name: sums for name, (sums, _) in SPENT.items()}, Cut((by,))), table=True),
        by,
        {name: colour for name, (_, colour) in SPENT.items()},
        size=size,
    )


def stop_reasons(states: Sequence[str] = STOPS, *, size: tuple[int, int] = (8, 10)) -> Tile:
    """Return the reasons for which machines stood still, the longest first."""
    return panels.ranking(
        "Reasons by time",
        "Time in set-up, waiting, idle and down by the reason that was told: what to work on first is on top.",
        Ask(reasons(("state", "reason"), states), table=True),
        "time",
        looks.SECONDS,
        size=size,
    )


def state_ribbons(names: Sequence[str] = LEVELS, *, size: tuple[int, int] = (24, 8)) -> Tile:
    """Return what state each machine was in; it is called by these levels of its path."""
    return panels.ribbon(
        "States",
        "The state of each machine as it told it. Grey is normal; red is down, orange waits, blue is set-up or"
        " maintenance.",
        [Ask(standing("state", "state"), alias="/".join(f"$tag_{name}" for name in names), source=RAW)],
        looks.states(),
        size=size,
    )


def factors(by: Sequence[str]) -> list[Ask]:
    """Return the queries of a table with OEE, its factors, good pieces, stops and coverage of each value of tags."""
    names = (*TITLES, "coverage")
    sums = {"good": "good", "scrap": "scrap", "down": "down_s", "waiting": 'sum("starved_s") + sum("blocked_s")'}
    return [
        *(Ask(indicator(name, Cut(by)), table=True) for name in names),
        Ask(total(sums, Cut(by)), table=True),
    ]


def factor_columns(plant: Plant, first: Mapping[str, tuple[str, Object]]) -> dict[str, tuple[str, Object]]:
    """Return the columns of such a table, after those that say what a row is about."""
    ratio: Object = {"unit": looks.RATIO, "decimals": 1, "custom.width": 110}
    steps = looks.thresholds(looks.target_steps(plant, "oee"))
    coloured = ratio | {"thresholds": steps, "custom.cellOptions": {"type": "color-text"}}
    bar = ratio | {
        "min": 0,
        "max": 1,
        "color": looks.fixed(looks.RUN),
        "custom.cellOptions": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
        "custom.width": 160,
    }
    duration: Object = {"unit": looks.SECONDS, "decimals": 1, "custom.width": 100}
    return {
        **first,
        "oee": ("OEE", coloured),
        "availability": ("Availability", bar),
        "effectiveness": ("Effectiveness", bar),
        "quality_ratio": ("Quality", bar),
        "good": ("Good", {"unit": looks.PIECES, "decimals": 0, "custom.width": 80}),
        "scrap": ("Scrap", {"unit": looks.PIECES, "decimals": 0, "custom.width": 80}),
        "down": ("Down", duration),
        "waiting": ("Waiting", duration),
        "coverage": ("Time known", ratio),
    }
