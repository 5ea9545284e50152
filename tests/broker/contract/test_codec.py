import json
from typing import Any

import pytest

from broker.contract import codec
from broker.contract.errors import ContractError
from broker.contract.events import (
    COUNTERS,
    NS_PER_MS,
    NS_PER_S,
    AnyEvent,
    Command,
    Count,
    Meter,
    Notice,
    Sample,
    StateChange,
    Status,
)
from broker.contract.kinds import TABLE
from broker.contract.message import Message
from broker.contract.payloads import MATERIALS
from broker.contract.topics import KINDS, RETAINED

NOW = 1_795_507_200 * NS_PER_S
MILL = "sheffield/machining/line-1/mill-1"


def message(kind: str, payload: bytes | str, **how: Any) -> Message:
    data = payload.encode() if isinstance(payload, str) else payload
    return Message(topic=f"corridor/v1/{MILL}/{kind}", payload=data, received_at=NOW, **how)


def decode(kind: str, payload: bytes | str, **how: Any) -> list[AnyEvent]:
    return codec.decode(message(kind, payload, **how))


def rejection(kind: str, payload: bytes | str, **how: Any) -> ContractError:
    with pytest.raises(ContractError) as caught:
        decode(kind, payload, **how)
    assert caught.value.problem
    assert caught.value.hint, caught.value
    assert len(str(caught.value)) < 500
    return caught.value


# ---- What each kind means ----


@pytest.mark.parametrize("payload", ["21.5", " 21.5\n", '{"value":21.5}', '{"value":21.5,"unit":""}'])
def test_a_sample_may_come_bare_or_as_an_object(payload: str) -> None:
    assert decode("telemetry/temp", payload) == [
        Sample(asset=MILL, at=NOW, time_source="receipt", signal="temp", value=21.5)
    ]


@pytest.mark.parametrize(
    ("payload", "value"), [("true", True), ("ON", "ON"), ('"a b"', "a b"), ("-1e3", -1000.0), ("7", 7.0)]
)
def test_a_sample_is_a_number_a_truth_value_or_a_text(payload: str, value: object) -> None:
    (sample,) = decode("telemetry/x", payload)
    assert isinstance(sample, Sample)
    assert sample.value == value
    assert type(sample.value) is type(value)


def test_several_signals_of_one_instant() -> None:
    got = decode(
        "telemetry", f'{{"ts":{NOW // NS_PER_MS - 5},"values":{{"speed":12000,"load":41.2,"tool":null}},"unit":"1"}}'
    )
    at = NOW - 5 * NS_PER_MS
    assert got == [
        Sample(asset=MILL, at=at, signal="speed", value=12000.0, unit="1"),
        Sample(asset=MILL, at=at, signal="load", value=41.2, unit="1"),
        Notice(asset=MILL, at=at, code="bad-tool", text="tool has no good value"),
    ]


def test_evenly_spaced_samples() -> None:
    got = decode("telemetry/vibration", f'{{"ts":{NOW // NS_PER_MS},"dt":0.5,"values":[1,2,3]}}')
    assert [(event.at - NOW, event.value) for event in got if isinstance(event, Sample)] == [
        (0, 1.0),
        (500_000, 2.0),
        (1_000_000, 3.0),
    ]


@pytest.mark.parametrize(
    "payload", ["null", '{"value":null}', '{"quality":"bad"}', '{"value":1,"quality":"bad"}', "UNAVAILABLE"]
)
def test_a_bad_value_is_a_notice_and_no_sample(payload: str) -> None:
    assert decode("telemetry/temp", payload) == [
        Notice(asset=MILL, at=NOW, time_source="receipt", code="bad-temp", text="temp has no good value")
    ]


@pytest.mark.parametrize(
    ("topic", "payload", "code"),
    [
        ("count", '{"produced":999,"quality":"bad"}', "bad-count"),
        ("count", '{"quality":"bad"}', "bad-count"),
        ("meter/electricity", '{"total":1,"quality":"bad"}', "bad-electricity"),
        ("quality/bore", '{"value":1,"quality":"bad"}', "bad-bore"),
        ("labour", '{"present":2,"quality":"bad"}', "bad-labour"),
        ("material/bar", '{"quality":"bad"}', "bad-bar"),
    ],
)
def test_what_was_read_badly_is_a_notice_and_no_reading(topic: str, payload: str, code: str) -> None:
    (notice,) = decode(topic, payload)
    assert isinstance(notice, Notice)
    assert notice.code == code


