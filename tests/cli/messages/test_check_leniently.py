"""`corridor check` on what is not of the strict form: what was understood, what seems wrong, what is wrong."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

MILL = "sheffield/machining/line-1/mill-1"
Corridor = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("end", "payload", "understood"),
    [
        ("meter/electricity", '{"total":5,"unit":"kWh"}', "unit 'kWh' is read as kW.h"),
        ("meter/electricity", '{"total":"5.5","unit":"kW.h"}', "total is the text '5.5', read as the number 5.5"),
        ("telemetry/x", '"317.4"', "payload is the text '317.4', read as the number 317.4"),
        ("telemetry/x", '{"value":"317.4"}', "value is the text '317.4', read as the number 317.4"),
        ("telemetry", '{"values":{"load":"7"}}', "load is the text '7', read as the number 7"),
        ("telemetry/x", '{"values":[1,"7"],"dt":1}', "values[1] is the text '7', read as the number 7"),
        ("telemetry/x", "007", "'007' is read as the number 7"),
        ("telemetry/x", "\ufeff21.5", "the byte-order mark is not read"),
        ("count", '{"produced":5,"quality":"Good"}', "quality 'Good' is read as good"),
        ("state", '{"state":"running","quality":"BAD"}', "quality 'BAD' is read as bad"),
    ],
)
def test_what_was_understood_is_shown(corridor: Corridor, end: str, payload: str, understood: str) -> None:
    status, out, _ = corridor("check", f"{MILL}/{end}", payload)
    assert status == 0
    assert f"  understood: {understood}\n" in out
    assert understood in json.loads(corridor("check", f"{MILL}/{end}", payload, "--json")[1])["understood"]


@pytest.mark.parametrize(
    ("end", "payload", "warning"),
    [
        ("status", '{"status":"offline","ts":%d}', "a last will with a time of its own"),
        ("meter/steam", '{"total":5,"unit":"t"}', "the meter steam is stored, and not added up"),
        ("meter/gas", "5", "no unit: m3 is taken"),
        ("telemetry/x", '"0012"', "payload '0012' looks like a number"),
        ("telemetry/x", '{"value":"3,5"}', "value '3,5' looks like a number"),
        ("telemetry/x", '{"value":"12 bar"}', "value '12 bar' looks like a number"),
        ("telemetry/x", '{"value":5,"timestamp":1}', "'timestamp' is not read: call the time ts"),
        ("count", '{"produced":5,"machine":"m1"}', "not read, for the contract does not have them: 'machine'"),
    ],
)
def test_what_seems_wrong_is_shown(corridor: Corridor, end: str, payload: str, warning: str) -> None:
    sent = payload.replace("%d", str(time.time_ns() // 1_000_000))
    status, out, _ = corridor("check", f"{MILL}/{end}", sent)
    assert status == 0
    assert f"  warning: {warning}" in out
    assert any(warning in one for one in json.loads(corridor("check", f"{MILL}/{end}", sent, "--json")[1])["warnings"])


def test_so_is_a_count_that_is_retained_without_a_time(corridor: Corridor) -> None:
    assert "adds no pieces" in corridor("check", f"{MILL}/count", '{"produced":5}', "--retained")[1]
    assert "warning" not in corridor("check", f"{MILL}/count", '{"produced":5}')[1]


@pytest.mark.parametrize(
    ("end", "payload"),
    [
        ("telemetry/x", '{"value":21.5,"unit":"Cel"}'),
        ("telemetry/program", '"O1001"'),
        ("meter/electricity", '{"total":5,"unit":"kW.h"}'),
        ("status", "offline"),
        ("event", '{"code":"7","text":"12 bar"}'),
        ("job", '{"phase":"start","order":"0012"}'),
        ("cmd/go", '{"id":"5"}'),
    ],
)
def test_of_the_strict_form_nothing_is_remarked(corridor: Corridor, end: str, payload: str) -> None:
    document = json.loads(corridor("check", f"{MILL}/{end}", payload, "--json")[1])
    assert document["ok"]
    assert not {"understood", "warnings"} & document.keys()


def test_a_signal_that_the_plant_file_declares_as_text_stays_text(corridor: Corridor, tmp_path: Path) -> None:
    plant = tmp_path / "plant.toml"
    plant.write_text('[asset."sheffield"]\nsignals.program = { type = "text" }\n')
    _, out, _ = corridor("check", f"{MILL}/telemetry/program", '"1001"', "--plant", str(plant))
    assert "program '1001'" in out
    assert "understood" not in out
    assert "program 1001\n" in corridor("check", f"{MILL}/telemetry/program", '"1001"')[1]


@pytest.mark.parametrize("payload", ['{"quality":"Bad","total":"----","unit":"??"}', '{"quality":"bad","total":"5"}'])
def test_of_a_bad_reading_only_the_quality_is_remarked_on(corridor: Corridor, payload: str) -> None:
    status, out, _ = corridor("check", f"{MILL}/meter/gas", payload)
    assert status == 0
    assert "bad-gas" in out
    assert "warning" not in out


def test_publish_notes_what_is_read_leniently_before_it_connects(corridor: Corridor) -> None:
    nobody = "mqtt://127.0.0.1:9"  # the port of `discard`: nobody listens there
    status, _, err = corridor("publish", f"{MILL}/meter/gas", '{"total":"5","unit":"m³"}', "--broker", nobody)
    assert status == 1
    assert "note: total is the text '5', read as the number 5\nnote: unit 'm³' is read as m3\n" in err


@pytest.mark.parametrize("command", ["check", "publish"])
@pytest.mark.parametrize(
    ("end", "payload", "texts"),
    [
        ("telemetry/x", b"22,5 \xb0C".decode("utf-8", "surrogateescape"), ["byte 5, 0xB0", "Latin-1", "C2 B0"]),
        ("meter/electricity", '{"total":5,"unit":"bar"}', ["electricity in 'bar'", "kW.h, W.h"]),
        ("count", '{"produced":5,"quality":"so-so"}', ["unknown quality 'so-so'", "good, bad, uncertain"]),
        ("telemetry/x", '[{"id":"a","v":1,"t":2}]', ["a list of values with their names", "dialect"]),
    ],
)
def test_what_is_wrong_is_named_with_a_hint(
    corridor: Corridor, command: str, end: str, payload: str, texts: list[str]
) -> None:
    status, out, err = corridor(command, f"{MILL}/{end}", payload)
    assert (status, out) == (1, "")
    assert all(text in err for text in texts), err
