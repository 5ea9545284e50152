"""What devices send that is not of the strict form: read where its meaning is certain, else rejected by its name."""

import json
from itertools import product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.contract import codec
from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_S, AnyEvent, Meter, Notice, Sample, StateChange
from broker.contract.kinds import TABLE
from broker.contract.lenient import leniency
from broker.contract.lenient.leniency import DeclaredText
from broker.contract.message import Message
from broker.contract.topics import Kind

NOW = 1_795_507_200 * NS_PER_S
MILL = "sheffield/machining/line-1/mill-1"
EXAMPLES = [each for kind, entry in TABLE.items() if kind != "kpi" for each in entry.examples.items()]


def decode(end: str, payload: bytes | str, is_text: DeclaredText = leniency.never_text) -> list[AnyEvent]:
    data = payload.encode() if isinstance(payload, str) else payload
    return codec.decode(Message(f"corridor/v1/{MILL}/{end}", data, received_at=NOW), is_text=is_text)


def rejection(end: str, payload: bytes | str) -> ContractError:
    with pytest.raises(ContractError) as caught:
        decode(end, payload)
    assert caught.value.hint
    return caught.value


# ---- What stands around a payload ----


AFTER = [b"\0", b"\0\0\0", b"\n", b"\r\n", b"\r\n\0", b"\0\n", b" \t", "\N{NO-BREAK SPACE}".encode()]
BEFORE = [b"", b"\xef\xbb\xbf", b"  ", b"\n\xef\xbb\xbf"]


@pytest.mark.parametrize(
    ("end", "payload"), [*EXAMPLES, ("state", "running"), ("status", "online"), ("meter/gas", "5")]
)
def test_nul_spaces_ends_of_line_and_a_mark_are_taken_off(end: str, payload: str) -> None:
    meant = decode(end, payload)
    for before, after in product(BEFORE, AFTER):
        assert decode(end, before + payload.encode() + after) == meant, (before, after)


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (b"\0", "is empty"),
        (b"\xef\xbb\xbf \0", "is empty"),
        (b"15.5\x0018.2", "goes on after a NUL character at byte 4"),
        (b'{"value":1}\0{"val', "NUL character at byte 11"),
        (b"22,5 \xb0C", "byte 5, 0xB0: in Latin-1 that is '°'"),
        ('{"value":1,"unit":"°C"}'.encode("latin-1"), "not UTF-8 at byte 19, 0xB0: in Latin-1 that is '°'"),
        ("21.5".encode("utf-16"), "UTF-16"),
        (b"\x1f\x8b\x08\0\0", "gzip"),
        (b"\x0a\x80", "not UTF-8 at byte 1, 0x80"),
    ],
)
def test_bytes_that_are_no_text_are_rejected_with_what_they_are_and_where(payload: bytes, problem: str) -> None:
    assert problem in rejection("telemetry/x", payload).problem


def test_the_hint_has_the_bytes_of_the_character_in_utf_8() -> None:
    assert "'°' is C2 B0" in rejection("telemetry/x", b"22,5 \xb0C").hint


# ---- Quality ----


@pytest.mark.parametrize("word", ["Good", "GOOD", " good ", "Uncertain", "UNCERTAIN"])
def test_a_quality_may_have_any_case(word: str) -> None:
    assert decode("count", json.dumps({"produced": 5, "quality": word})) == decode("count", '{"produced":5}')


@pytest.mark.parametrize("word", ["Bad", "BAD", " bad"])
@pytest.mark.parametrize("end", ["telemetry/x", "count", "meter/gas", "quality/bore", "labour", "material/bar"])
def test_of_bad_quality_nothing_else_is_read_whatever_it_is(end: str, word: str) -> None:
    for rest in ({}, {"value": "----", "total": [], "produced": -1, "present": "?"}):
        (notice,) = decode(end, json.dumps({"quality": word} | rest))
        assert isinstance(notice, Notice)
        assert notice.code.startswith("bad-")


def test_a_bad_state_without_a_state_is_unknown() -> None:
    state, notice = decode("state", '{"quality":"Bad"}')
    assert isinstance(state, StateChange)
    assert (state.state, notice.kind) == ("unknown", "event")


@pytest.mark.parametrize("word", ["", "ok", "Good, non-specific", "192", "schlecht"])
def test_another_quality_is_rejected_by_its_name(word: str) -> None:
    found = rejection("meter/gas", json.dumps({"total": 5, "quality": word}))
    assert repr(word) in found.problem
    assert "good, bad, uncertain" in found.hint