def test_a_bad_state_is_unknown() -> None:
    state, notice = decode("state", '{"state":"running","quality":"bad"}')
    assert isinstance(state, StateChange)
    assert isinstance(notice, Notice)
    assert (state.state, notice.code) == ("unknown", "bad-state")


def test_bad_values_of_signals_that_begin_alike_are_different_notices() -> None:
    first, second = "a" * 31 + "1", "a" * 31 + "2"
    got = decode("telemetry", json.dumps({"values": {first: None, second: None}}))
    assert len({event.series for event in got}) == 2


@pytest.mark.parametrize(
    "payload", ["running", '"running"', '{"state":"running"}', '{"state":"running","later-field":[1]}']
)
def test_a_state_may_come_as_a_word(payload: str) -> None:
    assert decode("state", payload) == [StateChange(asset=MILL, at=NOW, time_source="receipt", state="running")]


@pytest.mark.parametrize(
    ("payload", "online"), [("online", True), ('"offline"', False), ('{"status":"offline"}', False)]
)
def test_a_status_may_come_as_a_word(payload: str, online: bool) -> None:
    assert decode("status", payload) == [Status(asset=MILL, at=NOW, time_source="receipt", online=online)]


def test_a_meter_may_come_bare() -> None:
    assert decode("meter/electricity", "5123.4") == [
        Meter(asset=MILL, at=NOW, time_source="receipt", name="electricity", total=5123.4)
    ]


def test_a_command_and_its_reply_are_of_one_series() -> None:
    (command,) = decode("cmd/set-speed", '{"id":42,"args":{"speed":[1, 2]},"by":"me"}')
    (reply,) = decode("reply/set-speed", '{"id":"42","ok":true}')
    assert command.series == reply.series == "set-speed 42"
    assert isinstance(command, Command)
    assert command.args == '{"speed":[1,2]}'


@pytest.mark.parametrize("kind", sorted(RETAINED))
def test_an_empty_retained_payload_clears_a_topic_and_means_nothing(kind: str) -> None:
    assert decode("kpi/shift" if kind == "kpi" else kind, b"", retained=True) == []


@pytest.mark.parametrize(
    "topic",
    ["$rejected", "sheffield/kpi/shift", "sheffield/machining/line-1/kpi/hour", f"{MILL}/kpi/order"],
)
def test_what_corridor_itself_publishes_means_no_event(topic: str) -> None:
    ours = (
        REJECTED
        if topic == "$rejected"
        else TABLE["kpi"].examples["kpi/shift"].replace("shift", topic.rpartition("/")[2])
    )
    for payload in (ours.encode(), b""):
        assert codec.decode(Message(topic=f"corridor/v1/{topic}", payload=payload, received_at=NOW)) == []


REJECTED = '{"at":1795507200000,"topic":"a/b","reason":"no topic","base64":"/w==","bytes":1}'


@pytest.mark.parametrize(
    ("topic", "payload", "says"),
    [
        (f"{MILL}/kpi/nonsense", TABLE["kpi"].examples["kpi/shift"], "unknown window 'nonsense'"),
        (f"{MILL}/kpi/hour", TABLE["kpi"].examples["kpi/shift"], "of the window 'shift', the topic of hour"),
        (f"{MILL}/kpi/shift", "0.7", "payload of kpi"),
        (f"{MILL}/kpi/state", TABLE["kpi"].examples["kpi/shift"], "unknown window 'state'"),
        ("sheffield/kpi/shift", "\x00" * 300_000, "payload of kpi"),
        ("$rejected", "{}", "not that of a rejected message"),
        ("$rejected", REJECTED.replace("/w==", "&"), "not that of a rejected message"),
        ("$rejected/x", REJECTED, "levels"),
    ],
)
def test_a_wrong_message_on_a_topic_of_the_services_is_rejected(topic: str, payload: str, says: str) -> None:
    with pytest.raises(ContractError, match=says):
        codec.decode(Message(topic=f"corridor/v1/{topic}", payload=payload.encode(), received_at=NOW))


