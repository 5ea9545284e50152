"""Energy and carbon: electricity and other utilities, over time and for each good piece."""

from broker.plant.plant import Plant
from dashboards import looks, panels
from dashboards.grafana import Ask, Object, Section, Tile, dashboard
from dashboards.names import ENERGY, LEVELS, MACHINE
from dashboards.page import emission_factor, levels, link_to, link_to_wall, page
from dashboards.queries import EVERY, FACTOR, POWER_EVERY, RANGE, Cut, grouped, indicator, power, total

_LINE = ("site", "area", "line")


def page_of(plant: Plant) -> dashboard.Dashboard:  # noqa: ARG001  (all pages are made in the same way)
    """Return the page."""
    return page(
        ENERGY,
        "Electricity, air, water and gas: where they go, what a good piece takes, and the greenhouse gases of it.",
        [
            Section("Over the range", _numbers()),
            Section("Electricity", [_power(), _a_piece(), _by_machine(), _while_idle()]),
            Section("Other utilities", _utilities()),
        ],
        [*levels(), emission_factor()],
    )


def _numbers() -> list[Tile]:
    power_now = panels.number(
        "Power now",
        "Mean electrical power of all machines shown, in the newest minutes of the range.",
        Ask(power(())),
        looks.POWER,
        decimals=1,
        size=(4, 4),
    )
    power_now.panel.interval = POWER_EVERY
    carbon = f'SELECT "kwh" * {FACTOR} AS "co2e" FROM ({total({"kwh": "electricity_kwh"})})'
    size = (4, 4)
    return [
        panels.number(
            "Electricity",
            "Electrical energy of all machines shown.",
            Ask(total({"kwh": "electricity_kwh"})),
            looks.ENERGY,
            size=size,
        ),
        panels.number(
            "Greenhouse gases",
            "The electricity's greenhouse gases as CO₂ equivalent, with the emission factor set above.",
            Ask(carbon),
            looks.MASS,
            size=size,
        ),
        panels.number(
            "Energy a produced piece",
            "Electricity over produced pieces: comprehensive energy consumption (no. 23).",
            Ask(indicator("comprehensive_energy_consumption")),
            looks.ENERGY,
            decimals=2,
            size=size,
        ),
        panels.number(
            "Energy a good piece",
            "Electricity over good pieces: scrap costs its energy too.",
            Ask(indicator("energy_per_good_piece")),
            looks.ENERGY,
            decimals=2,
            size=size,
        ),
        panels.number(
            "CO₂e a good piece",
            "Greenhouse gases of the electricity of a good piece.",
            Ask(indicator("co2e_per_good_piece")),
            looks.MASS,
            decimals=3,
            size=size,
        ),
        power_now,
    ]


def _power() -> Tile:
    return panels.trend(
        "Electrical power by line",
        "Mean electrical power of each line, from the meters of its machines.",
        [Ask(power(_LINE), alias="$tag_site/$tag_area/$tag_line")],
        looks.POWER,
        interval=POWER_EVERY,
        most=panels.MANY,
    )


def _a_piece() -> Tile:
    return panels.trend(
        "Energy a good piece over time",
        "Electricity over good pieces of each line; it rises when a line idles with its machines on.",
        [Ask(indicator("energy_per_good_piece", Cut(_LINE, EVERY)), alias="$tag_site/$tag_area/$tag_line")],
        looks.ENERGY,
        interval="1h",
        most=panels.LEGIBLE,
    )


def _by_machine() -> Tile:
    places: dict[str, tuple[str, Object]] = {
        "site": ("Site", {}),
        "area": ("Area", {}),
        "line": ("Line", {}),
        "machine": ("Machine", {"links": [link_to(MACHINE, *LEVELS), link_to_wall(*LEVELS)]}),
    }
    cut = Cut(LEVELS)
    return panels.table(
        "Electricity by machine",
        "What each machine took over the range, and for each of its good pieces.",
        [
            Ask(total({"kwh": "electricity_kwh", "good": "good"}, cut), table=True),
            Ask(indicator("energy_per_good_piece", cut), table=True),
            Ask(indicator("co2e_per_good_piece", cut), table=True),
        ],
        places
        | {
            "kwh": ("Electricity", {"unit": looks.ENERGY, "decimals": 1}),
            "good": ("Good", {"unit": looks.PIECES, "decimals": 0}),
            "energy_per_good_piece": ("A good piece", {"unit": looks.ENERGY, "decimals": 2}),
            "co2e_per_good_piece": ("CO₂e", {"unit": looks.MASS, "decimals": 3}),
        },
        sort=("Electricity", True),
        size=(24, 9),
    )


def _while_idle() -> Tile:
    minutes = total({"kwh": "electricity_kwh", "running": "running_s"}, Cut(LEVELS, "1m"))
    query = f'SELECT sum("kwh") AS "kwh" FROM ({minutes}) WHERE "running" = 0 AND {RANGE}{grouped(LEVELS)}'
    return panels.ranking(
        "Electricity while nothing ran",
        "Energy of the minutes in which a machine did not run at all: what switching off, or sleeping, could save.",
        Ask(query, table=True),
        "kwh",
        looks.ENERGY,
        size=(24, 9),
    )


def _utilities() -> list[Tile]:
    """Return a chart each, for a cubic metre of water is as much as thousands of air."""
    return [
        panels.bars(
            f"{name} by hour",
            f"{name} of each hour, in longer intervals over longer ranges, from the meters of machines that have it.",
            [Ask(total({name: field}, Cut(every=EVERY)))],
            looks.VOLUME,
            colours={name: colour},
            size=(8, 8),
        )
        for name, field, colour in (
            ("Compressed air", "air_m3", looks.PRODUCTIVE),
            ("Water", "water_m3", looks.ACT),
            ("Gas", "gas_m3", looks.WAIT),
        )
    ]
