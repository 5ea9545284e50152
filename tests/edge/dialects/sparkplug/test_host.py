"""A host application against the messages of an edge node: births, deaths, the sequence, and asking for births.

The rules are those of `docs/reference/sparkplug.md`, by number.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_MS, NS_PER_S
from broker.contract.message import Message, Publication
from edge.dialects.sparkplug import topics
from edge.dialects.sparkplug.codec import Metric, Payload, decode, encode, metric
from edge.dialects.sparkplug.datatypes import Datatype, Value
from edge.dialects.sparkplug.host import MOST_NODES, REORDER_NS, Host, Outcome
from edge.dialects.sparkplug.readings import Birth, Data, Death
from edge.dialects.sparkplug.topics import Key
from tests.properties import examples

NODE = Key("works", "cell-1")
MILL = Key("works", "cell-1", "mill")
START = 1_795_507_200 * NS_PER_S


class Edge:
    """An edge node's messages to a host, at times that the test sets; each has the next sequence number."""

    def __init__(self, host: Host, node: Key = NODE) -> None:
        self.host = host
        self.node = node
        self.now = START
        self.seq = 0

    def send(
        self, kind: str, key: Key, *metrics: Metric, seq: int | None = None, sent_ms: int | None = None
    ) -> Outcome:
        if seq is None:
            seq, self.seq = self.seq, (self.seq + 1) % 256
        sent_ms = self.now // NS_PER_MS if sent_ms is None else sent_ms
        return self.raw(kind, key, Payload(timestamp=sent_ms, metrics=metrics, seq=seq))

    def raw(self, kind: str, key: Key, payload: Payload) -> Outcome:
        return self.host.receive(Message(topics.build(kind, key), encode(payload), qos=0, received_at=self.now))

    def birth(self, bd_seq: int = 0, *metrics: Metric) -> Outcome:
        self.seq = 0
        number = metric("bdSeq", bd_seq, Datatype.INT64)
        return self.send("NBIRTH", self.node, number, *metrics)

    def device_birth(self, *metrics: Metric, device: str = "mill") -> Outcome:
        return self.send("DBIRTH", self.device(device), *(metrics or (speed(1, name="speed"),)))

    def data(self, *metrics: Metric, device: str = "mill", seq: int | None = None) -> Outcome:
        return self.send("DDATA", self.device(device), *(metrics or (speed(2),)), seq=seq)

    def death(self, bd_seq: int, kind: Datatype = Datatype.UINT64) -> Outcome:
        return self.raw("NDEATH", self.node, Payload(metrics=(metric("bdSeq", bd_seq, kind),)))

    def device(self, name: str) -> Key:
        return Key(self.node.group, self.node.node, name)


def speed(value: float | None, *, name: str = "", alias: int | None = 3, at_ms: int | None = None) -> Metric:
    """Return a metric of a device: in a birth with its name, in data by alias alone and without a datatype."""
    one = metric(name or "x", value, Datatype.DOUBLE, alias=alias, timestamp=at_ms)
    return one if name else Metric(alias=alias, timestamp=at_ms, is_null=one.is_null, raw=one.raw)


def running() -> Edge:
    edge = Edge(Host())
    edge.birth()
    edge.device_birth()
    return edge


def values(outcome: Outcome) -> list[tuple[str, Value | None]]:
    return [
        (one.name, one.value)
        for change in outcome.changes
        if isinstance(change, Birth | Data)
        for one in change.readings
    ]


def requested(outcome: Outcome) -> list[str]:
    return [each.topic for each in outcome.requests]


def test_values_by_alias_have_the_names_and_datatypes_of_the_birth() -> None:
    edge = Edge(Host())
    edge.birth(0, metric("uptime", -1, Datatype.INT32, alias=7))
    edge.device_birth(speed(1, name="speed"))
    assert values(edge.data(speed(2.5))) == [("speed", 2.5)]
    short = Metric(alias=7, raw=metric("x", -12, Datatype.INT32).raw)
    assert values(edge.send("NDATA", NODE, short)) == [("uptime", -12)]
    assert values(edge.data(speed(None))) == [("speed", None)]