def test_indicators_of_a_line_area_or_site_are_read_separately() -> None:
    payload = TABLE["kpi"].examples["kpi/shift"].encode()
    asset, kpi = codec.decode_kpi(Message(topic="corridor/v1/sheffield/machining/kpi/shift", payload=payload))
    assert (asset, kpi.window, kpi.indicators["oee"]) == ("sheffield/machining", "shift", 0.55)


@pytest.mark.parametrize(
    ("topic", "payload"), [(f"{MILL}/state", b"{}"), ("sheffield/kpi/shift", b"{"), ("sheffield/kpi/shift", b"{}")]
)
def test_what_holds_no_indicators_is_rejected(topic: str, payload: bytes) -> None:
    with pytest.raises(ContractError):
        codec.decode_kpi(Message(topic=f"corridor/v1/{topic}", payload=payload))


@pytest.mark.parametrize(
    ("kind", "topic", "payload"), [(k, t, p) for k, entry in TABLE.items() for t, p in entry.examples.items()]
)
def test_every_example_is_right(kind: str, topic: str, payload: str) -> None:
    assert kind in KINDS
    assert decode(topic, payload) or kind == "kpi"


def test_there_is_an_example_of_every_kind() -> None:
    assert all(entry.examples for entry in TABLE.values())


def test_another_prefix() -> None:
    got = codec.decode(Message(topic=f"plant/x/{MILL}/state", payload=b"off", received_at=NOW), prefix="plant/x")
    assert codec.encode(got[0], prefix="plant/x").topic == f"plant/x/{MILL}/state"


# ---- Time ----


@pytest.mark.parametrize(("retained", "source"), [(False, "receipt"), (True, "retained")])
@pytest.mark.parametrize("payload", ["down", '{"state":"down"}', '{"ts":null,"state":"down"}'])
def test_without_a_time_that_of_receipt_is_used_and_marked(payload: str, retained: bool, source: str) -> None:
    (event,) = decode("state", payload, retained=retained)
    assert (event.at, event.time_source) == (NOW, source)


@pytest.mark.parametrize(
    ("ts", "at"),
    [
        ("1795507200123", NOW + 123 * NS_PER_MS),
        ("1795507200123.25", NOW + 123_250_000),
        ('"2026-11-24T08:00:00.123456789Z"', NOW + 123_456_789),
        ('"2026-11-24T09:00:00.1234567+01:00"', NOW + 123_456_700),
    ],
)
def test_a_device_may_send_the_time(ts: str, at: int) -> None:
    (event,) = decode("telemetry/x", f'{{"ts":{ts},"value":1}}', retained=True)
    assert (event.at, event.time_source) == (at, "device")


@pytest.mark.parametrize(
    ("ts", "advice"),
    [
        ("1795507200", "looks like seconds"),
        ("1795507200.5", "looks like seconds"),
        ("1795507200000000", "looks like microseconds"),
        ("1795507200000000000", "looks like nanoseconds"),
        ("0", "set the device's clock"),
        ("1795508200000", "set the device's clock"),
        ("1e300", "milliseconds"),
        ("-1e300", "milliseconds"),
        ('"2026-11-24T08:00:00"', "2026-11-24T08:00:00.123Z"),
        ('"2026-11-24 08:00"', "2026-11-24T08:00:00.123Z"),
        ('"2026-02-30T08:00:00Z"', "real date"),
        ('"0001-01-01T00:00:00+23:59"', "clock"),
        ('"9999-12-31T23:59:59-23:59"', "clock"),
        ("9" * 19, "clock"),
        ("9" * 5000, "send, for example"),
        ("true", "send, for example"),
        ("[]", "send, for example"),
    ],
)
def test_an_impossible_time_is_rejected_with_a_hint(ts: str, advice: str) -> None:
    assert advice in rejection("telemetry/x", f'{{"ts":{ts},"value":1}}').hint


def test_the_last_of_evenly_spaced_samples_must_not_lie_ahead() -> None:
    assert "ahead" in rejection("telemetry/x", '{"dt":86400000,"values":[1,2]}').problem


def test_retention_is_a_setting() -> None:
    old = message("state", f'{{"ts":{NOW // NS_PER_MS - 10_000},"state":"off"}}')
    assert codec.decode(old)
    with pytest.raises(ContractError, match="retention is 5 s"):
        codec.decode(old, retention_ns=5 * NS_PER_S)


