import json
import re

import msgspec
import pytest

from broker.contract import codec, payloads
from broker.contract.documents import schema
from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_S, STATES
from broker.contract.message import Message
from broker.contract.topics import KINDS, RETAINED, Kind, is_kpi

NOW = 1_795_507_200 * NS_PER_S
kinds = pytest.mark.parametrize("kind", sorted(KINDS))


@kinds
def test_a_schema_stands_by_itself(kind: Kind) -> None:
    made = schema.schema(kind)
    text = json.dumps(made, allow_nan=False)
    for reference in re.findall(r'"\$ref": "#/\$defs/(\w+)"', text):
        assert reference in made["$defs"]
    assert made["$id"] == f"urn:corridor:v1:{kind}"
    assert made["description"]
    assert made["x-topics"]["retained"] == (kind in RETAINED)


@kinds
def test_the_examples_of_a_schema_are_accepted_on_the_topics_that_it_names(kind: Kind) -> None:
    made = schema.schema(kind)
    assert len(made["examples"]) == len(made["x-topics"]["examples"]) > 0
    for topic, example in zip(made["x-topics"]["examples"], made["examples"], strict=True):
        came = Message(topic=topic, payload=msgspec.json.encode(example), received_at=NOW)
        assert codec.decode(came) or (is_kpi(topic) and codec.decode_kpi(came))


@kinds
def test_every_field_is_in_the_schema(kind: Kind) -> None:
    defined = next(iter(schema.schema(kind)["$defs"].values()))
    payload = getattr(payloads, defined["title"])
    assert set(defined["properties"]) == set(payload.__struct_fields__)


def test_the_document_holds_every_kind_and_is_json() -> None:
    made = schema.document("plant/x")
    assert json.loads(json.dumps(made)) == made
    assert made["kinds"].keys() == KINDS
    assert made["kinds"]["meter"]["x-topics"]["topic"] == "plant/x/<site>/<area>/<line>/<machine>/meter/<name>"


def test_schema_and_reader_agree_on_names() -> None:
    pattern = re.compile(
        schema.schema("job")["$defs"]["JobPayload"]["properties"]["order"]["pattern"].removesuffix("$") + r"\Z"
    )
    for code in (*range(0x3000), *range(0xD7FF, 0xD800), *range(0xE000, 0x10000), 0x1F6E0, 0xE0067):
        payload = msgspec.json.encode({"phase": "start", "order": f"a{chr(code)}"})
        came = Message(topic="corridor/v1/a/b/c/d/job", payload=payload, received_at=NOW)
        try:
            taken = bool(codec.decode(came))
        except ContractError:
            taken = False
        assert taken == bool(pattern.search(f"a{chr(code)}")), hex(code)


@kinds
def test_every_quantity_has_its_limits_in_the_schema(kind: Kind) -> None:
    def numbers(node: object) -> list[dict[str, object]]:
        if isinstance(node, dict):
            found = [node] if node.get("type") == "number" else []
            return found + [each for child in node.values() for each in numbers(child)]
        return [each for child in node for each in numbers(child)] if isinstance(node, list) else []

    made = schema.schema(kind)
    properties = made["$defs"][next(iter(made["$defs"]))]["properties"]
    times = [properties.pop(name) for name in ("ts", "booked") if name in properties]
    assert all(map(numbers, times))
    if kind != "kpi":  # it is not a device's
        assert all({"minimum", "maximum"} <= number.keys() for number in numbers(made["$defs"]))
        assert all({"minimum", "maximum"} <= number.keys() for number in numbers(made.get("anyOf", [])))


def test_states_and_names_are_those_of_the_contract() -> None:
    state = schema.schema("state")["$defs"]["StatePayload"]["properties"]
    assert sorted(state["state"]["enum"]) == sorted(STATES)
    assert state["reason"]["anyOf"][0]["pattern"] == schema.document()["name_pattern"]