def test_a_value_has_its_own_time_else_that_of_its_payload() -> None:
    edge = running()
    outcome = edge.data(speed(2, at_ms=123), speed(3))
    [change] = outcome.changes
    assert isinstance(change, Data)
    assert [one.at_ms for one in change.readings] == [123, START // NS_PER_MS]


def test_two_nodes_may_have_a_device_of_one_name() -> None:
    host = Host()
    first, second = Edge(host), Edge(host, Key("works", "cell-2"))
    for edge, name in ((first, "a"), (second, "b")):
        edge.birth()
        edge.device_birth(speed(0, name=name))
    assert values(first.data(speed(1))) == [("a", 1.0)]
    assert values(second.data(speed(2))) == [("b", 2.0)]
    second.death(0)
    assert values(first.data(speed(3))) == [("a", 3.0)]


def test_h6_the_death_of_the_current_birth_ends_the_node_and_all_its_devices_at_the_hosts_time() -> None:
    edge = running()
    edge.device_birth(device="lathe")
    edge.now += 7 * NS_PER_S
    outcome = edge.death(0)
    assert sorted(outcome.changes, key=str) == sorted(
        [Death(key, edge.now) for key in (NODE, MILL, edge.device("lathe"))], key=str
    )
    assert edge.death(0).changes == []
    after = edge.data()
    assert values(after) == []
    assert requested(after) == ["spBv1.0/works/NCMD/cell-1"]


def test_h6_the_death_of_an_earlier_birth_means_nothing() -> None:
    edge = running()
    edge.birth(1)
    edge.device_birth()
    assert edge.death(0) == Outcome()
    assert values(edge.data()) == [("speed", 2.0)]
    assert len(edge.death(1).changes) == 2


def test_h6_a_death_before_any_birth_means_nothing() -> None:
    edge = Edge(Host())
    assert edge.death(0) == Outcome()


@pytest.mark.parametrize("kind", [Datatype.INT64, Datatype.UINT64, Datatype.INT32, Datatype.UINT8])
def test_h6_birth_and_death_may_have_their_number_in_different_integer_types(kind: Datatype) -> None:
    edge = running()
    assert len(edge.death(0, kind).changes) == 2


def test_h7_a_device_is_offline_at_the_time_of_its_death_message() -> None:
    edge = running()
    edge.now += 9 * NS_PER_S
    outcome = edge.send("DDEATH", MILL, sent_ms=(START + NS_PER_S) // NS_PER_MS)
    assert outcome.changes == [Death(MILL, START + NS_PER_S)]
    assert requested(edge.data()) == ["spBv1.0/works/NCMD/cell-1"]


def test_h8_a_gap_that_is_not_filled_in_time_asks_for_a_rebirth() -> None:
    edge = running()
    edge.seq += 1
    assert edge.data().requests == []
    due = edge.host.due
    assert due == START + REORDER_NS
    assert edge.host.tick(due - 1) == Outcome()
    [request] = edge.host.tick(due).requests
    command = decode(request.payload)
    assert request == Publication("spBv1.0/works/NCMD/cell-1", request.payload, qos=0, retain=False)
    assert [(one.name, one.value()) for one in command.metrics] == [("Node Control/Rebirth", True)]
    assert edge.host.due is None


def test_h8_how_long_a_gap_may_last_can_be_set() -> None:
    edge = Edge(Host(reorder_ns=NS_PER_S))
    edge.birth()
    edge.seq += 1
    edge.send("NDATA", NODE)
    assert edge.host.due == START + NS_PER_S


def test_h8_a_gap_that_is_filled_in_time_asks_for_nothing() -> None:
    edge = running()
    late = edge.seq
    edge.seq += 1
    assert values(edge.data(speed(2))) == [("speed", 2.0)]
    edge.now += NS_PER_S
    assert values(edge.data(speed(1), seq=late)) == [("speed", 1.0)]
    assert edge.host.due is None
    assert edge.host.tick(edge.now + REORDER_NS) == Outcome()


def test_h8_the_sequence_goes_on_after_255() -> None:
    edge = running()
    for _ in range(600):
        assert edge.data().requests == []
    assert edge.host.due is None


@given(st.permutations(range(6)), st.integers(0, 255))
@examples(60)
def test_h8_messages_in_any_order_are_no_loss_when_all_have_come(order: list[int], first: int) -> None:
    edge = Edge(Host())
    edge.raw("NBIRTH", NODE, Payload(timestamp=0, metrics=(metric("bdSeq", 0, Datatype.INT64),), seq=first))
    for step in order:
        edge.send("NDATA", NODE, seq=(first + 1 + step) % 256)
    assert edge.host.due is None


def test_a_message_that_comes_twice_is_no_gap() -> None:
    edge = running()
    edge.data(seq=2)
    assert edge.data(seq=2).requests == []
    assert edge.host.due is None


def test_h9_the_request_is_by_name_even_where_the_birth_gave_an_alias() -> None:
    edge = Edge(Host())
    edge.birth(0, metric("Node Control/Rebirth", False, Datatype.BOOLEAN, alias=11))
    [request] = edge.data().requests
    command = decode(request.payload)
    assert [(one.name, one.alias, one.value()) for one in command.metrics] == [("Node Control/Rebirth", None, True)]
    assert (request.qos, request.retain, command.seq) == (0, False, None)
    assert command.timestamp == START // NS_PER_MS


@pytest.mark.parametrize("kind", ["NDATA", "DDATA", "DBIRTH", "DDEATH"])
def test_h10_a_node_that_is_first_seen_in_mid_session_is_asked_for_its_births(kind: str) -> None:
    edge = Edge(Host())
    key = NODE if kind == "NDATA" else MILL
    outcome = edge.send(kind, key, speed(1, name="speed"), seq=17)
    assert outcome.changes == []
    assert requested(outcome) == ["spBv1.0/works/NCMD/cell-1"]


def test_h10_data_of_a_device_that_was_not_born_asks_for_a_rebirth() -> None:
    edge = running()
    outcome = edge.data(device="lathe")
    assert outcome.changes == []
    assert requested(outcome) == ["spBv1.0/works/NCMD/cell-1"]


def test_h10_an_unknown_alias_asks_for_a_rebirth_and_the_other_values_count() -> None:
    edge = running()
    outcome = edge.data(speed(2), speed(9, alias=99))
    assert values(outcome) == [("speed", 2.0)]
    assert [error.problem for error in outcome.rejections] == [
        "metric of alias 99 is not in the birth of works/cell-1/mill"
    ]
    assert requested(outcome) == ["spBv1.0/works/NCMD/cell-1"]


def test_h10_a_node_is_asked_at_most_once_in_ten_seconds_and_less_often_while_that_does_not_help() -> None:
    edge = Edge(Host())
    asked = []
    for second in range(100):
        edge.now = START + second * NS_PER_S
        if edge.data(seq=second % 256).requests:
            asked.append(second)
    assert asked == [0, 10, 30, 70]


def test_h10_a_need_within_ten_seconds_is_answered_when_they_are_over() -> None:
    edge = running()
    assert edge.data(speed(1, alias=99)).requests
    edge.now += NS_PER_S
    edge.birth(0)
    edge.device_birth()
    assert edge.data(speed(1, alias=99)).requests == []
    due = edge.host.due
    assert due == START + 10 * NS_PER_S
    assert requested(edge.host.tick(due)) == ["spBv1.0/works/NCMD/cell-1"]


def test_h10_a_rebirth_in_the_meantime_is_all_that_was_wanted() -> None:
    edge = running()
    edge.seq += 3
    edge.data()
    edge.birth(0)
    edge.device_birth()
    assert edge.host.due is None


def test_a_rebirth_is_no_new_beginning_and_a_device_that_is_not_part_of_it_is_offline() -> None:
    edge = running()
    edge.device_birth(device="lathe")
    edge.now += NS_PER_S
    reborn_at = edge.now
    births = [edge.birth(0).changes[0], edge.device_birth().changes[0]]
    assert [isinstance(each, Birth) and each.was_online for each in births] == [True, True]
    due = edge.host.due
    assert due is not None
    assert edge.host.tick(due).changes == [Death(edge.device("lathe"), reborn_at)]


def test_after_an_absence_of_the_host_all_nodes_are_asked_and_those_that_stay_silent_are_offline() -> None:
    host = Host()
    here, gone = Edge(host), Edge(host, Key("works", "cell-2"))
    for edge in (here, gone):
        edge.birth()
    later = START + 100 * NS_PER_S
    assert sorted(requested(host.reconnected(later))) == ["spBv1.0/works/NCMD/cell-1", "spBv1.0/works/NCMD/cell-2"]
    here.now = later + NS_PER_S
    here.birth()
    due = host.due
    assert due is not None
    assert host.tick(due).changes == [Death(gone.node, due)]


def test_what_is_retained_is_rejected() -> None:
    host = Host()
    with pytest.raises(ContractError, match="a retained NBIRTH"):
        host.receive(Message("spBv1.0/works/NBIRTH/cell-1", b"", retained=True))


def test_an_alias_that_stands_for_two_metrics_stands_for_none() -> None:
    edge = Edge(Host())
    edge.birth()
    born = edge.device_birth(speed(1, name="a"), speed(2, name="b"))
    assert [error.problem for error in born.rejections] == ["alias 3 stands for 'b' and 'a'"]
    outcome = edge.data(speed(9))
    assert values(outcome) == []
    assert outcome.requests == []


def test_data_sets_are_noted_in_the_birth_alone() -> None:
    edge = Edge(Host())
    edge.birth()
    table = Metric(name="table", alias=4, datatype=Datatype.DATA_SET, raw=speed(1).raw)
    born = edge.device_birth(table, speed(1, name="speed"))
    assert values(born) == [("speed", 1.0)]
    assert [error.problem for error in born.rejections] == ["metric 'table': values of DataSet are not read"]
    assert edge.data(Metric(alias=4, raw=speed(1).raw), speed(2)).rejections == []


@pytest.mark.parametrize(
    "topic",
    ["spBv1.0", "spBv1.0/works/NBIRTH", "spBv1.0/works/NBIRTH/", "spBv1.0/works/DDATA/cell-1", "spAv1.0/a/b/c", "x"],
)
def test_a_topic_of_another_form_is_rejected(topic: str) -> None:
    with pytest.raises(ContractError, match="is not of Sparkplug B"):
        Host().receive(Message(topic, b""))


def test_commands_of_other_hosts_mean_nothing() -> None:
    assert Host().receive(Message("spBv1.0/works/NCMD/cell-1", b"\xff")) == Outcome()


def test_nodes_without_end_are_rejected_from_some_number_on() -> None:
    host = Host()
    for number in range(MOST_NODES):
        host.receive(
            Message(f"spBv1.0/works/NDEATH/{number}", encode(Payload(metrics=(metric("bdSeq", 0, Datatype.INT64),))))
        )
    with pytest.raises(ContractError, match="5,000 edge nodes already"):
        host.receive(Message("spBv1.0/works/NDATA/one-more", b""))