# ---- What is rejected ----

DOUBLE_MAX = "1.7976931348623157e308"
LEAST_BEYOND = "1000000000000000.2"
QUANTITIES = [
    *(("count", f'{{"{name}":%s}}') for name in COUNTERS),
    *(("material/steel", f'{{"{name}":%s}}') for name in MATERIALS),
    *((kind, payload) for kind in ("telemetry/x", "quality/bore") for payload in ("%s", '{"value":%s}')),
    ("meter/gas", "%s"),
    ("telemetry", '{"values":{"a":1,"b":%s}}'),
    ("telemetry/x", '{"values":[1,%s],"dt":1}'),
    ("meter/electricity", '{"total":%s,"unit":"MW.h"}'),
    *(("quality/bore", f'{{"value":1,"{name}":%s}}') for name in ("lower", "nominal", "upper")),
    ("labour", '{"present":%s}'),
    ("labour", '{"present":1,"working":%s}'),
    ("job", '{"phase":"start","order":"a","planned":%s}'),
    ("job", '{"phase":"start","order":"a","ideal_cycle":%s}'),
]


@pytest.mark.parametrize("beyond", ["1e300", DOUBLE_MAX, LEAST_BEYOND, "9" * 20, "9" * 400, "9" * 5_000, "1e400"])
@pytest.mark.parametrize(("kind", "payload"), QUANTITIES)
def test_a_quantity_beyond_its_limit_is_rejected_with_a_hint(kind: str, payload: str, beyond: str) -> None:
    found = rejection(kind, payload % beyond)
    assert "beyond ±10¹⁵" in found.problem or "out of range" in found.problem
    assert "larger unit" in found.hint


@pytest.mark.parametrize(("kind", "payload"), QUANTITIES)
def test_a_quantity_at_its_limit_is_accepted(kind: str, payload: str) -> None:
    assert decode(kind, payload % "1e15")


@pytest.mark.parametrize("value", ["-1e300", "-1000000000000001", "-" + "9" * 400])
@pytest.mark.parametrize(("kind", "payload"), [("telemetry/x", "%s"), ("quality/bore", '{"value":1,"lower":%s}')])
def test_so_is_one_that_is_as_far_below_zero(kind: str, payload: str, value: str) -> None:
    assert "larger unit" in rejection(kind, payload % value).hint


@pytest.mark.parametrize("cycle", ["5e-324", "1e-10", "-0.0"])
def test_an_ideal_cycle_that_the_ledger_would_round_to_zero_is_rejected(cycle: str) -> None:
    found = rejection("job", f'{{"phase":"start","order":"a","ideal_cycle":{cycle}}}')
    assert ">= 1e-09 - at `$.ideal_cycle`" in found.problem


def test_the_smallest_numbers_are_not_changed() -> None:
    (event,) = decode("count", '{"produced":5e-324,"good":-0.0}')
    assert isinstance(event, Count)
    assert (event.produced, event.good) == (5e-324, 0)


