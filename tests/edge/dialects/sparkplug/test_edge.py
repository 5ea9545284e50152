"""An edge node's messages: births, data, deaths, commands, and a primary host.

The rules are those of `docs/reference/sparkplug.md`, by number.
"""

import pytest

from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_MS, NS_PER_S, AnyEvent, Command, Count, Sample, StateChange, Status
from broker.contract.message import Message, Publication
from edge.dialects import guard
from edge.dialects.dialect import Setup
from edge.dialects.sparkplug import presence, topics
from edge.dialects.sparkplug.codec import Metric, Payload, decode
from edge.dialects.sparkplug.datatypes import Datatype
from edge.dialects.sparkplug.edge import MOST_STORED, EdgeNode
from edge.dialects.sparkplug.host import rebirth_request
from edge.dialects.sparkplug.topics import Key
from edge.dialects.sparkplug.translator import Sparkplug

NODE = Key("works:hall", "line-1")
MILL = "works/hall/line-1/mill"
START = 1_795_507_200 * NS_PER_S
LATER = START + NS_PER_S


def kinds(sent: list[Publication]) -> list[str]:
    return [
        "/".join(filter(None, (topics.parse(each.topic).kind, topics.parse(each.topic).key.device))) for each in sent
    ]


def payload(sent: Publication) -> Payload:
    return decode(sent.payload)


def metrics(sent: Publication) -> dict[str, Metric]:
    return {each.name: each for each in payload(sent).metrics}


def load(value: float, at: int = START, asset: str = MILL) -> Sample:
    return Sample(asset=asset, at=at, signal="load", value=value, unit="%", simulated=True)


def connected() -> tuple[EdgeNode, list[Publication]]:
    edge = EdgeNode(NODE)
    edge.will()
    births = edge.connected(START)
    return edge, births + edge.publish([Status(asset=MILL, at=START, online=True), load(1)], START)


def received(host: Sparkplug, sent: list[Publication]) -> list[AnyEvent]:
    found: list[AnyEvent] = []
    for each in sent:
        translation = guard.translate(host, Message(each.topic, each.payload, each.qos, received_at=LATER))
        assert not translation.rejections
        assert not translation.requests
        found += translation.events
    return found


def test_e1_the_will_is_a_death_of_qos_1_with_its_number_alone() -> None:
    will = EdgeNode(NODE).will()
    assert (will.topic, will.qos, will.retain) == ("spBv1.0/works:hall/NDEATH/line-1", 1, False)
    assert payload(will).seq is None
    assert [(one.name, one.datatype, one.value()) for one in payload(will).metrics] == [("bdSeq", Datatype.INT64, 0)]


def test_e2_the_number_grows_with_each_connection_up_to_255_and_is_in_the_birth() -> None:
    edge = EdgeNode(NODE)
    numbers = []
    for _ in range(258):
        will = metrics(edge.will())["bdSeq"].value()
        birth = metrics(edge.connected(START)[0])["bdSeq"]
        assert (birth.value(), birth.datatype) == (will, Datatype.INT64)
        numbers.append(will)
    assert numbers == [*range(256), 0, 1]


def test_e3_commands_of_the_node_and_of_its_devices_are_subscribed_to() -> None:
    assert EdgeNode(NODE).filters == ["spBv1.0/works:hall/NCMD/line-1", "spBv1.0/works:hall/DCMD/line-1/+"]


