"""The live picture: newest by event time, what of unknown age yields, and what changed since when."""

import json
from typing import Any

import msgspec

from broker.contract.events import NS_PER_S
from broker.contract.kinds import TABLE
from broker.contract.message import Message
from services.wall.live.fact_table import MOST_FACTS
from services.wall.live.live_state import LiveState
from services.wall.live.received_messages import MOST_MESSAGES, shown

NOW = 1_790_000_000 * NS_PER_S
LINE = "sheffield/machining/line-1"
MILL = f"{LINE}/mill-1"


def message(kind: str, body: Any, *, ago_s: float | None = 0, retained: bool = False, machine: str = MILL) -> Message:
    """A message received now; its own time is `ago_s` before that, or not sent if None."""
    if isinstance(body, dict) and ago_s is not None:
        body = body | {"ts": (NOW - round(ago_s * NS_PER_S)) // 1_000_000}
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Message(f"corridor/v1/{machine}/{kind}", payload, 1, retained, NOW)


def everything(_path: str, _name: str) -> bool:
    return True


def facts(live_state: LiveState, path: str = MILL) -> dict[str, Any]:
    return live_state.changes(0, everything)[path]


def test_a_machine_that_nobody_declared_appears_with_its_first_message() -> None:
    live_state = LiveState()
    live_state.receive(message("telemetry/temperature", 21.5, machine="bench/a/b/sensor"))
    live_state.tick(NOW, 1)
    reported = live_state.changes(0, everything)
    assert reported["bench/a/b/sensor"]["signal/temperature"] == [NOW // 1_000_000, 21.5, ""]
    assert reported["bench/a/b/sensor"]["state"]["state"] == "unknown"
    assert reported["bench"]["state"]["tally"] == {"unknown": 1}
    assert live_state.current_state("bench/a/b") is not None


def test_a_machine_whose_device_is_expected_is_awaited_until_the_first_message_of_any_kind() -> None:
    live_state = LiveState()
    live_state.declare(MILL, connected=True)
    assert facts(live_state)["state"]["reason"] == "awaiting-device"
    live_state.receive(message("telemetry/load", 3))
    live_state.tick(NOW, 0)
    assert facts(live_state)["state"]["state"] == "unknown"
    assert facts(live_state)["state"]["reason"] != "awaiting-device"


def test_an_alarm_is_sent_with_the_machines_state_while_it_is_on() -> None:
    live_state = LiveState()
    hot = {"severity": "alarm", "text": "Spindle too hot", "active": True}
    live_state.receive(message("event", hot | {"code": "e-204"}, ago_s=9))
    live_state.receive(message("event", {"code": "e-7", "severity": "warning", "text": "Oil", "active": True}, ago_s=8))
    assert facts(live_state)["state"]["alarm"] == "Spindle too hot"
    assert facts(live_state)["state"]["alarms"] == 1
    live_state.receive(message("event", hot | {"code": "e-204", "active": False}, ago_s=5))
    live_state.receive(message("event", hot | {"code": "e-204"}, ago_s=7))  # late: it is over by now
    assert "alarm" not in facts(live_state)["state"]


def test_a_retired_machine_leaves_and_is_back_with_its_first_message() -> None:
    live_state = LiveState()
    for machine in (MILL, f"{LINE}/saw-1", "bench/a/b/sensor"):
        live_state.receive(message("state", "running", machine=machine))
    assert not live_state.retire(MILL, NOW - 1), "it has spoken since"
    assert live_state.retire(MILL, NOW)
    assert live_state.retire("bench/a/b/sensor", NOW)
    live_state.receive(message("state", b"", retained=True))
    reported = live_state.changes(0, everything)
    assert not reported.keys() & {MILL, "bench/a/b/sensor", "bench"}
    assert reported[LINE]["state"]["tally"] == {"running": 1}
    live_state.receive(message("count", {"produced": 3}))
    assert live_state.changes(0, everything)[LINE]["state"]["tally"] == {"running": 1, "unknown": 1}


def test_a_late_message_does_not_replace_a_newer_one() -> None:
    live_state = LiveState()
    live_state.receive(message("state", {"state": "down", "reason": "spindle"}, ago_s=5))
    live_state.receive(message("state", {"state": "running"}, ago_s=60))
    live_state.receive(message("telemetry/load", {"value": 2.0}, ago_s=1))
    live_state.receive(message("telemetry/load", {"value": 1.0}, ago_s=2))
    assert facts(live_state)["state"]["state"] == "down"
    assert facts(live_state)["state"]["since"] == (NOW - 5 * NS_PER_S) // 1_000_000
    assert facts(live_state)["signal/load"][1] == 2.0


def test_a_will_that_comes_late_counts_from_the_newest_message_on_and_the_next_message_ends_it() -> None:
    live_state = LiveState()
    live_state.receive(message("state", {"state": "running"}, ago_s=60))
    live_state.receive(message("count", {"produced": 1}, ago_s=-90))  # by a clock that is ahead
    live_state.receive(message("status", "offline", ago_s=None))
    reported = facts(live_state)["state"]
    assert (reported["state"], reported["since"]) == ("unknown", (NOW + 90 * NS_PER_S) // 1_000_000)
    live_state.receive(message("telemetry/load", {"value": 1.0}, ago_s=30))  # it was buffered
    live_state.receive(message("event", {"code": "e-1"}, ago_s=-90))
    live_state.receive(message("labour", {"present": 1}, ago_s=None, retained=True))
    assert facts(live_state)["state"]["state"] == "unknown"
    live_state.receive(message("telemetry/load", {"value": 2.0}, ago_s=-91))
    reported = facts(live_state)["state"]
    assert (reported["state"], reported["since"]) == ("running", (NOW + 91 * NS_PER_S) // 1_000_000)
    assert reported["online"]


def test_a_retained_value_without_a_time_is_marked_and_yields_to_any_that_has_one() -> None:
    live_state = LiveState()
    live_state.receive(message("state", b"running", retained=True))
    live_state.receive(message("telemetry/load", b"3", retained=True))
    assert facts(live_state)["state"]["of_unknown_age"] is True
    assert facts(live_state)["state"]["since"] is None
    assert facts(live_state)["signal/load"][3:] == [1]
    live_state.receive(message("state", {"state": "idle"}, ago_s=3_600))
    live_state.receive(message("telemetry/load", {"value": 4.0}, ago_s=3_600))
    assert facts(live_state)["state"]["state"] == "idle"
    assert "of_unknown_age" not in facts(live_state)["state"]
    assert facts(live_state)["signal/load"][1:] == [4.0, ""]
    live_state.receive(message("state", b"running", retained=True))
    assert facts(live_state)["state"]["state"] == "idle"


def test_an_offline_device_is_unknown_until_it_is_back_and_then_as_it_was() -> None:
    live_state = LiveState()
    live_state.receive(message("state", {"state": "running"}, ago_s=100))
    live_state.receive(message("status", {"status": "offline"}, ago_s=50))
    live_state.tick(NOW, 1)
    assert facts(live_state)["state"] | {} == {
        "state": "unknown",
        "since": (NOW - 50 * NS_PER_S) // 1_000_000,
        "reason": "offline",
        "silent": False,
        "online": False,
        "simulated": False,
    }
    live_state.receive(message("status", {"status": "online"}, ago_s=20))
    assert facts(live_state)["state"]["state"] == "running"
    assert facts(live_state)["state"]["since"] == (NOW - 20 * NS_PER_S) // 1_000_000


def test_counts_that_name_some_counters_keep_the_others() -> None:
    live_state = LiveState()
    live_state.receive(message("count", {"produced": 10, "good": 9}, ago_s=2))
    live_state.receive(message("count", {"scrap": 1}, ago_s=1))
    assert facts(live_state)["count"] == {
        "produced": 10,
        "good": 9,
        "scrap": 1,
        "at": (NOW - NS_PER_S) // 1_000_000,
    }


def test_a_line_is_down_when_a_machine_is_and_says_which() -> None:
    live_state = LiveState()
    live_state.receive(message("state", {"state": "running"}, ago_s=90, machine=f"{LINE}/mill-2"))
    live_state.receive(message("state", {"state": "down", "reason": "spindle"}, ago_s=30))
    line = facts(live_state, LINE)["state"]
    assert (line["state"], line["machine"], line["reason"]) == ("down", MILL, "spindle")
    assert line["tally"] == {"running": 1, "down": 1}
    live_state.receive(message("state", {"state": "starved"}, ago_s=10))
    line = facts(live_state, LINE)["state"]
    assert (line["state"], line["since"]) == ("running", (NOW - 10 * NS_PER_S) // 1_000_000)


def test_changes_are_sent_once_and_only_what_changed() -> None:
    live_state = LiveState()
    live_state.receive(message("state", {"state": "running"}, ago_s=9))
    live_state.receive(message("telemetry/load", {"value": 1.0}, ago_s=9))
    live_state.tick(NOW, 0)
    seen = live_state.revision
    assert live_state.changes(seen, everything) == {}
    live_state.receive(message("telemetry/load", {"value": 2.0}, ago_s=8))
    live_state.receive(message("telemetry/load", {"value": 3.0}, ago_s=7))
    reported = live_state.changes(seen, everything)
    assert reported == {MILL: {"signal/load": [(NOW - 7 * NS_PER_S) // 1_000_000, 3.0, ""]}}


def test_a_client_that_was_away_gets_each_fact_once_as_it_is_now() -> None:
    live_state = LiveState()
    for value in range(1_000):
        live_state.receive(message("telemetry/load", {"value": float(value)}, ago_s=1_000 - value))
    assert facts(live_state)["signal/load"][1] == 999.0
    assert len(facts(live_state)) == 2


def test_a_rejected_message_is_held_with_its_reason_and_hint_and_counted() -> None:
    live_state = LiveState()
    live_state.receive(message("state", {"state": "runing"}))
    live_state.receive(message("telemetry/load", b"nan"))
    live_state.receive(Message("corridor/v1/nonsense", b"1", received_at=NOW))
    rejected = live_state.rejected.newest()
    assert [each.problem for each in rejected][1] == "nan is not a finite number"
    assert all(each.hint for each in rejected)
    assert live_state.rejected.last_hour(NOW) == 3
    assert live_state.machines[MILL].rejected == 2
    live_state.tick(NOW + 3_700 * NS_PER_S, 1)
    assert live_state.rejected.last_hour(NOW + 3_700 * NS_PER_S) == 0


def test_our_own_messages_are_no_machines() -> None:
    live_state = LiveState()
    rejected = b'{"at":1795507200000,"topic":"a/b","reason":"no topic","base64":"/w==","bytes":1}'
    indicators = TABLE["kpi"].examples["kpi/shift"].encode()
    live_state.receive(Message("corridor/v1/$rejected", rejected, received_at=NOW))
    live_state.receive(Message("corridor/v1/sheffield/kpi/shift", indicators, received_at=NOW))
    live_state.receive(Message("corridor/v1/sheffield/machining/line-1/mill-1/kpi/shift", indicators, received_at=NOW))
    assert live_state.messages == 0
    assert not live_state.machines


def test_what_somebody_else_publishes_in_place_of_ours_is_shown_as_rejected() -> None:
    live_state = LiveState()
    for topic in ("$rejected", "sheffield/machining/line-1/mill-1/kpi/nonsense", "sheffield/kpi/shift"):
        live_state.receive(Message(f"corridor/v1/{topic}", b"{}", received_at=NOW))
    assert len(live_state.rejected.newest()) == live_state.messages == 3


def test_the_rate_and_the_clock_of_a_device_are_reported() -> None:
    live_state = LiveState()
    for second in range(20):
        live_state.receive(message("telemetry/load", {"value": float(second)}, ago_s=1.5))
    live_state.tick(NOW, 2.0)
    device = facts(live_state)["device"]
    assert device["rate"] == 10.0
    assert device["clock_ms"] == 1_500.0
    assert device["kinds"] == {"telemetry": 20}


def test_a_machine_that_goes_silent_is_marked() -> None:
    live_state = LiveState()
    live_state.receive(message("state", {"state": "running"}))
    live_state.tick(NOW + 59 * NS_PER_S, 1)
    assert facts(live_state)["state"]["silent"] is False
    live_state.tick(NOW + 61 * NS_PER_S, 1)
    assert facts(live_state)["state"]["silent"] is True


def test_memory_stays_bounded_whatever_a_device_sends() -> None:
    live_state = LiveState()
    for number in range(MOST_FACTS + 500):
        live_state.receive(message(f"telemetry/s{number}", {"value": 1.0}, ago_s=1))
    assert len(facts(live_state)) <= MOST_FACTS + 1
    assert len(live_state.received(0, most=10_000)) == MOST_MESSAGES


def test_of_a_large_message_only_what_is_shown_is_held() -> None:
    live_state = LiveState()
    large = "x" * 100_000
    live_state.receive(message("telemetry/vibration", {"dt": 0.01, "values": list(range(20_000))}, ago_s=1))
    live_state.receive(message("cmd/load", {"id": 1, "args": {"program": large}}))
    live_state.receive(message("reply/load", {"id": 1, "ok": True, "result": large}))
    live_state.receive(Message(f"corridor/v1/{large[:60_000]}", large.encode(), received_at=NOW))
    stored = live_state.received(0)
    assert len(stored) == 4
    assert all(len(msgspec.json.encode(one)) < 4_000 for one in stored)
    assert facts(live_state)["signal/vibration"][1] == 19_999.0
    assert shown(stored[0])["payload"].endswith("…")


def test_what_the_store_remembers_stands_until_a_newer_message_comes() -> None:
    live_state = LiveState()
    live_state.restore_machine(MILL, NOW - 900 * NS_PER_S, NOW - 800 * NS_PER_S, simulated=True)
    received = LiveState().receive(message("state", {"state": "setup"}, ago_s=850))
    assert received is not None
    live_state.restore_events(received.events)
    assert facts(live_state)["state"]["state"] == "setup"
    live_state.tick(NOW, 1)
    assert facts(live_state)["state"]["silent"] is True
    live_state.receive(message("state", {"state": "running"}, ago_s=1))
    assert facts(live_state)["state"]["state"] == "running"