@pytest.mark.parametrize("quality", [192, None, True])
def test_so_is_one_that_is_no_word(quality: object) -> None:
    assert "good, bad, uncertain" in rejection("meter/gas", json.dumps({"total": 5, "quality": quality})).hint


# ---- Numbers as text ----

NUMERIC = [(kind, name) for kind, entry in TABLE.items() if kind != "kpi" for name in sorted(leniency.numeric(kind)[0])]
REST: dict[Kind, dict[str, object]] = {
    "job": {"phase": "start", "order": "wo-1"},
    "quality": {"value": 1},
    "labour": {"present": 2},
    "part": {"part": "b-77"},
    "telemetry": {"ts": 1_795_507_200_000, "values": [1, 2]},
    "meter": {"total": 0},
    "adjust": {"id": "shift-1"},
}


def test_the_numeric_fields_are_those_of_the_contract() -> None:
    assert {kind for kind, _ in NUMERIC} == set(TABLE) - {"kpi", "state", "status", "event", "cmd", "reply"}
    assert {name for kind, name in NUMERIC if kind == "job"} == {"planned", "ideal_cycle"}
    assert {name for kind, name in NUMERIC if kind == "telemetry"} == {"dt"}


def end_of(kind: Kind) -> str:
    return kind if TABLE[kind].topic == "not named" else f"{kind}/x"


@pytest.mark.parametrize(("kind", "name"), NUMERIC)
def test_a_number_as_text_is_one_in_every_numeric_field(kind: Kind, name: str) -> None:
    rest = REST.get(kind, {})
    meant = decode(end_of(kind), json.dumps(rest | {name: 812}))
    for text in ("812", "812.0", " 812 ", "+812", "0812", "8.12e2", "8.12E+02"):
        assert decode(end_of(kind), json.dumps(rest | {name: text})) == meant, text


PROBLEMS = {
    "812,5": "decimal comma",
    "NaN": "not a finite number",
    "-Infinity": "not a finite number",
    "": "is an empty text",
    "5 kWh": "is more than a number",
    "many": "not a number",
    "1 812": "not a number",
    "1.812.000": "not a number",
    "٨١٢": "not a number",
    "1e300": "beyond ±10¹⁵",
    "1e999": "beyond ±10¹⁵",
}


@pytest.mark.parametrize(("kind", "name"), [each for each in NUMERIC if each[1] != "dt"])
def test_another_text_in_a_numeric_field_is_rejected_with_what_it_is(kind: Kind, name: str) -> None:
    for text, problem in PROBLEMS.items():
        assert problem in rejection(end_of(kind), json.dumps(REST.get(kind, {}) | {name: text})).problem, text


@pytest.mark.parametrize(("end", "payload"), [("meter/gas", '"5123.4"'), ("quality/bore", '"5123.4"')])
def test_so_is_a_bare_one(end: str, payload: str) -> None:
    assert decode(end, payload) == decode(end, "5123.4")


@pytest.mark.parametrize(("payload", "value"), [("+5.0", 5.0), (".5", 0.5), ("022.5", 22.5), ("5.", 5.0)])
@pytest.mark.parametrize("end", ["telemetry/x", "meter/gas", "quality/bore"])
def test_a_bare_number_may_be_written_as_programs_print_them(end: str, payload: str, value: float) -> None:
    assert decode(end, payload) == decode(end, str(value))


@pytest.mark.parametrize("text", ["317.4", "-1e3", "0", "0.5", " 7 ", "+3"])
def test_a_number_as_text_is_the_value_of_a_signal(text: str) -> None:
    for end, payload in (
        ("telemetry/x", json.dumps(text)),
        ("telemetry/x", json.dumps({"value": text})),
        ("telemetry", json.dumps({"values": {"x": text}})),
    ):
        (sample,) = decode(end, payload)
        assert isinstance(sample, Sample)
        assert (type(sample.value), sample.value) == (float, float(text))


def test_so_are_those_of_evenly_spaced_samples() -> None:
    sent = '{"ts":1795507200000,"dt":"0.5","values":["1","2.5",3]}'
    assert decode("telemetry/x", sent) == decode("telemetry/x", '{"ts":1795507200000,"dt":0.5,"values":[1,2.5,3]}')
    assert "values[1]" in rejection("telemetry/x", '{"dt":1,"values":[1,"2,5"]}').problem


