"""Messages of other systems, as these publish them: each is rejected by its name, and not read."""

import json

import pytest

from broker.contract import codec
from broker.contract.errors import ContractError
from broker.contract.kinds import TABLE
from broker.contract.lenient import foreign
from broker.contract.message import Message

MESSAGES: dict[str, list[object]] = {
    "Sparkplug": [
        {"timestamp": 1486144502122, "metrics": [{"name": "temp", "dataType": "Double", "value": 21.5}], "seq": 2},
        {"timestamp": 1, "metrics": [], "seq": 0},
    ],
    "Kepware": [
        {"timestamp": 1733904005123, "values": [{"id": "Channel1.Device1.Tag1", "v": 42, "q": True, "t": 17339}]}
    ],
    "OPC UA PubSub": [
        {"MessageId": "1", "MessageType": "ua-data", "Messages": [{"DataSetWriterId": 1, "Payload": {"Up": 5}}]},
        {"DataSetWriterId": 1, "SequenceNumber": 5, "Payload": {"StepUp": 5}},
    ],
    "Siemens Industrial Edge": [{"seq": 1, "vals": [{"id": "101", "qc": 3, "ts": "2026-11-24T08:00:00Z", "val": 1}]}],
    "Tasmota": [
        {"Time": "2018-02-15T17:37:10", "ENERGY": {"Total": 6.294, "Power": 2635}},
        {"StatusSNS": {"Time": "2018-02-15T17:37:10", "ENERGY": {"Total": 6.294}}},
    ],
    "Shelly": [
        {"src": "shellyplus1pm-1", "method": "NotifyStatus", "params": {"ts": 1736603810.49, "switch:0": {"id": 0}}},
        {"id": 0, "output": True, "apower": 25.7, "voltage": 239.7, "aenergy": {"total": 913.252}},
    ],
    "AWS IoT": [{"state": {"reported": {"temp": 21.5}}}, {"propertyAlias": "/a/b", "propertyValues": []}],
    "Azure IoT": [
        {"properties": {"reported": {"temp": 21.5}}},
        {"deviceId": "d-1", "messageId": 5, "temperature": 21.5},
    ],
    "Home Assistant": [
        {"dev_cla": "temperature", "unit_of_meas": "°C", "stat_t": "a/b/state"},
        {"entity_id": "sensor.temperature", "state": "21.5", "attributes": {"unit_of_measurement": "°C"}},
    ],
    "Ignition": [{"tagPath": "[default]Line/Temp", "value": 21.5, "quality": "Good", "timestamp": 1733904005123}],
    "MTConnect": [
        {"MTConnectStreams": {}},
        {"dataItemId": "x1", "timestamp": "2026-11-24T08:00:00Z", "result": "ACTIVE"},
    ],
    "UMH": [{"timestamp_ms": 1733904005123, "temperature": 42.5, "pressure": 3.1}],
    "Node-RED": [{"payload": 21.5, "topic": "line/temp", "_msgid": "4b1c2"}, {"payload": {"value": 1}, "topic": "x"}],
    "IO-Link": [
        {"code": "event", "cid": 40, "adr": "/laguna/al1342/temp", "data": {}},
        {"iolink": {"valid": True, "value": [1]}},
    ],
    "SenML": [[{"bn": "urn:dev:ow:10e2073a01080063:", "n": "temp", "v": 23.1}]],
    "a list of values with their names": [
        [{"id": "temp", "v": 21.5, "t": 1733904005123}, {"id": "load", "v": 4, "t": 1733904005123}],
        [{"name": "temp", "value": 21.5}],
    ],
    "a list of messages": [[{"ts": 1795507200000, "value": 21.5}, {"ts": 1795507201000, "value": 21.6}]],
}


@pytest.mark.parametrize("end", ["telemetry", "count", "meter/electricity"])
@pytest.mark.parametrize(("name", "payload"), [(name, each) for name, listed in MESSAGES.items() for each in listed])
def test_a_message_of_another_system_is_rejected_by_its_name(name: str, payload: object, end: str) -> None:
    topic = f"corridor/v1/sheffield/machining/line-1/mill-1/{end}"
    came = Message(topic, json.dumps(payload).encode(), received_at=1_795_507_200 * 10**9)
    with pytest.raises(ContractError, match=f"it looks like .*{name}") as caught:
        codec.decode(came)
    assert "dialect" in caught.value.hint
    assert "mapped" in caught.value.hint


def test_one_that_has_the_fields_of_the_contract_is_of_the_contract() -> None:
    payload = b'{"tagPath":"a/b","value":21.5,"quality":"Good"}'
    came = Message("corridor/v1/a/b/c/d/telemetry/temp", payload, received_at=1_795_507_200 * 10**9)
    (sample,) = codec.decode(came)
    assert sample.kind == "telemetry"


@pytest.mark.parametrize("payload", [p for entry in TABLE.values() for p in entry.examples.values()])
def test_a_message_of_the_contract_is_of_no_other_system(payload: str) -> None:
    assert foreign.named(payload.encode()) == ""


@pytest.mark.parametrize(
    "payload", [b"", b"[", b"[]", b"{}", b"5", b'{"value":1}', b"[" * 5_000, b"\xff", b"[[]]", b"[1]"]
)
def test_what_is_of_no_system_has_no_name(payload: bytes) -> None:
    assert foreign.named(payload) == ""
