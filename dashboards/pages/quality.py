"""Quality: yields, process capability, control charts."""

import re
from typing import Final

from broker.plant.plant import Plant
from dashboards import looks, panels, spc
from dashboards.grafana import Ask, Object, Section, Tile, dashboard
from dashboards.names import LEVELS, MACHINE, QUALITY, RAW
from dashboards.page import found_out, levels, link_to, link_to_wall, page, tag_values
from dashboards.pages import factor_tables, parts, scrap
from dashboards.queries import EVERY, Cut, indicator, total

_MACHINE: Final = "/".join(f"$tag_{level}" for level in LEVELS)
_COUNT: Final[Object] = {"unit": looks.PIECES, "decimals": 0}
_CAPABLE: Final = ((None, looks.DOWN), (1.0, looks.WAIT), (1.33, looks.PLAIN))
_WRITTEN_OTHERWISE: Final = [code for code in looks.MEASURED if looks.as_written(code) != code]
_UNITS: Final = looks.as_list(looks.words({code: (looks.as_written(code), looks.PLAIN) for code in _WRITTEN_OTHERWISE}))
_IN_UNIT: Final = ", ${unit}"
"""Ends the name of a series with the unit of its values, which are asked for apart."""
_RATIOS: Final = {
    "first_pass_yield": ("First pass yield", "Parts that were good at first pass over inspected parts (no. 15)."),
    "quality_ratio": ("Quality ratio", "Good over produced pieces, each weighed with its ideal cycle (no. 10)."),
    "scrap_ratio": ("Scrap", "Scrap over produced pieces (no. 16)."),
    "rework_ratio": ("Rework", "Pieces to be reworked over produced pieces (no. 17)."),
}


def page_of(plant: Plant) -> dashboard.Dashboard:
    """Return the page."""
    characteristic = tag_values("characteristic", "Characteristic", measurement="quality", single=True)
    return page(
        QUALITY,
        "Yields of machines, capability of what is measured, and control charts of one characteristic.",
        [
            Section("Yields", [*_numbers(plant), _by_machine(), _yield_trend()]),
            Section("Capability", [_capability()]),
            Section("Control charts: $characteristic", [_individuals(), _histogram(), _moving_range()]),
            Section("Scrap", [_scrap(), scrap.by_reason(plant)]),
        ],
        [*levels(), characteristic, found_out("unit", "Unit", spc.unit())],
    )


def _numbers(plant: Plant) -> list[Tile]:
    quality = looks.target_steps(plant, "quality_ratio")
    return [
        panels.number(
            title,
            says,
            Ask(indicator(name)),
            looks.RATIO,
            steps=quality if name == "quality_ratio" else looks.PLAIN_STEPS,
            decimals=1,
            mappings=looks.cannot_be(name),
            size=(6, 4),
        )
        for name, (title, says) in _RATIOS.items()
    ]


def _by_machine() -> Tile:
    ratio: Object = {"unit": looks.RATIO, "decimals": 1}
    places: dict[str, tuple[str, Object]] = {
        "site": ("Site", {}),
        "area": ("Area", {}),
        "line": ("Line", {}),
        "machine": ("Machine", {"links": [link_to(MACHINE, *LEVELS), link_to_wall(*LEVELS)]}),
    }
    columns: dict[str, tuple[str, Object]] = {
        name: (title, ratio | factor_tables.marked(name) | {"custom.width": 150})
        for name, (title, _) in _RATIOS.items()
    }
    return panels.table(
        "Yields by machine",
        "The machines with the lowest first pass yield are on top.",
        [
            *(Ask(indicator(name, Cut(LEVELS)), table=True) for name in _RATIOS),
            Ask(total({"good": "good", "scrap": "scrap"}, Cut(LEVELS)), table=True),
        ],
        places | columns | {"good": ("Good", _COUNT), "scrap": ("Scrapped", _COUNT)},
        sort=("First pass yield", False),
        size=(24, 9),
    )


def _yield_trend() -> Tile:
    return panels.trend(
        "First pass yield over time",
        "First pass yield of each line in each interval.",
        [
            Ask(
                indicator("first_pass_yield", Cut(("site", "area", "line"), EVERY)),
                alias="$tag_site/$tag_area/$tag_line",
            )
        ],
        looks.RATIO,
        interval="1h",
        most=panels.LEGIBLE,
        top=1,
        size=(24, 7),
    )


