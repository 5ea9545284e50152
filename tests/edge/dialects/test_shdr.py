"""The lines of an MTConnect adapter, translated."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.contract.codec import decode, encode
from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent, Count, Notice, Sample, StateChange, Status
from broker.contract.instants import format_rfc3339
from broker.contract.instants import parse as instant
from broker.contract.message import Message
from edge.dialects.shopfloor.shdr import Adapter

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
        ("2016-05-03T09:00:00Z|part_count|-1", "not a number of pieces"),
        ("2016-05-03T09:00:00Z|part_count|a=1", "part_count is a data set"),
        ("2016-05-03T09:00:00Z|execution|ACTIVE|line", "3 fields follow the time, of execution"),
        ("2016-05-03T09:00:00Z|temp|2||1 1e300", "beyond"),
        ("|execution|ACTIVE", "is not RFC 3339"),
        ("2016-05-03T09:00:00Z|___|1", "has no name"),
        ("2016-05-03T09:00:00Z|a_b|1|a-b|2", "are both a-b"),
    ],
)
def test_what_is_not_a_line_is_rejected_with_a_reason(line: str, problem: str) -> None:
    adapter = Adapter(MILL)
    with pytest.raises(ContractError, match=problem):
        adapter.events(line)
    assert adapter.events("2016-05-03T09:00:01Z|execution|ACTIVE")


# ---- The forms of lines that the protocol's description has ----

AT = instant("2026-11-24T06:00:00Z")


def test_a_time_without_a_zone_is_in_utc() -> None:
    for stamp in ("2026-11-24T06:00:00", "2026-11-24T06:00:00.000000", "2026-11-24T06:00:00@1.5"):
        assert meaning(f"{stamp}|line|412") == [Sample(asset=MILL, at=AT, signal="line", value=412)]
    assert meaning("2026-11-24T07:00:00+01:00|line|412") == meaning("2026-11-24T06:00:00|line|412")


def test_a_line_without_a_time_is_of_its_receipt() -> None:
    assert Adapter(MILL).events("|execution|ACTIVE", received_at=AT) == [
        StateChange(asset=MILL, at=AT, state="running", time_source="receipt")
    ]


def test_an_item_may_have_its_device_before_it() -> None:
    plain = meaning("2026-11-24T06:00:00Z|execution|ACTIVE|Part_Count|5|line|7")
    assert meaning("2026-11-24T06:00:00Z|m1:execution|ACTIVE|m1:Part_Count|5|m1:line|7") == plain


@pytest.mark.parametrize("devices", [["mazak-3", "m2", "m3"], ["m2", "mazak-3", "m3"]])
def test_of_several_devices_the_one_that_is_named_as_the_machine_is_read(devices: list[str]) -> None:
    adapter = Adapter(MILL)
    for seconds in range(2):
        line = "|".join(f"{device}:current|{device[-1]}" for device in devices)
        events = adapter.events(f"2026-11-24T06:00:0{seconds}Z|{line}")
    assert [event.value for event in events if isinstance(event, Sample)] == [3]
    assert len(events) == 1


def test_that_another_device_is_not_read_is_a_notice_once() -> None:
    adapter = Adapter(MILL)
    first, second = (adapter.events(f"2026-11-24T06:00:0{n}Z|m1:load|1|m2:load|2") for n in range(2))
    assert [event.code for event in first if isinstance(event, Notice)] == ["not-read-m2"]
    assert [event.kind for event in second] == ["telemetry"]


def test_a_message_is_a_notice_with_the_controller_s_code() -> None:
    assert meaning("2026-11-24T06:00:00Z|message|CHG_INSRT|Change Inserts") == [
        Notice(asset=MILL, at=AT, code="CHG_INSRT", severity="notice", text="Change Inserts")
    ]
    assert [one.series for one in meaning("2026-11-24T06:00:00Z|message||No code")] == ["message"]
    assert meaning("2026-11-24T06:00:00Z|message||UNAVAILABLE") == []


@pytest.mark.parametrize(
    ("line", "offsets_ms"),
    [
        ("current|4|100|1.5 2.5 3.5 4.5", [-30, -20, -10, 0]),
        ("current|4||1.5 2.5 3.5 4.5", [-3, -2, -1, 0]),
        ("current|4|0|1.5 2.5 3.5 4.5", [-3, -2, -1, 0]),
    ],
)
def test_a_series_is_as_many_samples_the_last_at_its_time(line: str, offsets_ms: list[int]) -> None:
    found = meaning(f"2026-11-24T06:00:00Z|{line}")
    assert [(event.at - AT) / 1e6 for event in found] == offsets_ms
    assert [event.value for event in found if isinstance(event, Sample)] == [1.5, 2.5, 3.5, 4.5]


def test_a_series_without_a_rate_lies_in_its_duration() -> None:
    found = meaning("2026-11-24T06:00:00Z@2.0|current|4||1.5 2.5 3.5 4.5")
    assert [(event.at - AT) / 1e6 for event in found] == [-1500, -1000, -500, 0]


@pytest.mark.parametrize("line", ["a|4|b|1.5 2.5", "a|3|100|1 2", "a|x|100|1 2", "a|1|2|one"])
def test_two_items_with_their_values_are_no_series(line: str) -> None:
    first, _, second, _ = line.split("|")
    assert [event.series for event in meaning(f"2026-11-24T06:00:00Z|{line}")] == [first, second]


@pytest.mark.parametrize(
    ("value", "signals"),
    [
        ("v1=10 v2=20.5", {"vars-v1": 10, "vars-v2": 20.5}),
        (":MANUAL v5=1 v6=\"two words\" v7='it''", None),
        (':MANUAL v5=1 v6="two words"', {"vars-v5": 1, "vars-v6": "two words"}),
        ("v3=", {}),
        (":MANUAL", {}),
        ("DRILL D=10", None),
        ("v2 v3=", None),
        ("v1=UNAVAILABLE v2=NaN v3=1", {"vars-v3": 1}),
        ("G53.1={X=1.0 s='a b'} G53.2={X=4}", {"vars-g53-1-x": 1, "vars-g53-1-s": "a b", "vars-g53-2-x": 4}),
        ("a := b", None),
        ("x = 5", None),
        ("{a=1}", None),
    ],
)
def test_a_data_set_is_a_signal_for_each_entry_and_other_text_a_text(
    value: str, signals: dict[str, object] | None
) -> None:
    found = {one.signal: one.value for one in meaning(f"2026-11-24T06:00:00Z|vars|{value}") if isinstance(one, Sample)}
    if signals is None:
        assert list(found) == ["vars"]
        assert isinstance(found["vars"], str)
    else:
        assert found == signals


def test_names_alone_remove_entries_of_what_is_known_as_a_set() -> None:
    assert meaning("2026-11-24T06:00:00Z|vars|:MANUAL", "2026-11-24T06:00:01Z|vars|v2 v3=") == []


@pytest.mark.parametrize("name", ["PartCount", "pcount"])
def test_a_count_that_was_reset_has_its_reason_after_it(name: str) -> None:
    assert meaning(f"2026-11-24T06:00:00Z|{name}|0:DAY") == [Count(asset=MILL, at=AT, produced=0)]


@pytest.mark.parametrize(
    ("value", "read"), [("7.5:SHIFT", 7.5), ("a:DAY", "a:DAY"), ("12:30", "12:30"), ("0012", "0012")]
)
def test_only_a_number_is_reset(value: str, read: float | str) -> None:
    assert meaning(f"2026-11-24T06:00:00Z|x|{value}") == [Sample(asset=MILL, at=AT, signal="x", value=read)]


def test_a_quoted_value_may_hold_a_pipe() -> None:
    (sample, other) = meaning('2026-11-24T06:00:00Z|note|"a \\| b"|x|1')
    assert isinstance(sample, Sample)
    assert (sample.value, other.series) == ("a | b", "x")


@pytest.mark.parametrize("about", ["UNAVAILABLE", "NaN", "", "-Infinity"])
def test_what_is_no_value_is_none(about: str) -> None:
    assert meaning(f"2026-11-24T06:00:00Z|x|{about}|y|1") == meaning("2026-11-24T06:00:00Z|y|1")


@pytest.mark.parametrize(
    "line",
    [
        "htemp|WARNING|HTEMP-1-HIGH|HTEMP|1|HIGH|Oil Temperature High",
        "htemp|WARNING|HTEMP-1-HIGH|1|HIGH|Oil Temperature High",
    ],
)
def test_a_condition_has_six_fields_or_the_seven_of_the_description(line: str) -> None:
    (notice,) = meaning(f"2026-11-24T06:00:00Z|{line}")
    assert isinstance(notice, Notice)
    assert (notice.code, notice.severity, notice.text) == ("htemp-htemp-1-high", "warning", "Oil Temperature High")


def test_a_condition_with_an_id_is_cleared_by_it() -> None:
    adapter = Adapter(MILL)
    for n, code in enumerate(("E1:left", "E1:right")):
        adapter.events(f"2026-11-24T06:00:0{n}Z|servo|FAULT|{code}|||hot")
    (cleared,) = adapter.events("2026-11-24T06:00:03Z|servo|NORMAL|left|||")
    assert isinstance(cleared, Notice)
    assert (cleared.code, cleared.active) == ("servo-e1-left", False)


def test_an_alarm_of_the_first_version_is_a_notice() -> None:
    (raised,) = meaning("2026-11-24T06:00:00Z|alarm|OTHER|NC-1|CRITICAL|ACTIVE|too hot")
    assert raised == Notice(asset=MILL, at=AT, code="NC-1", severity="alarm", text="too hot")


ASSET = ["2026-11-24T06:00:00Z|@ASSET@|KSSP300R.1|CuttingTool|--multiline--0FED07ACED", "<CuttingTool>", "2", "|x|"]


def test_an_asset_is_skipped_to_its_mark_with_the_reason() -> None:
    lines = [*ASSET, "--multiline--0FED07ACED", "2026-11-24T06:00:00Z|execution|ACTIVE"]
    translation = Adapter(MILL).translate(Message("shdr/x", "\n".join(lines).encode(), received_at=AT))
    assert [one.problem for one in translation.rejections] == ["ASSET of 'KSSP300R.1' is not read"]
    assert [event.kind for event in translation.events] == ["state"]


def test_an_asset_that_is_cut_off_does_not_swallow_the_lines_after_it() -> None:
    adapter = Adapter(MILL)
    with pytest.raises(ContractError, match="is not read"):
        adapter.events(ASSET[0])
    assert [adapter.events(line) for line in ASSET[1:]] == [[], [], []]
    assert [event.kind for event in adapter.events("2026-11-24T06:00:01Z|execution|ACTIVE")] == ["state"]


@pytest.mark.parametrize(
    "about",
    ["@ASSET@|K|CuttingTool|<CuttingTool/>", "@REMOVE_ASSET@|K", "@REMOVE_ALL_ASSETS@|K", "@UPDATE_ASSET@|K|L|1"],
)
def test_everything_about_assets_is_skipped_with_the_reason(about: str) -> None:
    with pytest.raises(ContractError, match="of 'K' is not read"):
        meaning(f"2026-11-24T06:00:00Z|{about}")


WORDS = "execution ACTIVE m1:load message @ASSET@ --multiline--A Fault UNAVAILABLE 0:DAY 2 100 part_count NaN -5 1e300"
PHRASES = ["a=1 b={c=2}", "1 2", "", '"x', "\\|", "x y", "é", ":A", "functional_mode"]
pieces = st.sampled_from([*WORDS.split(), *PHRASES])


@given(st.lists(st.lists(pieces | st.text(max_size=6), max_size=8).map("|".join), max_size=4))
def test_what_any_line_means_is_of_the_contract(lines: list[str]) -> None:
    payload = "\n".join(f"2026-11-24T06:00:00|{line}" for line in lines).encode("utf-8", "replace")
    translation = Adapter(MILL).translate(Message("shdr/x", payload, received_at=AT))
    assert all(each.problem and each.hint for each in translation.rejections)
    for event in translation.events:
        assert decode(msgspec.structs.replace(encode(event), received_at=AT)) == [event]
