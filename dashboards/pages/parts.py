"""What several pages show, always in the same way: the indicators, where the time went, why machines stopped."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from broker.plant.plant import Plant
from dashboards import looks, panels
from dashboards.grafana import Ask, Object, Tile, queries
from dashboards.names import LEVELS, RAW
from dashboards.queries import EVERY, UNTIL, Cut, before, current_state, indicator, reasons, scope, term, total
from dashboards.targets import Level, by_target, lines_of

TITLES: Final = {
    "oee": "OEE",
    "availability": "Availability",
    "effectiveness": "Effectiveness",
    "quality_ratio": "Quality ratio",
}
_SAYS: Final = {
    "oee": "Ideal time of the good pieces over planned busy time: overall equipment effectiveness (no. 6). Above 150 %"
    " it cannot be: check the ideal cycle, the counters and the states.",
    "availability": "Share of planned busy time in which machines produced; set-up counts against it (no. 8).",
    "effectiveness": "Ideal time of the pieces over the time that was spent on them; above 100 % the ideal cycle is too"
    " long, above 150 % it cannot be (no. 9).",
    "quality_ratio": "Good over produced pieces, each weighed with its ideal cycle; above 100 % it cannot be: check the"
    " counters (no. 10).",
}
PLACE_PX: Final = {"site": 100, "area": 105, "line": 75, "machine": 95}
"""How wide columns of places are."""
STOPS: Final = ("setup", "starved", "blocked", "idle", "down")

_DIFFERENCE: Final = 'last("now") - last("was")'
_HALF_AN_HOUR_S: Final = 1_800
_RAISED: Final = '"active" = 1'
_COLOURED: Final[Object] = {"type": "color-text"}
_SEVERITIES: Final = looks.as_list(
    looks.words(
        {
            "alarm": ("alarm", looks.DOWN),
            "warning": ("warning", looks.ATTENTION),
            "notice": ("notice", looks.PLAIN),
        }
    )
)

_STEPS: Final = {
    "= Calendar": "",
    "Off": '"off_s"',
    "Maintenance": '"maintenance_s"',
    "Unknown": '"UT"',
    "= Planned": "",
    "No order": '"no_order_s"',
    "Set-up": '"setup_s"',
    "Down": '"down_s"',
    "Starved": '"starved_s"',
    "Blocked": '"blocked_s"',
    "Idle": '"idle_s"',
    "= Running": "",
    "Speed": '("running_s" - "ideal_s")',
    "Rejects": '("ideal_s" - "ideal_good_s")',
    "= Productive": "",
}
"""The steps of the waterfall: what is left (=), and what is lost."""
_LOST: Final = (
    "off_s",
    "maintenance_s",
    "no_order_s",
    "setup_s",
    "down_s",
    "starved_s",
    "blocked_s",
    "idle_s",
    "running_s",
    "ideal_s",
    "ideal_good_s",
)
SPEED: Final = '(sum("running_s") - sum("ideal_s") + abs(sum("running_s") - sum("ideal_s"))) / 2'
"""What reduced speed took: running less ideal time, and nothing where pieces came faster than their ideal cycle."""

SPENT: Final[Mapping[str, tuple[str, str]]] = {
    "Fully productive": ('sum("ideal_good_s")', looks.PRODUCTIVE),
    "Rejects": ('sum("ideal_s") - sum("ideal_good_s")', looks.ATTENTION),
    "Reduced speed": (SPEED, looks.RUN),
    "Set-up": ("setup_s", looks.ACT),
    "Starved": ("starved_s", looks.WAIT),
    "Blocked": ("blocked_s", "#c46f10"),
    "Idle": ("idle_s", looks.IDLE),
    "No order": ("no_order_s", looks.OFF),
    "Down": ("down_s", looks.DOWN),
}
"""Where planned time goes, in the order of a bar: column → sum of the ledger, colour."""


def headline(plant: Plant, level: Level | None = None) -> list[Tile]:
    """Return OEE and its factors as large numbers, and the share of time of which the state is known.

    Their colour goes by the target of the chosen line or machine (`level`), else by the lowest of all lines.
    """
    tiles = [
        panels.number(
            title,
            _SAYS[name],
            Ask(indicator(name)),
            looks.RATIO,
            steps=looks.target_steps(plant, name),
            decimals=1,
            mappings=looks.cannot_be(name),
        )
        for name, title in TITLES.items()
    ]
    if level:
        for name, tile in zip(TITLES, tiles, strict=True):
            asked = by_target(plant, name, level)
            queries(tile.panel, [ask for _, ask in asked])
            for target, ask in asked:
                steps = looks.thresholds(looks.steps_below(target.value))
                panels.by_name(tile, ask.alias, {"thresholds": looks.as_object(steps)})
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


def scrap() -> Tile:
    """Return the scrapped pieces as a large number."""
    return panels.number(
        "Scrap", "Scrapped pieces of all machines shown.", Ask(total({"scrap": "scrap"})), looks.PIECES, decimals=0
    )


def energy() -> Tile:
    """Return the energy of a good piece as a large number."""
    return panels.number(
        "Energy a good piece",
        "Electricity of all machines shown over their good pieces.",
        Ask(indicator("energy_per_good_piece")),
        looks.ENERGY,
        decimals=2,
    )


def pieces_by_time(by: Sequence[str], *, size: tuple[int, int] = (12, 8)) -> Tile:
    """Return good pieces over time of each value of these tags; without tags, good, scrap and rework."""
    if by:
        return panels.bars(
            "Good pieces over time",
            "Good pieces in each interval; a piece counts at each machine that works on it.",
            [Ask(total({"good": "good"}, Cut(by, EVERY)), alias="/".join(f"$tag_{tag}" for tag in by))],
            looks.PIECES,
            interval="15m",
            size=size,
        )
    return panels.bars(
        "Pieces over time",
        "Good, scrapped and reworked pieces in each interval.",
        [Ask(total({"Good": "good", "Scrap": "scrap", "Rework": "rework"}, Cut(every=EVERY)))],
        looks.PIECES,
        interval="15m",
        colours={"Good": looks.PRODUCTIVE, "Scrap": looks.DOWN, "Rework": looks.ATTENTION},
        size=size,
    )


def oee_trend(
    by: Sequence[str], level: Level | Literal["site"], plant: Plant | None = None, *, size: tuple[int, int] = (12, 8)
) -> Tile:
    """Return OEE over time of each value of these tags; of lines or machines of a plant, with their targets dashed."""
    targets = lines_of(plant, level) if plant and level != "site" else []
    dashed = "; dashed: its target" if targets else ""
    asked = indicator("oee", Cut(by, EVERY, least_s=_HALF_AN_HOUR_S))
    return panels.trend(
        "OEE over time",
        f"OEE of each {level} by the hour, in longer intervals over longer ranges{dashed}. Within minutes,"
        " pieces that come in batches make it anything.",
        [Ask(asked, alias="/".join(f"$tag_{tag}" for tag in by) or "OEE"), *targets],
        looks.RATIO,
        interval="1h",
        most=panels.LEGIBLE,
        top=1,
        size=size,
    )


def change() -> Tile:
    """Return how the range compares with the period before it, which is as long."""
    asks = [_points(indicator(name), name, title) for name, title in TITLES.items()]
    asks.append(_share(total({"good": "good"}), "good", "Good pieces"))
    asks.append(_share(indicator("energy_per_good_piece"), "energy_per_good_piece", "Energy a good piece"))
    tile = panels.changes(
        "Against the period before",
        "What changed from the period before, which is as long as the range: of ratios the difference, in points of per"
        " cent; of pieces and energy the share of what it was.",
        asks,
    )
    for title in TITLES.values():
        panels.by_name(tile, title, {"unit": looks.POINTS})
    more = looks.as_object(looks.thresholds(((None, looks.PLAIN), (0.001, looks.WAIT))))
    panels.by_name(tile, "Energy a good piece", {"thresholds": more})
    return tile


def _points(query: str, name: str, title: str) -> Ask:
    return _change(query, name, f'100 * ({_DIFFERENCE}) AS "{title}"')


def _share(query: str, name: str, title: str) -> Ask:
    return _change(query, name, f'({_DIFFERENCE}) / last("was") AS "{title}"', is_of_something=True)


def _change(query: str, name: str, value: str, *, is_of_something: bool = False) -> Ask:
    now, was = (
        f'SELECT "{name}" AS "{word}" FROM ({asked})' for word, asked in (("now", query), ("was", before(query)))
    )
    if is_of_something:
        was += f' WHERE "{name}" > 0'
    return Ask(f"SELECT {value} FROM ({now}), ({was})")


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


def stop_reasons(plant: Plant, states: Sequence[str] = STOPS, *, size: tuple[int, int] = (8, 10)) -> Tile:
    """Return the reasons for which machines stood still, the longest first."""
    return panels.ranking(
        "Reasons by time",
        "Time in set-up, waiting, idle and down by reported reason (a state alone: without one): what to work on"
        " first is on top.",
        Ask(reasons(("state", "reason"), states), table=True),
        "seconds",
        looks.SECONDS,
        words={"state": looks.states(), "reason": looks.reasons(plant)},
        size=size,
    )


def state_ribbons(names: Sequence[str] = LEVELS, *, size: tuple[int, int] = (24, 8)) -> Tile:
    """Return what state each machine was in; it is called by these levels of its path."""
    return panels.ribbon(
        "States",
        "The reported state of each machine. Grey is normal; red is down, orange waits, blue is set-up or maintenance.",
        [Ask(current_state("state", "state"), alias="/".join(f"$tag_{name}" for name in names), source=RAW)],
        looks.states(),
        size=size,
    )


def orders_ribbon(names: Sequence[str] = LEVELS, *, size: tuple[int, int] = (24, 6)) -> Tile:
    """Return which order was on each machine; it is called by these levels of its path."""
    started = scope(more="\"phase\" = 'start'")
    return panels.ribbon(
        "Orders",
        "The order that was started last on each machine.",
        [
            Ask(
                current_state("order", "job", where=started),
                alias="/".join(f"$tag_{name}" for name in names),
                source=RAW,
            )
        ],
        names=True,
        size=size,
    )


def alarms(places: Sequence[str] = ("machine",), *, size: tuple[int, int] = (24, 8)) -> Tile:
    """Return the alarms and notices that were raised last; `places` are the levels that are not chosen on the page."""
    columns: dict[str, tuple[str, Object]] = {
        "severity": ("Severity", {"custom.width": 80, "mappings": _SEVERITIES, "custom.cellOptions": _COLOURED}),
        **{level: (level.capitalize(), {"custom.width": PLACE_PX[level]}) for level in places},
        "text": ("Text", {}),
    }
    names = ", ".join(f'"{name}"' for name in columns)
    return panels.table(
        "Latest alarms and notices",
        "What machines raised last up to the end of the range, 30 days back at most, the newest on top.",
        [
            Ask(
                f'SELECT {names} FROM "event" WHERE {UNTIL} AND {scope(more=_RAISED)} ORDER BY time DESC LIMIT 50',
                source=RAW,
                table=True,
            )
        ],
        columns,
        by_time="Raised",
        sort=("Raised", True),
        size=size,
    )


def waterfall(*, size: tuple[int, int] = (16, 10)) -> Tile:
    """Return where the time of a machine went, from calendar time down to fully productive time: the mean of them."""
    edges: dict[str, tuple[str, str]] = {}
    left = '"CT"'
    for name, loss in _STEPS.items():
        if name.startswith("="):
            edges[name] = ('0 * "CT"', left)
        else:
            edges[name] = (f"{left} - {loss}", left)
            left = edges[name][0]
    each = total({"CT": term("CT"), "UT": term("UT")} | {field: field for field in _LOST}, Cut(LEVELS))
    means = ", ".join(f'mean("{field}") AS "{field}"' for field in ("CT", "UT", *_LOST))
    sums = f"SELECT {means} FROM ({each})"
    lower, upper = (
        ", ".join(f'({pair[place]}) / 3600 AS "{name}"' for name, pair in edges.items()) for place in (0, 1)
    )
    names = ", ".join(f'"{name}"' for name in edges)
    return panels.waterfall(
        "From calendar time to fully productive time",
        "What each kind of loss took of a machine's time, the mean of all machines shown. Calendar time less time off,"
        " in maintenance and unknown is planned time; less stops it is running time; less reduced speed and rejects it"
        " is fully productive time. OEE is the last over planned time.",
        Ask(f"SELECT {names} FROM (SELECT {lower} FROM ({sums})), (SELECT {upper} FROM ({sums}))", table=True),
        size=size,
    )
