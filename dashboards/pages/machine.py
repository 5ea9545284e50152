"""Machine: how it stands, what it made, every signal with its limits, its alarms."""

from collections.abc import Iterator
from typing import Final

from broker.contract.events import STATES
from broker.plant.assets import SignalInfo
from broker.plant.plant import Plant
from dashboards import looks, panels
from dashboards.grafana import Ask, Object, Section, Tile, dashboard, override
from dashboards.names import LEVELS, MACHINE, RAW
from dashboards.page import levels, page, tag_values
from dashboards.pages import parts
from dashboards.queries import EVERY, RANGE, current_state, grouped, newest, power, scope

_SERIES: Final = (*LEVELS, "signal")
_PATH: Final = "/".join(f"$tag_{level}" for level in LEVELS)


def page_of(plant: Plant) -> dashboard.Dashboard:
    """Return the page."""
    signal = tag_values("signal", "Signal", measurement="telemetry")
    words = sorted(_words(plant))
    signal.regex = f"/^(?!(?:{'|'.join(words)})$).*/" if words else None
    return page(
        MACHINE,
        "One machine: state, order, productivity, pieces, every signal with its normal band and limits, alarms.",
        [
            Section("$site / $area / $line / $machine", [_state(), _order(), *parts.headline(plant), parts.good()]),
            Section("State, connection, order, program", [_ribbons()]),
            Section(
                "What it made, and what stopped it",
                [
                    parts.pieces_by_time(()),
                    parts.stop_reasons(STATES, size=(12, 8)),
                    parts.waterfall(),
                    parts.oee_trend(plant, (), "OEE in each interval; dashed: target.", size=(8, 10)),
                ],
            ),
            Section("Signals", [_telemetry(plant)]),
            Section("Energy and alarms", [_power(), parts.alarms(size=(12, 8))]),
        ],
        [*levels(*LEVELS), signal],
        wall="machine/${site}/${area}/${line}/${machine}",
    )


def _state() -> Tile:
    return panels.word(
        "State",
        "The last reported state, up to the end of the range.",
        Ask(newest("state", "state"), source=RAW),
        "state",
        looks.states(),
    )


def _order() -> Tile:
    started = scope(more="\"phase\" = 'start'")
    return panels.word(
        "Order",
        "The order that was started last, up to the end of the range.",
        Ask(newest("order", "job", where=started), source=RAW),
        "order",
    )


def _ribbons() -> Tile:
    started = scope(more="\"phase\" = 'start'")
    return panels.ribbon(
        "State, connection, order, program",
        "Reported states. While the machine is offline, the last reported state is shown, and the true one is unknown.",
        [
            Ask(current_state("state", "state"), alias="state", source=RAW),
            Ask(current_state("online", "status"), alias="connection", source=RAW),
            Ask(current_state("order", "job", where=started), alias="order", source=RAW),
            Ask(current_state("text", "telemetry", _SERIES, often=True), alias="$tag_signal", source=RAW),
        ],
        [*looks.states(), *looks.connections()],
        size=(24, 7),
    )


def _telemetry(plant: Plant) -> Tile:
    """Return a small chart, repeated for each signal; what the plant file says of signals is in its overrides."""
    chosen = scope(more='"signal" =~ /^${signal:regex}$/')
    query = f'SELECT mean("value") AS "value" FROM "telemetry" WHERE {RANGE} AND {chosen}{grouped(_SERIES, EVERY)}'
    tile = panels.trend(
        "$signal",
        "Mean of the samples of each interval. Dashed: the end of the normal band, and the limit of the alarm.",
        [Ask(query, alias=f"{_PATH} $tag_signal", source=RAW)],
        "none",
        interval="10s",
        size=(6, 6),
    )
    panel = tile.panel
    panel.repeat, panel.repeat_direction, panel.max_per_row = "signal", "h", 4
    assert panel.field_config is not None
    panel.field_config.overrides = [
        override(f"{machine} {name}", _look(info)) for machine, name, info in _signals(plant)
    ]
    assert isinstance(panel.options, dict)
    panel.options = panel.options | {"legend": panels.NO_LEGEND}
    return tile


def _look(info: SignalInfo) -> Object:
    settings: Object = {"unit": looks.unit(info.unit)}
    if info.title:
        settings["displayName"] = info.title
    steps = looks.band_steps(info)
    if len(steps) > 1:
        settings["thresholds"] = looks.as_object(looks.thresholds(steps))
        settings["custom.thresholdsStyle"] = {"mode": "dashed"}
    return settings


def _signals(plant: Plant) -> Iterator[tuple[str, str, SignalInfo]]:
    for machine in plant.machines():
        for name, info in sorted(plant.asset(machine).signals.items()):
            yield machine, name, info


def _words(plant: Plant) -> set[str]:
    """Return the signals that have no unit anywhere: words and marks, which a chart cannot show."""
    with_unit = {name for _, name, info in _signals(plant) if info.unit}
    return {name for _, name, _ in _signals(plant)} - with_unit


def _power() -> Tile:
    return panels.trend(
        "Electrical power",
        "Mean electrical power, from the machine's meter.",
        [Ask(power(()), alias="power")],
        looks.POWER,
    )
