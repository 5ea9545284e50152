import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.contract import topics
from broker.contract.errors import ContractError
from broker.contract.names import NAME_PATTERN
from broker.contract.topics import KINDS, NAMED, KpiTopic, Topic

MILL = "sheffield/machining/line-1/mill-1"


@pytest.mark.parametrize(
    ("rest", "topic"),
    [
        ("state", Topic(MILL, "state")),
        ("telemetry", Topic(MILL, "telemetry")),
        ("telemetry/spindle-speed", Topic(MILL, "telemetry", "spindle-speed")),
        ("meter/electricity", Topic(MILL, "meter", "electricity")),
        ("kpi/shift", Topic(MILL, "kpi", "shift")),
    ],
)
def test_a_machines_topic_is_read_and_written(rest: str, topic: Topic) -> None:
    text = f"corridor/v1/{MILL}/{rest}"
    assert topics.parse(text) == topic
    assert topics.build(topic.asset, topic.kind, topic.name) == text


@pytest.mark.parametrize(
    ("topic", "says"),
    [
        ("", "does not begin with corridor/v1/"),
        ("corridor/v1", "does not begin"),
        ("corridor/v10/a/b/c/d/state", "does not begin"),
        ("/corridor/v1/a/b/c/d/state", "does not begin"),
        ("corridor/v1/", "1 levels"),
        ("corridor/v1/a/b/c/state", "4 levels"),
        ("corridor/v1/a/b/c/d/telemetry/x/y", "7 levels"),
        ("corridor/v1/a/b/c/d/e/f/g/h/i/j", "10 levels"),
        ("corridor/v1/a/b//d/state", "line '' is not a name"),
        ("corridor/v1/Sheffield/b/c/d/state", "site 'Sheffield' is not a name"),
        ("corridor/v1/a/b/c/-d/state", "machine '-d' is not a name"),
        ("corridor/v1/a/b/c/" + "d" * 33 + "/state", "is not a name"),
        ("corridor/v1/a/b/c/d\n/state", "is not a name"),
        ("corridor/v1/a/b/c/d/state\n", "unknown kind"),
        ("corridor/v1/a/b/c/ä/state", "is not a name"),
        ("corridor/v1/a/b/c/+/state", "is not a name"),
        ("corridor/v1/a/b/c/d/State", "unknown kind 'State'; use one of adjust, cmd, count, event"),
        ("corridor/v1/a/b/c/telemetry/temp", "unknown kind 'temp'; put telemetry after four levels"),
        ("corridor/v1/a/b/c/d/state/x", "kind state takes no name"),
        ("corridor/v1/a/b/c/d/meter", "kind meter needs a name"),
        ("corridor/v1/a/b/c/d/telemetry/Temp", "name 'Temp' is not a name"),
        ("corridor/v1/a/b/c/d/telemetry/", "not a name"),
    ],
)
def test_a_topic_that_is_not_of_the_contract_is_rejected_with_the_level(topic: str, says: str) -> None:
    with pytest.raises(ContractError) as caught:
        topics.parse(topic)
    assert says in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("asset", ["sheffield", "sheffield/machining", "sheffield/machining/line-1", MILL])
def test_indicators_stand_at_every_asset_path(asset: str) -> None:
    topic = topics.build(asset, "kpi", "shift")
    assert topics.is_kpi(topic)
    assert topics.parse_kpi(topic) == KpiTopic(asset, "shift")


@pytest.mark.parametrize(
    "topic",
    [
        "corridor/v1/kpi/shift",
        "corridor/v1/a/kpi",
        "corridor/v1/a/b/c/d/e/kpi/shift",
        "corridor/v1/A/kpi/shift",
        "corridor/v1/a/kpi/Shift",
        "other/a/kpi/shift",
        "corridor/v1/a/b/c/kpi/state",  # the state of a machine that is called kpi
    ],
)
def test_what_is_not_a_topic_of_indicators_is_rejected(topic: str) -> None:
    with pytest.raises(ContractError):
        topics.parse_kpi(topic)


def test_a_machine_may_be_called_kpi() -> None:
    assert topics.parse("corridor/v1/a/b/c/kpi/state") == Topic("a/b/c/kpi", "state")


@pytest.mark.parametrize(
    ("asset", "kind", "name"),
    [
        ("sheffield", "state", ""),
        ("a/b/c/d/e", "state", ""),
        ("a/b/c/D", "state", ""),
        ("", "kpi", "shift"),
        (MILL, "state", "x"),
        (MILL, "meter", ""),
        (MILL, "telemetry", "X"),
    ],
)
def test_no_topic_is_written_that_cannot_be_read(asset: str, kind: topics.Kind, name: str) -> None:
    with pytest.raises(ContractError):
        topics.build(asset, kind, name)


names = st.from_regex(NAME_PATTERN, fullmatch=True)


@given(st.tuples(names, names, names, names).map("/".join), st.sampled_from(sorted(KINDS)), names)
def test_what_is_written_can_be_read(asset: str, kind: topics.Kind, name: str) -> None:
    name = name if kind in NAMED or kind == "telemetry" else ""
    assert topics.parse(topics.build(asset, kind, name)) == Topic(asset, kind, name)


@given(st.text())
def test_any_text_is_parsed_or_rejected(text: str) -> None:
    for topic in (text, f"corridor/v1/{text}", f"corridor/v1/{text}/kpi/shift", f"corridor/v1/a/b/c/d/{text}"):
        for read in (topics.parse, topics.parse_kpi):
            try:
                read(topic)
            except ContractError:
                continue
