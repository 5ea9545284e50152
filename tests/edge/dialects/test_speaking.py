"""Simulated machines in other dialects: what comes back is what the native twin sends, as far as the dialect goes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from broker.contract.events import NS_PER_S, AnyEvent, Count, Job, Meter, Notice, Sample, StateChange, Status
from broker.contract.message import Message
from broker.plant import plant_file
from edge.dialects import DIALECTS, guard
from edge.dialects.dialect import Setup
from edge.dialects.naming import slug
from edge.dialects.speakers import SPEAKERS
from edge.simulation.simulation import SamplingIntervals, Simulation

SHIPPED = Path(__file__).parents[3] / "edge" / "simulation" / "plants" / "corridor.toml"
START = 1_795_507_200 * NS_PER_S

Value = tuple[tuple[str, str], Any]
"""A series of a machine, and what it has."""


class Carried(NamedTuple):
    """What of an event a dialect carries: series and values, as a native event has them and as they come back."""

    native: Callable[[AnyEvent], list[Value]]
    back: Callable[[AnyEvent], list[Value]]


def counts(event: Count, *fields: str) -> list[Value]:
    return [(("count", name), value) for name in fields if (value := getattr(event, name)) is not None]


def packml(event: AnyEvent) -> list[Value]:
    match event:
        case StateChange():
            state = {"blocked": "starved", "off": "idle"}.get(event.state, event.state)
            return [(("state", ""), state)]
        case Count(good=float() as good):
            not_scrapped = good + (event.rework or 0)
            return [*counts(event, "produced", "scrap"), (("count", "good"), not_scrapped)]
        case Job(ideal_cycle=float() as cycle):
            return [(("cycle", ""), pytest.approx(cycle))]
        case Sample() if event.value != "":
            return [(("telemetry", slug(f"Parameter {event.signal}")), event.value)]
    return []


def packml_back(event: AnyEvent) -> list[Value]:
    match event:
        case StateChange():
            return [(("state", ""), event.state)]
        case Count():
            return counts(event, "produced", "scrap", "good")
        case Job():
            return [(("cycle", ""), event.ideal_cycle)]
        case Sample() if event.signal != "mode":
            return [(("telemetry", event.signal), event.value)]
    return []


def mtconnect(event: AnyEvent) -> list[Value]:
    match event:
        case Status(online=False):  # of a device that is not available nobody knows the state
            return [(("status", ""), False), (("state", ""), ("unknown", ""))]
        case Status():
            return [(("status", ""), True)]
        case StateChange():
            state = {"starved": "idle", "blocked": "idle", "off": "idle"}.get(event.state, event.state)
            return [(("state", ""), (state, event.reason if state == "down" else ""))]
        case Count():
            return counts(event, "produced", "scrap", "good")
        case Sample() if event.value != "":
            return [(("telemetry", event.signal), (event.value, event.unit))]
        case Notice(active=True) if event.text:
            return [(("event", event.code), event.text)]
    return []


def mtconnect_back(event: AnyEvent) -> list[Value]:
    if isinstance(event, StateChange):
        return [(("state", ""), (event.state, event.reason if event.state == "down" else ""))]
    if isinstance(event, Notice) and event.severity == "alarm":
        return []  # a condition, by which a machine is down
    return mtconnect(event)


def shelly(event: AnyEvent) -> list[Value]:
    match event:
        case Status():
            return [(("status", ""), event.online)]
        case Meter(name="electricity"):
            return [(("meter", event.name), (pytest.approx(event.total), "kW.h"))]
        case Sample(signal="power", value=float() as power):
            watts = power * {"kW": 1_000, "W": 1}[event.unit or "W"]
            return [(("telemetry", "power"), (pytest.approx(watts), "W"))]
    return []


def shelly_back(event: AnyEvent) -> list[Value]:
    match event:
        case Meter():
            return [(("meter", event.name), (event.total, event.unit))]
        case Sample() if event.signal != "output":
            return [(("telemetry", event.signal), (event.value, event.unit))]
    return shelly(event) if isinstance(event, Status) else []


CARRIED: Final[Mapping[str, Carried]] = {
    "packml": Carried(packml, packml_back),
    "mtconnect": Carried(mtconnect, mtconnect_back),
    "shelly": Carried(shelly, shelly_back),
}


def twin() -> list[AnyEvent]:
    """Return three hours of a simulated line, and its end."""
    simulation = Simulation(plant_file.load(SHIPPED), START)
    simulation.sampling = SamplingIntervals(120 * NS_PER_S, 300 * NS_PER_S)
    simulation.announce(order_since=START)
    events = [*simulation.run_until(START + 3 * 3_600 * NS_PER_S), *simulation.offline()]
    return [event for event in events if event.asset.startswith("sheffield/machining/line-1/")]


def timelines(found: Callable[[AnyEvent], list[Value]], events: list[AnyEvent]) -> dict[Any, list[tuple[int, Any]]]:
    """Return the changes of each series: the last value of each instant, where it is another than before."""
    last: dict[Any, dict[int, Any]] = {}
    for event in events:
        for series, value in found(event):
            last.setdefault((event.asset, *series), {})[event.at] = value
    changes: dict[Any, list[tuple[int, Any]]] = {}
    for series, values in last.items():
        of_series = changes.setdefault(series, [])
        for at, value in sorted(values.items()):
            if not of_series or of_series[-1][1] != value:
                of_series.append((at, value))
    return changes


def test_every_dialect_that_is_spoken_is_compared_with_its_twin() -> None:
    assert CARRIED.keys() == SPEAKERS.keys() <= DIALECTS.keys()


@pytest.fixture(scope="module")
def native() -> list[AnyEvent]:
    return twin()


@pytest.mark.slow
@pytest.mark.parametrize("name", SPEAKERS)
def test_three_hours_of_a_simulated_line_come_back(name: str, native: list[AnyEvent]) -> None:
    assets = {event.asset for event in native}
    dialect = DIALECTS[name].make(Setup())  # which device is which machine needs no setting
    speaker = SPEAKERS[name]()
    back: list[AnyEvent] = []
    for event in native:
        while dialect.due is not None and dialect.due <= event.at:
            back += guard.tick(dialect, event.at).events
        for sent in speaker.publications(event):
            answer = guard.translate(dialect, Message(sent.topic, sent.payload, sent.qos, received_at=event.at))
            assert not answer.rejections
            back += answer.events
    while dialect.due is not None:
        back += guard.tick(dialect, dialect.due).events
    assert {event.asset for event in back} == assets
    expected, found = timelines(CARRIED[name].native, native), timelines(CARRIED[name].back, back)
    assert found.keys() == expected.keys()
    assert [(series, found[series], line) for series, line in expected.items() if found[series] != line] == []
    assert {series[1] for series in expected} >= {"shelly": {"meter"}}.get(name, {"state", "count", "telemetry"})
