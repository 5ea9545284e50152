"""Machine: its state, what it made, every signal with its limits, its alarms."""

from broker.contract.events import STATES
from broker.plant.plant import Plant
from dashboards import looks, panels
from dashboards.grafana import Ask, Section, Tile, dashboard
from dashboards.names import LEVELS, MACHINE, RAW
from dashboards.page import levels, page, tag_values
from dashboards.pages import parts
from dashboards.queries import EVERY, POWER_EVERY, RANGE, current_state, grouped, newest, power, scope
from dashboards.signals import ALIAS, BY, alone, signals


def page_of(plant: Plant) -> dashboard.Dashboard:
    """Return the page."""
    signal = tag_values("signal", "Signal", measurement="telemetry")
    words = sorted(_words(plant))
    signal.regex = f"/^(?!(?:{'|'.join(words)})$).*/" if words else None
    return page(
        MACHINE,
        "One machine: state, order, productivity, pieces, every signal with its normal band and limits, alarms.",
        [
            Section(
                "$site / $area / $line / $machine",
                [_state(), _order(), *parts.headline(plant, "machine"), parts.good()],
            ),
            Section("State, connection, order, program", [_ribbons(plant)]),
            Section(
                "What it made, and what stopped it",
                [
                    parts.pieces_by_time(()),
                    parts.stop_reasons(plant, STATES, size=(12, 8)),
                    parts.waterfall(),
                    parts.oee_trend((), "machine", plant, size=(8, 10)),
                ],
            ),
            Section("Signals", [_telemetry(plant)]),
            Section("Energy and alarms", [_power(), parts.alarms()]),
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


def _ribbons(plant: Plant) -> Tile:
    started = scope(more="\"phase\" = 'start'")
    tile = panels.ribbon(
        "State, connection, order, program",
        "Reported states. While the machine is offline, the last reported state is shown, and the true one is unknown.",
        [
            Ask(current_state("state", "state"), alias="State", source=RAW),
            Ask(current_state("online", "status"), alias="Connection", source=RAW),
            Ask(current_state("order", "job", where=started), alias="Order", source=RAW),
            Ask(current_state("text", "telemetry", BY, often=True), alias="$tag_signal", source=RAW),
        ],
        [*looks.states(), *looks.connections()],
        names=True,
        size=(24, 7),
    )
    for signal in signals(plant):
        if signal.info.title and not signal.info.unit:
            panels.by_name(tile, signal.name, {"displayName": signal.info.title})
    return tile


def _telemetry(plant: Plant) -> Tile:
    """Return a small chart, repeated for each signal; what the plant file has of signals is in its overrides.

    It has no title of its own, for a variable knows a signal's raw name alone: the legend has the plant's title.
    """
    chosen = scope(more='"signal" =~ /^${signal:regex}$/')
    query = f'SELECT mean("value") AS "value" FROM "telemetry" WHERE {RANGE} AND {chosen}{grouped(BY, EVERY)}'
    tile = panels.trend(
        "",
        "Mean of the samples of each interval. Dashed: the end of the normal band, and the limit of the alarm.",
        [Ask(query, alias=ALIAS, source=RAW)],
        "none",
        interval="10s",
        limits=True,
        size=(6, 6),
    )
    panel = tile.panel
    panel.repeat, panel.repeat_direction, panel.max_per_row = "signal", "h", 4
    assert panel.field_config is not None
    panel.field_config.overrides = alone(plant)
    return tile


def _words(plant: Plant) -> set[str]:
    """Return the signals that have no unit anywhere: words and marks, which a chart cannot show."""
    with_unit = {signal.name for signal in signals(plant) if signal.info.unit}
    return {signal.name for signal in signals(plant)} - with_unit


def _power() -> Tile:
    return panels.trend(
        "Electrical power",
        "Mean electrical power, from the machine's meter.",
        [Ask(power(()), alias="Power")],
        looks.POWER,
        interval=POWER_EVERY,
        most=panels.MANY,
        size=(24, 7),
    )