@pytest.mark.parametrize(
    ("kind", "payload", "says"),
    [
        ("telemetry/x", b"", "empty"),
        ("telemetry/x", b"  \n", "empty"),
        ("telemetry/x", b"NaN", "not a finite number"),
        ("telemetry/x", b"-inf", "not a finite number"),
        ("telemetry/x", b'{"value": NaN}', "not a finite number"),
        ("telemetry/x", b'{"value": -Infinity}', "not a finite number"),
        ("telemetry/x", b'"NaN"', "not a finite number"),
        ("telemetry/x", b"1e400", "Number out of range"),
        ("telemetry/x", b"21,5", "decimal comma"),
        ("telemetry/x", "grün".encode("latin-1"), "not UTF-8 at byte 2"),
        ("telemetry/x", b'"\xff"', "not UTF-8"),
        ("telemetry/x", b'"\\ud800"', "does not parse"),
        ("telemetry/x", b'"' + b"x" * 257 + b'"', "257 characters"),
        ("telemetry/x", b"<<<<<<< HEAD", "does not parse"),
        ("telemetry/x", b"{'value': 21.5}", "double quotes"),
        ("telemetry/x", b'{"value": 1', "does not parse"),
        ("telemetry/x", b"[1,2]", "Expected"),
        ("telemetry/x", b"{}", "neither value nor values"),
        ("telemetry/x", b'{"value":1,"values":[1],"dt":1}', "both value and values"),
        ("telemetry/x", b'{"values":{"a":1}}', "one signal"),
        ("telemetry/x", b'{"values":[1,2]}', "dt is missing"),
        ("telemetry/x", b'{"values":[],"dt":1}', "values is empty"),
        ("telemetry/x", b'{"values":[1],"dt":0}', "dt"),
        ("telemetry/x", b'{"values":[1],"dt":1e300}', "dt"),
        ("telemetry/x", b'{"values":[1,null],"dt":1}', "Expected"),
        ("telemetry/x", b'{"value":1,"unit":"a\\nb"}', "control character"),
        ("telemetry/x", b'{"value":1,"unit":"\xc2\x85"}', "control character, U+0085"),
        ("job", b'{"phase":"start","order":"\xe2\x80\xa8"}', "invisible character, U+2028"),
        ("job", b'{"phase":"end","product":"\xe2\x80\xae7-telkcarb"}', "invisible character, U+202E"),
        ("quality/bore", b'{"value":1,"part":"b\xef\xbb\xbf"}', "invisible character, U+FEFF"),
        ("event", b'{"code":"e\xe2\x80\x8b"}', "invisible character, U+200B"),
        ("cmd/go", b'{"id":"\xe2\x81\xa6"}', "invisible character, U+2066"),
        ("telemetry", b"21.5", "needs a signal"),
        ("telemetry", b'{"values":{}}', "values is empty"),
        ("telemetry", b'{"values":{"Spindle Speed":1}}', "'Spindle Speed' is not a name"),
        ("state", b"Running", "unknown state 'Running'"),
        ("state", b'{"state":"executing"}', "executing"),
        ("state", b'"executing"', "executing"),
        ("state", b"1", "Expected"),
        ("state", b'{"state":"down","reason":"Spindle!"}', "reason 'Spindle!' is not a name"),
        ("state", b'{"state":"down","reason":"spindle\\n"}', "is not a name"),
        ("count", b"812", "Expected"),
        ("count", b"{}", "none of its fields"),
        ("count", b'{"produced":-1}', "produced"),
        ("count", b'{"produced":true}', "produced"),
        ("job", b'{"phase":"start"}', "needs its order"),
        ("job", b'{"phase":"begin","order":"a"}', "begin"),
        ("job", b'{"phase":"start","order":"a","ideal_cycle":0}', "ideal_cycle"),
        ("job", b'{"phase":"start","order":"a\\u0000"}', "control character"),
        ("meter/electricity", b"-1", ">= 0"),
        ("meter/electricity", b'{"total":-1}', ">= 0"),
        ("quality/bore", b'{"lower":1}', "value"),
        ("labour", b'{"present":-1}', "present"),
        ("material/steel", b"{}", "none of its fields"),
        ("event", b'{"code":""}', "code"),
        ("event", b'{"code":"e","active":1}', "active"),
        ("event", b'{"code":"e","severity":"fatal"}', "fatal"),
        ("status", b"true", "Expected"),
        ("status", b"Online", "unknown status 'Online'"),
        ("cmd/go", b"{}", "id"),
        ("cmd/go", b'{"id":""}', "id has 0 characters"),
        ("cmd/go", b'{"id":"' + b"x" * 65 + b'"}', "65 characters"),
        ("cmd/go", b'{"id":1,"args":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deep"),
        ("reply/go", b'{"id":1,"ok":"yes"}', "ok"),
        ("telemetry/x", b"1" * 1_000_000, "the limit is 262144"),
        ("state", b"1" * 300_000, "the limit is 262144"),
        ("telemetry/x", b'{"dt":1,"values":[' + b"1," * 32_768 + b"1]}", "send fewer values at once"),
    ],
)  # fmt: skip
def test_a_wrong_payload_is_rejected_with_the_reason(kind: str, payload: bytes, says: str) -> None:
    assert says in str(rejection(kind, payload))


def test_nesting_at_any_depth_is_accepted_or_rejected() -> None:
    for depth in range(0, 1_200, 7):
        payload = b'{"id":1,"args":' + b"[" * depth + b"]" * depth + b"}"
        try:
            (event,) = decode("cmd/go", payload)
        except ContractError:
            continue
        assert codec.decode(codec.encode(event))
