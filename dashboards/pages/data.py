"""Data quality: what arrives, what is rejected, what is silent, what is unknown."""

from typing import Final

from broker.plant.plant import Plant
from dashboards import looks, panels
from dashboards.grafana import Ask, Object, Section, Tile, dashboard
from dashboards.names import DATA, LEVELS, MACHINE, RAW
from dashboards.page import levels, link_to, link_to_wall, page
from dashboards.queries import (
    EVERY,
    RANGE,
    UNTIL,
    Cut,
    current_state,
    grouped,
    how_many,
    indicator,
    newest,
    scope,
    term,
    total,
)

_RECENT: Final = "6h"
"""Samples are many: they are counted over so much, whatever range is chosen."""
_KINDS: Final = {"state": "code", "count": "produced", "meter": "total", "quality": "value"}


def page_of(plant: Plant) -> dashboard.Dashboard:  # noqa: ARG001  (all pages are made in the same way)
    """Return the page."""
    return page(
        DATA,
        "Whether the numbers can be trusted: rates, rejected messages, silent and offline devices, unknown time.",
        [
            Section("Now and over the range", _numbers()),
            Section("What arrives", [_samples(), _events()]),
            Section("Devices", [_connections(), _last_received(), _unknown()]),
            Section("Rejected and implausible", [_rejected(), _unrated(), _too_fast()]),
        ],
        levels(),
    )


def _numbers() -> list[Tile]:
    size = (4, 4)
    return [
        panels.number(
            "Time known",
            "Share of calendar time in which the state was known.",
            Ask(indicator("coverage")),
            looks.RATIO,
            steps=((None, looks.DOWN), (0.8, looks.ATTENTION), (0.95, looks.PLAIN)),
            decimals=1,
            size=size,
        ),
        panels.number(
            "Devices offline",
            "Devices that last reported that they are not connected.",
            Ask(how_many("online", "status", '"online" = 0'), source=RAW),
            looks.PIECES,
            steps=((None, looks.PLAIN), (1, looks.DOWN)),
            decimals=0,
            size=size,
        ),
        panels.number(
            "Rejected messages",
            "Messages of the range that do not conform to the contract; they are stored, and listed below.",
            Ask(f'SELECT sum("count") AS "rejected" FROM "rejected" WHERE {RANGE}', source=RAW),
            looks.PIECES,
            steps=((None, looks.PLAIN), (1, looks.ATTENTION)),
            decimals=0,
            none="0",
            size=size,
        ),
        panels.moment(
            "Newest sample",
            "How old the newest stored sample is: the lag of everything before the store, if devices publish.",
            Ask(newest("value", "telemetry", ()), source=RAW),
            size=size,
        ),
        panels.moment(
            "Newest minute of the ledger",
            "When the newest minute of the ledger began: the running one if the ledger is up to date.",
            Ask(newest("running_s", "ledger", ())),
            size=size,
        ),
        panels.number(
            "Pieces without ideal cycle",
            "Pieces without an ideal cycle: where there are any, OEE and effectiveness are not defined.",
            Ask(total({"unrated": "unrated"})),
            looks.PIECES,
            steps=((None, looks.PLAIN), (1, looks.ATTENTION)),
            decimals=0,
            size=size,
        ),
    ]


def samples_a_minute() -> str:
    """Ask how many samples of each machine were stored in a minute, over the newest hours of the range.

    Minutes are counted from the end of the range, so that none is cut, and the newest is left out, which is still
    arriving. A condition on the time of the minutes would not do: InfluxDB applies it to the samples, and cuts one.
    """
    recent = f"{RANGE} AND time >= ${{__to}}ms - {_RECENT} AND time < ${{__to}}ms - 1m"
    by = grouped(LEVELS, "1m, ${__to}ms", "0")
    minutes = f'SELECT count("value") AS "n" FROM "telemetry" WHERE {recent} AND {scope()}{by}'
    return f'SELECT mean("n") AS "n" FROM ({minutes}) WHERE {recent}{grouped(LEVELS, EVERY)}'