def test_e4_the_nodes_birth_comes_first_with_seq_0_and_the_control_metric() -> None:
    _, sent = connected()
    birth = payload(sent[0])
    assert kinds(sent)[0] == "NBIRTH"
    assert (birth.seq, birth.timestamp) == (0, START // NS_PER_MS)
    rebirth = metrics(sent[0])["Node Control/Rebirth"]
    assert (rebirth.value(), rebirth.alias, rebirth.datatype) == (False, None, Datatype.BOOLEAN)


def test_e4_each_metric_of_a_birth_has_name_alias_datatype_and_time() -> None:
    _, sent = connected()
    birth = payload(sent[1])
    assert all(one.name and one.alias and one.datatype and one.timestamp for one in birth.metrics)
    assert len({one.alias for one in birth.metrics}) == len(birth.metrics)
    assert metrics(sent[1])["telemetry/load/value"].properties == {"engUnit": "%"}


def test_e5_devices_are_born_next_and_aliases_are_of_the_whole_node() -> None:
    edge, sent = connected()
    sent += edge.publish([load(2, asset=f"{MILL}-2")], START)
    assert kinds(sent) == ["NBIRTH", "DBIRTH/mill", "DBIRTH/mill-2"]
    aliases = [one.alias for each in sent[1:] for one in payload(each).metrics]
    assert len(aliases) == len(set(aliases))


def test_e6_data_go_by_alias_alone_and_all_messages_are_one_sequence_of_qos_0() -> None:
    edge, sent = connected()
    for step in range(300):
        sent += edge.publish([load(step, START + step * NS_PER_MS + 1)], START)
    sent += edge.publish([Status(asset=MILL, at=LATER, online=False)], LATER)
    assert [payload(each).seq for each in sent] == [place % 256 for place in range(len(sent))]
    assert {(each.qos, each.retain) for each in sent} == {(0, False)}
    [one] = payload(sent[5]).metrics
    assert (one.name, one.datatype, one.is_historical) == ("", None, False)
    assert one.alias == metrics(sent[1])["telemetry/load/value"].alias


def test_e7_a_field_without_a_value_is_null() -> None:
    edge, _ = connected()
    edge.publish([Count(asset=MILL, at=START, produced=1, good=1)], START)
    [data] = edge.publish([Count(asset=MILL, at=LATER, produced=2)], LATER)
    empty = [one for one in payload(data).metrics if one.is_null]
    assert empty
    assert all(one.raw is None for one in empty)


def test_e8_a_rebirth_is_all_births_with_the_same_number() -> None:
    edge, first = connected()
    command = rebirth_request(NODE, LATER)
    births = edge.receive(Message(command.topic, command.payload), LATER)
    assert kinds(births) == ["NBIRTH", "DBIRTH/mill"]
    assert payload(births[0]).seq == 0
    assert metrics(births[0])["bdSeq"].value() == metrics(first[0])["bdSeq"].value()
    assert metrics(births[1])["telemetry/load/value"].value() == 1


def test_e8_a_command_that_is_false_or_of_another_node_does_nothing() -> None:
    edge, _ = connected()
    other = rebirth_request(Key("works:hall", "line-2"), LATER)
    assert edge.receive(Message(other.topic, other.payload), LATER) == []
    own = rebirth_request(NODE, LATER)
    assert edge.receive(Message(own.topic, own.payload.replace(b"p\x01", b"p\x00")), LATER) == []


def test_e9_a_machine_that_is_offline_has_a_death_with_a_sequence_number() -> None:
    edge, sent = connected()
    [death] = edge.publish([Status(asset=MILL, at=LATER, online=False)], LATER)
    assert kinds([death]) == ["DDEATH/mill"]
    assert (payload(death).seq, payload(death).timestamp) == (len(sent), LATER // NS_PER_MS)
    assert kinds(edge.publish([Status(asset=MILL, at=LATER + 1, online=True)], LATER)) == ["DBIRTH/mill"]


def test_e10_an_intended_end_is_a_death_with_the_number_of_the_birth() -> None:
    edge, sent = connected()
    [death] = edge.leaving()
    assert kinds([death]) == ["NDEATH"]
    assert metrics(death)["bdSeq"].value() == metrics(sent[0])["bdSeq"].value()
    assert edge.publish([load(2)], LATER) == []


def state(at: int, *, online: bool) -> Message:
    host = presence.Presence("scada")
    will = host.will(at)
    return Message(will.topic, host.birth().payload if online else will.payload)


def test_e11_a_node_waits_for_its_primary_host_and_leaves_with_it() -> None:
    edge = EdgeNode(NODE, primary="scada")
    assert "spBv1.0/STATE/scada" in edge.filters
    edge.will()
    assert edge.connected(START) == []
    assert edge.publish([load(1)], START) == []
    assert edge.receive(state(START, online=False), START) == []
    assert kinds(edge.receive(state(START, online=True), START)) == ["NBIRTH", "DBIRTH/mill"]
    assert edge.receive(state(START - NS_PER_S, online=False), START) == []
    assert edge.is_live
    assert kinds(edge.receive(state(LATER, online=False), LATER)) == ["NDEATH"]
    assert edge.must_leave
    assert metrics(edge.will())["bdSeq"].value() == 1


def test_e11_an_older_state_of_the_primary_host_is_not_believed() -> None:
    edge = EdgeNode(NODE, primary="scada")
    edge.will()
    edge.connected(START)
    edge.receive(state(LATER, online=False), LATER)
    assert edge.receive(state(START, online=True), LATER) == []


def test_e12_values_that_were_stored_are_historical_the_newest_are_in_the_birth() -> None:
    edge, _ = connected()
    edge.will()
    times = [START + step * NS_PER_S for step in range(1, 4)]
    assert [edge.publish([load(step, at)], at) for step, at in enumerate(times)] == [[], [], []]
    births = edge.connected(times[-1])
    assert kinds(births) == ["NBIRTH", "DBIRTH/mill", "DDATA/mill"]
    assert metrics(births[1])["telemetry/load/value"].value() == 2
    stored = payload(births[2]).metrics
    assert [(one.value(Datatype.DOUBLE), one.is_historical) for one in stored] == [(0, True), (1, True)]
    assert [one.timestamp for one in stored] == [at // NS_PER_MS for at in times[:2]]


def test_the_newest_state_is_the_last_that_a_host_publishes_though_older_ones_come_after_it() -> None:
    edge, sent = connected()
    host = Sparkplug(Setup())
    received(host, sent)
    edge.will()
    idle = StateChange(asset=MILL, at=START + NS_PER_MS, state="idle", simulated=True)
    running = StateChange(asset=MILL, at=START + 2 * NS_PER_MS, state="running", simulated=True)
    edge.publish([idle, running], LATER)
    found = [event for event in received(host, edge.connected(LATER)) if isinstance(event, StateChange)]
    assert [event.state for event in found] == ["running", "idle", "running"]


def test_a_new_metric_or_another_type_is_a_new_birth() -> None:
    edge, _ = connected()
    assert kinds(edge.publish([StateChange(asset=MILL, at=LATER, state="running")], LATER)) == ["DBIRTH/mill"]
    text = Sample(asset=MILL, at=LATER + NS_PER_MS, signal="load", value="high")
    assert kinds(edge.publish([text], LATER)) == ["DBIRTH/mill"]


def test_two_machines_of_one_name_are_not_one_device() -> None:
    edge, _ = connected()
    with pytest.raises(ContractError, match="are both mill"):
        edge.publish([load(1, asset="works/hall/line-2/mill")], START)


@pytest.mark.slow
def test_a_store_that_is_full_drops_the_oldest_and_counts_them() -> None:
    edge = EdgeNode(NODE)
    edge.publish([load(step, START + step * NS_PER_MS) for step in range(MOST_STORED + 10)], START)
    assert edge.dropped == 10


def test_two_calls_of_one_instant_are_two() -> None:
    edge, sent = connected()
    calls = [Command(asset=MILL, at=LATER, name="reset", id=name, by="ada") for name in ("a", "b")]
    sent += edge.publish(calls, LATER)
    host = Sparkplug(Setup())
    found = [event for event in received(host, sent) if isinstance(event, Command)]
    assert sorted(found, key=lambda call: call.id) == calls


def test_what_a_host_receives_of_a_rebirth_is_nothing_new() -> None:
    edge, sent = connected()
    host = Sparkplug(Setup())
    assert received(host, sent)
    assert (
        received(
            host, edge.receive(Message("spBv1.0/works:hall/NCMD/line-1", rebirth_request(NODE, LATER).payload), LATER)
        )
        == []
    )