@pytest.mark.parametrize(
    "text",
    [
        "0012",
        "-07",
        "9007199254740993",
        "18446744073709551615",
        "1e300",
        "O1001",
        "12-7",
        "3,5",
        "12 bar",
        "0x1F",
        "1_000",
    ],
)
def test_what_may_be_a_name_stays_text(text: str) -> None:
    (sample,) = decode("telemetry/x", json.dumps({"value": text}))
    assert isinstance(sample, Sample)
    assert sample.value == text


def test_a_signal_that_is_declared_as_text_stays_text() -> None:
    def is_text(asset: str, signal: str) -> bool:
        return (asset, signal) == (MILL, "program")

    sent = '{"values":{"program":"1001","load":"41.2"}}'
    assert [event.value for event in decode("telemetry", sent, is_text) if isinstance(event, Sample)] == ["1001", 41.2]
    (program,) = decode("telemetry/program", '"1001"', is_text)
    assert isinstance(program, Sample)
    assert program.value == "1001"


@given(st.text(max_size=12) | st.floats().map(repr) | st.decimals().map(str) | st.from_regex(r"[+-]?[0-9.,eE]{1,9}"))
def test_every_text_is_a_number_or_stays_as_it_is(text: str) -> None:
    try:
        (event,) = decode("telemetry/x", msgspec.json.encode({"value": text}))
    except ContractError:
        return
    if isinstance(event, Sample):
        assert event.value == (text if isinstance(event.value, str) else float(text))


# ---- Times ----


@pytest.mark.parametrize(
    "ts",
    [
        '"2026-11-24T16:00:00+0800"',
        '"2026-11-24T16:00:00+08"',
        '"2026-11-24 00:00:00-0800"',
        '"1795507200000"',
        '" 1795507200000.0"',
    ],
)
def test_a_time_is_read_whose_zone_has_no_colon_or_which_is_a_number_as_text(ts: str) -> None:
    sent = f'{{"ts":{ts},"value":1}}'
    assert decode("telemetry/x", sent) == decode("telemetry/x", '{"ts":1795507200000,"value":1}')


@pytest.mark.parametrize("ts", ['"1795507200"', '"1795507200000000"'])
def test_one_in_another_unit_has_the_hint_that_the_number_has(ts: str) -> None:
    assert rejection("telemetry/x", f'{{"ts":{ts},"value":1}}').hint.startswith("ts looks like")


# ---- Units ----


@pytest.mark.parametrize(
    ("unit", "code"), [("kWh", "kW.h"), ("Wh", "W.h"), ("MWh", "MW.h"), ("kW.h", "kW.h"), ("", "")]
)
def test_a_meter_is_read_by_the_common_name_of_its_unit(unit: str, code: str) -> None:
    (meter,) = decode("meter/electricity", json.dumps({"total": 5123.0, "unit": unit}))
    assert isinstance(meter, Meter)
    assert meter.unit == code


@pytest.mark.parametrize(
    ("end", "payload"),
    [
        ("telemetry/x", '{"value":21.5,"unit":"°C"}'),
        ("telemetry", '{"values":{"x":21.5},"unit":"°C"}'),
        ("telemetry/x", '{"values":[1],"dt":1,"unit":"°C"}'),
        ("quality/x", '{"value":1,"unit":"°C"}'),
        ("material/x", '{"stock":1,"unit":"°C"}'),
        ("meter/x", '{"total":1,"unit":"°C"}'),
    ],
)
def test_every_kind_with_a_unit_reads_its_common_name(end: str, payload: str) -> None:
    assert decode(end, payload) == decode(end, payload.replace("°C", "Cel"))


@pytest.mark.parametrize(
    ("meter", "unit", "those_that_can"),
    [("electricity", "bar", "kW.h, W.h"), ("electricity", "kvarh", "MJ"), ("gas", "kWh", "m3"), ("water", "kg", "m3")],
)
def test_a_meter_that_cannot_be_added_up_is_rejected_with_the_units_that_can(
    meter: str, unit: str, those_that_can: str
) -> None:
    found = rejection(f"meter/{meter}", json.dumps({"total": 1, "unit": unit}))
    assert repr(unit) in found.problem
    assert those_that_can in found.hint
    assert decode(f"meter/{meter}-2", json.dumps({"total": 1, "unit": unit}))