def _capability() -> Tile:
    index: Object = {
        "decimals": 2,
        "thresholds": looks.as_object(looks.thresholds(_CAPABLE)),
        "custom.cellOptions": {"type": "color-text"},
    }
    return panels.table(
        "Process capability",
        "How many times the tolerance holds the spread of each characteristic. Cpk (no. 22) counts how far it is off"
        " centre; 1.33 is capable. Cp and Cpk go by successive parts, Cm and Cmk by all; both limits are needed.",
        [Ask(spc.capability(), source=RAW, table=True), Ask(spc.units(), source=RAW, table=True)],
        {
            **{level: (level.capitalize(), {"custom.width": parts.PLACE_PX[level]}) for level in LEVELS},
            "characteristic": ("Characteristic", {"custom.width": 140}),
            "uom": ("Unit", {"mappings": _UNITS, "custom.width": 70}),
            "n": ("Parts", _COUNT),
            "mean": ("Mean", {"decimals": 3}),
            "lower": ("Lower limit", {"decimals": 3}),
            "upper": ("Upper limit", {"decimals": 3}),
            "cp": ("Cp", index),
            "cpk": ("Cpk", index),
            "cm": ("Cm", index),
            "cmk": ("Cmk", index),
        },
        sort=("Cpk", False),
        size=(24, 7),
    )


def _individuals() -> Tile:
    tile = panels.trend(
        "Individual values",
        "Each measured part between its control limits (mean ± 3 σ of successive parts, dashed) and its tolerance"
        " limits: a point outside the former is a special cause, one outside the latter a bad part.",
        [
            Ask(spc.individuals(), alias=f"{_MACHINE} $col{_IN_UNIT}", source=RAW),
            Ask(spc.control_limits(), alias=f"{_MACHINE} $col{_IN_UNIT}", source=RAW),
        ],
        "none",
        points=True,
        size=(16, 10),
    )
    line: Object = {"custom.showPoints": "never", "custom.lineWidth": 1}
    dashed: Object = line | {"custom.lineStyle": {"fill": "dash", "dash": [6, 4]}, "color": looks.fixed(looks.ACT)}
    limit: Object = line | {"color": looks.fixed(looks.DOWN)}
    value: Object = {"color": looks.fixed(looks.PRODUCTIVE), "custom.lineWidth": 0, "custom.pointSize": 5}
    panels.by_regexp(tile, "/ value, /", value)
    panels.by_regexp(tile, "/ (lower|upper) tolerance, /", limit)
    panels.by_regexp(tile, "/ (lower|upper) control, /", dashed)
    panels.by_regexp(tile, "/ mean, /", line | {"color": looks.fixed(looks.PRODUCTIVE)})
    assert tile.panel.field_config is not None
    assert tile.panel.field_config.defaults is not None
    custom = tile.panel.field_config.defaults.custom
    assert isinstance(custom, dict)
    del custom["axisSoftMin"]
    return _in_its_unit(tile)


def _histogram() -> Tile:
    return _in_its_unit(
        panels.histogram(
            "Distribution",
            "How often values of each size were measured.",
            Ask(spc.values(), alias=f"{_MACHINE}{_IN_UNIT}", source=RAW),
            size=(8, 10),
        )
    )


def _moving_range() -> Tile:
    return _in_its_unit(
        panels.trend(
            "Moving range",
            "Difference of each part from the one before: a jump is a change from part to part, not a drift.",
            [Ask(spc.moving_range(), alias=f"{_MACHINE}{_IN_UNIT}", source=RAW)],
            "none",
            points=True,
            size=(24, 7),
        )
    )


def _in_its_unit(tile: Tile) -> Tile:
    """Give a chart of the chosen characteristic its unit: that in the names of its series, written as people do."""
    panels.renamed(tile, {f"/, {re.escape(code)}$/": f", {looks.as_written(code)}" for code in _WRITTEN_OTHERWISE})
    for code in looks.MEASURED:
        if (unit := looks.unit(code)) != "none":
            panels.by_regexp(tile, f"/, {re.escape(looks.as_written(code))}$/", {"unit": unit})
    return tile


def _scrap() -> Tile:
    return panels.ranking(
        "Scrap by machine",
        "Scrapped pieces, counted at the machine that scrapped them.",
        Ask(total({"scrap": "scrap"}, Cut(LEVELS)), table=True),
        "scrap",
        looks.PIECES,
        colour=looks.ATTENTION,
        size=(12, 8),
    )
