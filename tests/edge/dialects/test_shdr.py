"""The lines of an MTConnect adapter, translated."""

import pytest

from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent, Count, Notice, Sample, StateChange, Status
from broker.contract.instants import format_rfc3339
from broker.contract.instants import parse as instant
from edge.dialects.shdr import Adapter

MILL = "nist/sms/cell-1/mazak-3"
DAY = "2016-05-03T"


def reported_state(*lines: str) -> list[tuple[str, str, str]]:
    """Return the states of some lines: time of day, state, reason."""
    adapter = Adapter(MILL)
    events = [event for line in lines for event in adapter.events(f"{DAY}{line}")]
    return [
        (format_rfc3339(event.at)[11:19], event.state, event.reason)
        for event in events
        if isinstance(event, StateChange)
    ]


def meaning(*lines: str) -> list[AnyEvent]:
    adapter = Adapter(MILL)
    return [event for line in lines for event in adapter.events(line)]


def test_execution_is_the_state() -> None:
    assert reported_state(
        "09:00:00Z|execution|UNAVAILABLE",
        "09:00:01Z|execution|READY",
        "09:00:02Z|execution|ACTIVE",
        "09:00:03Z|execution|ACTIVE",
        "09:00:04Z|execution|INTERRUPTED",
        "09:00:05Z|execution|FEED_HOLD",
        "09:00:06Z|execution|UNAVAILABLE",
    ) == [
        ("09:00:01", "idle", "ready"),
        ("09:00:02", "running", ""),
        ("09:00:04", "idle", "interrupted"),
        ("09:00:05", "idle", "feed-hold"),
        ("09:00:06", "unknown", ""),
    ]


def test_a_fault_stops_a_machine_that_is_not_active() -> None:
    assert reported_state(
        "09:00:00Z|execution|ACTIVE",
        "09:00:01Z|motion_cond|Fault|763|||START PROCESS ILLEGAL",
        "09:00:02Z|execution|READY",
        "09:00:03Z|motion_cond|Fault|764|||AXIS",
        "09:00:04Z|motion_cond|Normal|763|||",
        "09:00:05Z|motion_cond|Normal||||",
        "09:00:06Z|logic_cond|Warning|3|||SET UP SWITCH",
    ) == [("09:00:00", "running", ""), ("09:00:02", "down", "motion-cond"), ("09:00:05", "idle", "ready")]


def test_the_state_of_an_adapter_that_is_not_available_is_unknown() -> None:
    assert reported_state(
        "09:00:00Z|avail|UNAVAILABLE",
        "09:00:01Z|execution|ACTIVE",
        "09:00:02Z|avail|AVAILABLE",
        "09:00:03Z|avail|UNAVAILABLE",
    ) == [("09:00:02", "running", ""), ("09:00:03", "unknown", "")]
    at = instant("2016-05-03T09:00:00Z")
    assert meaning("2016-05-03T09:00:00Z|avail|AVAILABLE") == [Status(asset=MILL, at=at, online=True)]


def test_functional_mode_sets_setup_and_maintenance() -> None:
    assert reported_state(
        "09:00:00Z|execution|READY|functional_mode|PRODUCTION",
        "09:00:01Z|functional_mode|SETUP",
        "09:00:02Z|functional_mode|MAINTENANCE",
        "09:00:03Z|functional_mode|PRODUCTION",
    ) == [("09:00:00", "idle", "ready"), ("09:00:01", "setup", ""), ("09:00:02", "maintenance", ""),
          ("09:00:03", "idle", "ready")]  # fmt: skip


def test_values_and_counts_and_conditions() -> None:
    at = instant("2017-02-01T10:12:23.1718750Z")
    found = meaning(
        "2017-02-01T10:12:23.1718750Z@5.0|Part_Count|1909|Spindle_Time|7165959.99|program| O1001 |Xload|UNAVAILABLE",
        "2017-02-01T10:12:23.1718750Z|servo|Unavailable||||",
        "2017-02-01T10:12:23.1718750Z|a|UNAVAILABLE|b|1|c|2",
        "2017-02-01T10:12:23.1718750Z|servo|Warning|E 7|||too warm",
        "2017-02-01T10:12:23.1718750Z|servo|Normal||||",
        "* PING",
        "* PONG 10000",
        "",
    )
    assert found == [
        Count(asset=MILL, at=at, produced=1909),
        Sample(asset=MILL, at=at, signal="spindle-time", value=7165959.99),
        Sample(asset=MILL, at=at, signal="program", value="O1001"),
        Sample(asset=MILL, at=at, signal="b", value=1),
        Sample(asset=MILL, at=at, signal="c", value=2),
        Notice(asset=MILL, at=at, code="servo-e-7", severity="warning", text="too warm"),
        Notice(asset=MILL, at=at, code="servo-e-7", severity="warning", text="too warm", active=False),
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("<<<<<<< HEAD", "is not RFC 3339"),
        ("2017", "is not RFC 3339"),
        ("2016-05-03T09:00:00Z", "0 fields follow the time"),
        ("2016-05-03T09:00:00Z|execution", "1 fields follow the time"),
        ("2016-05-03T09:00:00Z|execution|DREAMING", "execution 'DREAMING' is not of MTConnect"),
        ("2016-05-03T09:00:00Z|part_count|many", "not a number"),
        ("2016-05-03T09:00:00Z|part_count|nan", "not a number"),
        ("2016-05-03T09:00:00Z|___|1", "has no name"),
        ("2016-05-03T09:00:00Z|a_b|1|a-b|2", "are both a-b"),
    ],
)
def test_what_is_not_a_line_is_rejected_with_a_reason(line: str, problem: str) -> None:
    adapter = Adapter(MILL)
    with pytest.raises(ContractError, match=problem):
        adapter.events(line)
    assert adapter.events("2016-05-03T09:00:01Z|execution|ACTIVE")