def _samples() -> Tile:
    tile = panels.trend(
        "Samples a minute, 6 hours",
        "Stored samples of telemetry of each machine in each full minute of the last 6 hours of the range: a line that"
        " falls is a sensor that died.",
        [Ask(samples_a_minute(), alias="/".join(f"$tag_{level}" for level in LEVELS), source=RAW)],
        "suffix:/min",
    )
    tile.panel.time_from = _RECENT
    return tile


def _events() -> Tile:
    asks = [
        Ask(
            f'SELECT count("{field}") AS "{kind}" FROM "{kind}" WHERE {RANGE} AND {scope()}{grouped((), EVERY)}',
            source=RAW,
        )
        for kind, field in _KINDS.items()
    ]
    rejected = f'SELECT sum("count") AS "rejected" FROM "rejected" WHERE {RANGE}{grouped((), EVERY)}'
    asks.append(Ask(rejected, source=RAW))
    return panels.bars(
        "States, counts, meters, measurements, rejected messages",
        "Stored events of each kind, and rejected messages, in each interval.",
        asks,
        looks.PIECES,
        interval="10m",
        colours={"rejected": looks.DOWN},
    )


def _connections() -> Tile:
    return panels.ribbon(
        "Connection",
        "Whether each device was connected, by its own word and its last will.",
        [Ask(current_state("online", "status"), alias="/".join(f"$tag_{level}" for level in LEVELS), source=RAW)],
        looks.connections(),
        size=(24, 8),
    )


def _last_received() -> Tile:
    columns: dict[str, tuple[str, Object]] = {
        "site": ("Site", {}),
        "area": ("Area", {}),
        "line": ("Line", {}),
        "machine": ("Machine", {"links": [link_to(MACHINE, *LEVELS), link_to_wall(*LEVELS)]}),
    }
    return panels.table(
        "Last message",
        "When the newest sample of each machine was taken, the longest silent on top.",
        [Ask(newest("value", "telemetry"), source=RAW, table=True)],
        columns,
        by_time="Last message",
        time_unit=looks.AGO,
        sort=("Last message", False),
        size=(12, 9),
    )


def _unknown() -> Tile:
    return panels.ranking(
        "Unknown time",
        "Time in which the state of a machine was unknown: offline, nothing reported yet, or reported as unknown.",
        Ask(total({"seconds": term("UT")}, Cut(LEVELS)), table=True),
        "seconds",
        looks.SECONDS,
        colour=looks.UNKNOWN,
        size=(12, 9),
    )


def _rejected() -> Tile:
    return panels.table(
        "Newest rejected messages",
        "The newest rejected messages up to the end of the range, 30 days back at most: topic and reason.",
        [
            Ask(
                f'SELECT "topic", "reason", "bytes" FROM "rejected" WHERE {UNTIL} ORDER BY time DESC LIMIT 50',
                source=RAW,
                table=True,
            )
        ],
        {"topic": ("Topic", {}), "reason": ("Why", {}), "bytes": ("Size", {"unit": "decbytes"})},
        by_time="Received",
        sort=("Received", True),
        size=(24, 8),
    )


def _unrated() -> Tile:
    return panels.ranking(
        "Pieces without an ideal cycle, by machine",
        "Send ideal_cycle with the job, or set ideal-cycle in the plant file, and OEE is defined again.",
        Ask(total({"pieces": "unrated"}, Cut(LEVELS)), table=True),
        "pieces",
        looks.PIECES,
        colour=looks.ATTENTION,
        size=(12, 8),
    )


def _too_fast() -> Tile:
    return panels.ranking(
        "Effectiveness by machine",
        "Above 100 % the ideal cycle is too long, pieces are counted twice, or made outside of running time.",
        Ask(indicator("effectiveness", Cut(LEVELS)), table=True),
        "effectiveness",
        looks.RATIO,
        colour=looks.RUN,
        size=(12, 8),
    )
