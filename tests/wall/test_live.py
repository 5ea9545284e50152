"""The live picture: newest by event time, what of unknown age yields, and what changed since when."""

import json
from typing import Any

import msgspec

from broker.contract.events import NS_PER_S
from broker.contract.message import Message
from broker.contract.payloads import EXAMPLES
from services.wall.heard import shown
from services.wall.live import MOST_FACTS, MOST_MESSAGES, Picture

NOW = 1_790_000_000 * NS_PER_S
LINE = "sheffield/machining/line-1"
MILL = f"{LINE}/mill-1"


def message(kind: str, body: Any, *, ago_s: float | None = 0, retained: bool = False, machine: str = MILL) -> Message:
    """A message received now; its own time is `ago_s` before that, or not told if None."""
    if isinstance(body, dict) and ago_s is not None:
        body = body | {"ts": (NOW - round(ago_s * NS_PER_S)) // 1_000_000}
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Message(f"corridor/v1/{machine}/{kind}", payload, 1, retained, NOW)


def everything(_path: str, _name: str) -> bool:
    return True


def facts(picture: Picture, path: str = MILL) -> dict[str, Any]:
    return picture.changes(0, everything)[path]


def test_a_machine_that_nobody_declared_appears_with_its_first_message() -> None:
    picture = Picture()
    picture.receive(message("telemetry/temperature", 21.5, machine="bench/a/b/sensor"))
    picture.tick(NOW, 1)
    told = picture.changes(0, everything)
    assert told["bench/a/b/sensor"]["signal/temperature"] == [NOW // 1_000_000, 21.5, ""]
    assert told["bench/a/b/sensor"]["state"]["state"] == "unknown"
    assert told["bench"]["state"]["tally"] == {"unknown": 1}
    assert picture.standing("bench/a/b") is not None


def test_an_alarm_is_told_with_the_machines_state_while_it_is_on() -> None:
    picture = Picture()
    hot = {"severity": "alarm", "text": "Spindle too hot", "active": True}
    picture.receive(message("event", hot | {"code": "e-204"}, ago_s=9))
    picture.receive(message("event", {"code": "e-7", "severity": "warning", "text": "Oil", "active": True}, ago_s=8))
    assert facts(picture)["state"]["alarm"] == "Spindle too hot"
    assert facts(picture)["state"]["alarms"] == 1
    picture.receive(message("event", hot | {"code": "e-204", "active": False}, ago_s=5))
    picture.receive(message("event", hot | {"code": "e-204"}, ago_s=7))  # late: it is over by now
    assert "alarm" not in facts(picture)["state"]


def test_a_retired_machine_leaves_and_is_back_with_its_first_message() -> None:
    picture = Picture()
    for machine in (MILL, f"{LINE}/saw-1", "bench/a/b/sensor"):
        picture.receive(message("state", "running", machine=machine))
    assert not picture.retire(MILL, NOW - 1), "it has spoken since"
    assert picture.retire(MILL, NOW)
    assert picture.retire("bench/a/b/sensor", NOW)
    picture.receive(message("state", b"", retained=True))
    told = picture.changes(0, everything)
    assert not told.keys() & {MILL, "bench/a/b/sensor", "bench"}
    assert told[LINE]["state"]["tally"] == {"running": 1}
    picture.receive(message("count", {"produced": 3}))
    assert picture.changes(0, everything)[LINE]["state"]["tally"] == {"running": 1, "unknown": 1}


def test_a_late_message_does_not_replace_a_newer_one() -> None:
    picture = Picture()
    picture.receive(message("state", {"state": "down", "reason": "spindle"}, ago_s=5))
    picture.receive(message("state", {"state": "running"}, ago_s=60))
    picture.receive(message("telemetry/load", {"value": 2.0}, ago_s=1))
    picture.receive(message("telemetry/load", {"value": 1.0}, ago_s=2))
    assert facts(picture)["state"]["state"] == "down"
    assert facts(picture)["state"]["since"] == (NOW - 5 * NS_PER_S) // 1_000_000
    assert facts(picture)["signal/load"][1] == 2.0


def test_a_retained_value_without_a_time_is_marked_and_yields_to_any_that_has_one() -> None:
    picture = Picture()
    picture.receive(message("state", b"running", retained=True))
    picture.receive(message("telemetry/load", b"3", retained=True))
    assert facts(picture)["state"]["of_unknown_age"] is True
    assert facts(picture)["state"]["since"] is None
    assert facts(picture)["signal/load"][3:] == [1]
    picture.receive(message("state", {"state": "idle"}, ago_s=3_600))
    picture.receive(message("telemetry/load", {"value": 4.0}, ago_s=3_600))
    assert facts(picture)["state"]["state"] == "idle"
    assert "of_unknown_age" not in facts(picture)["state"]
    assert facts(picture)["signal/load"][1:] == [4.0, ""]
    picture.receive(message("state", b"running", retained=True))
    assert facts(picture)["state"]["state"] == "idle"


def test_an_offline_device_is_unknown_until_it_is_back_and_then_as_it_was() -> None:
    picture = Picture()
    picture.receive(message("state", {"state": "running"}, ago_s=100))
    picture.receive(message("status", {"status": "offline"}, ago_s=50))
    picture.tick(NOW, 1)
    assert facts(picture)["state"] | {} == {
        "state": "unknown",
        "since": (NOW - 50 * NS_PER_S) // 1_000_000,
        "reason": "offline",
        "silent": False,
        "online": False,
        "simulated": False,
    }
    picture.receive(message("status", {"status": "online"}, ago_s=20))
    assert facts(picture)["state"]["state"] == "running"
    assert facts(picture)["state"]["since"] == (NOW - 20 * NS_PER_S) // 1_000_000


def test_counts_that_name_some_counters_keep_the_others() -> None:
    picture = Picture()
    picture.receive(message("count", {"produced": 10, "good": 9}, ago_s=2))
    picture.receive(message("count", {"scrap": 1}, ago_s=1))
    assert facts(picture)["count"] == {
        "produced": 10,
        "good": 9,
        "scrap": 1,
        "at": (NOW - NS_PER_S) // 1_000_000,
    }


def test_a_line_is_down_when_a_machine_is_and_says_which() -> None:
    picture = Picture()
    picture.receive(message("state", {"state": "running"}, ago_s=90, machine=f"{LINE}/mill-2"))
    picture.receive(message("state", {"state": "down", "reason": "spindle"}, ago_s=30))
    line = facts(picture, LINE)["state"]
    assert (line["state"], line["machine"], line["reason"]) == ("down", MILL, "spindle")
    assert line["tally"] == {"running": 1, "down": 1}
    picture.receive(message("state", {"state": "starved"}, ago_s=10))
    line = facts(picture, LINE)["state"]
    assert (line["state"], line["since"]) == ("running", (NOW - 10 * NS_PER_S) // 1_000_000)


def test_changes_are_told_once_and_only_what_changed() -> None:
    picture = Picture()
    picture.receive(message("state", {"state": "running"}, ago_s=9))
    picture.receive(message("telemetry/load", {"value": 1.0}, ago_s=9))
    picture.tick(NOW, 0)
    seen = picture.revision
    assert picture.changes(seen, everything) == {}
    picture.receive(message("telemetry/load", {"value": 2.0}, ago_s=8))
    picture.receive(message("telemetry/load", {"value": 3.0}, ago_s=7))
    told = picture.changes(seen, everything)
    assert told == {MILL: {"signal/load": [(NOW - 7 * NS_PER_S) // 1_000_000, 3.0, ""]}}


def test_a_client_that_was_away_gets_each_fact_once_as_it_is_now() -> None:
    picture = Picture()
    for value in range(1_000):
        picture.receive(message("telemetry/load", {"value": float(value)}, ago_s=1_000 - value))
    assert facts(picture)["signal/load"][1] == 999.0
    assert len(facts(picture)) == 2


def test_a_refused_message_is_kept_with_its_reason_and_cure_and_counted() -> None:
    picture = Picture()
    picture.receive(message("state", {"state": "runing"}))
    picture.receive(message("telemetry/load", b"nan"))
    picture.receive(Message("corridor/v1/nonsense", b"1", received_at=NOW))
    refused = picture.refusals()
    assert [each.problem for each in refused][1] == "nan is not a finite number"
    assert all(each.cure for each in refused)
    assert picture.refused_last_hour(NOW) == 3
    assert picture.machines[MILL].refused == 2
    picture.tick(NOW + 3_700 * NS_PER_S, 1)
    assert picture.refused_last_hour(NOW + 3_700 * NS_PER_S) == 0


def test_our_own_messages_are_no_machines() -> None:
    picture = Picture()
    rejected = b'{"at":1795507200000,"topic":"a/b","reason":"no topic","base64":"/w==","bytes":1}'
    indicators = EXAMPLES["kpi"]["kpi/shift"].encode()
    picture.receive(Message("corridor/v1/$rejected", rejected, received_at=NOW))
    picture.receive(Message("corridor/v1/sheffield/kpi/shift", indicators, received_at=NOW))
    picture.receive(Message("corridor/v1/sheffield/machining/line-1/mill-1/kpi/shift", indicators, received_at=NOW))
    assert picture.messages == 0
    assert not picture.machines


def test_what_somebody_else_publishes_in_place_of_ours_is_shown_as_rejected() -> None:
    picture = Picture()
    for topic in ("$rejected", "sheffield/machining/line-1/mill-1/kpi/nonsense", "sheffield/kpi/shift"):
        picture.receive(Message(f"corridor/v1/{topic}", b"{}", received_at=NOW))
    assert len(picture.refusals()) == picture.messages == 3


def test_the_rate_and_the_clock_of_a_device_are_told() -> None:
    picture = Picture()
    for second in range(20):
        picture.receive(message("telemetry/load", {"value": float(second)}, ago_s=1.5))
    picture.tick(NOW, 2.0)
    device = facts(picture)["device"]
    assert device["rate"] == 10.0
    assert device["clock_ms"] == 1_500.0
    assert device["kinds"] == {"telemetry": 20}


def test_a_machine_that_goes_silent_is_marked() -> None:
    picture = Picture()
    picture.receive(message("state", {"state": "running"}))
    picture.tick(NOW + 59 * NS_PER_S, 1)
    assert facts(picture)["state"]["silent"] is False
    picture.tick(NOW + 61 * NS_PER_S, 1)
    assert facts(picture)["state"]["silent"] is True


def test_memory_stays_bounded_whatever_a_device_sends() -> None:
    picture = Picture()
    for number in range(MOST_FACTS + 500):
        picture.receive(message(f"telemetry/s{number}", {"value": 1.0}, ago_s=1))
    assert len(facts(picture)) <= MOST_FACTS + 1
    assert len(picture.heard(0, most=10_000)) == MOST_MESSAGES


def test_of_a_large_message_only_what_is_shown_is_kept() -> None:
    picture = Picture()
    large = "x" * 100_000
    picture.receive(message("telemetry/vibration", {"dt": 0.01, "values": list(range(20_000))}, ago_s=1))
    picture.receive(message("cmd/load", {"id": 1, "args": {"program": large}}))
    picture.receive(message("reply/load", {"id": 1, "ok": True, "result": large}))
    picture.receive(Message(f"corridor/v1/{large[:60_000]}", large.encode(), received_at=NOW))
    kept = picture.heard(0)
    assert len(kept) == 4
    assert all(len(msgspec.json.encode(one)) < 4_000 for one in kept)
    assert facts(picture)["signal/vibration"][1] == 19_999.0
    assert shown(kept[0])["payload"].endswith("…")


def test_what_the_store_remembers_stands_until_a_newer_message_comes() -> None:
    picture = Picture()
    picture.remember(MILL, NOW - 900 * NS_PER_S, NOW - 800 * NS_PER_S, simulated=True)
    heard = Picture().receive(message("state", {"state": "setup"}, ago_s=850))
    assert heard is not None
    picture.recall(heard.events)
    assert facts(picture)["state"]["state"] == "setup"
    picture.tick(NOW, 1)
    assert facts(picture)["state"]["silent"] is True
    picture.receive(message("state", {"state": "running"}, ago_s=1))
    assert facts(picture)["state"]["state"] == "running"
