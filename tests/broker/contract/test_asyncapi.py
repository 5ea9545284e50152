"""The AsyncAPI document against the table of kinds, and by AsyncAPI's own parser from npm."""

import copy
import json
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from broker.contract.documents import asyncapi
from broker.contract.kinds import TABLE
from broker.contract.topics import KINDS, MAYBE_NAMED, NAMED, is_kpi, is_our_own, parse, parse_kpi
from tests.edge import peers

PARSER: Final = Path(__file__).parent / "asyncapi_parser"
DOCUMENT: Final = asyncapi.document()
VALUES: Final = {"window": "shift"}


def addresses(document: dict[str, Any]) -> list[str]:
    return [channel["address"] for channel in document["channels"].values()]


def topic(address: str) -> str:
    """Return a topic of a channel, with a name for each level that varies."""
    return re.sub(r"\{(\w+)\}", lambda found: VALUES.get(found[1], "a-1"), address)


def parsed(*documents: dict[str, Any]) -> list[Any]:
    peers.require(PARSER, "@asyncapi/parser")
    done = subprocess.run(
        ["node", str(PARSER / "parse.mjs")],
        input=json.dumps(documents),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return list(json.loads(done.stdout))


def problems(one: dict[str, Any]) -> list[Any]:
    """Return what the parser reports, without its advice on each version of AsyncAPI that is not the newest."""
    return [problem for problem in one["problems"] if problem["code"] != "asyncapi-latest-version"]


@pytest.mark.slow
def test_the_official_parser_understands_the_document_and_finds_faults_in_one_that_is_wrong() -> None:
    wrong_example, wrong_reference = copy.deepcopy(DOCUMENT), copy.deepcopy(DOCUMENT)
    wrong_example["components"]["messages"]["count"]["examples"][0]["payload"] = {"simulated": True}
    wrong_reference["operations"]["send-state"]["channel"] = {"$ref": "#/channels/none"}

    right, no_counter, astray = parsed(DOCUMENT, wrong_example, wrong_reference)

    assert problems(right) == problems(no_counter) == []
    assert right["unfit"] == []
    assert no_counter["unfit"] == ["count"]
    assert problems(astray)
    assert {message for one in right["operations"] for message in one["messages"]} == {*KINDS, "rejected"}
    assert {address for one in right["operations"] for address in one["addresses"]} == set(addresses(DOCUMENT))


def test_every_channel_is_a_topic_of_the_contract_and_every_form_of_topic_is_a_channel() -> None:
    forms = set()
    for channel in DOCUMENT["channels"].values():
        made = topic(channel["address"])
        (message,) = channel["messages"]
        if is_our_own(made):
            assert message == ("kpi" if is_kpi(made) else "rejected")
            forms.add((message, parse_kpi(made).asset.count("/") if message == "kpi" else 0))
        else:
            assert parse(made).kind == message
            forms.add((message, bool(parse(made).name)))
        assert set(channel.get("parameters", {})) == set(re.findall(r"\{(\w+)\}", channel["address"]))
    machines = KINDS - {"kpi"}
    assert forms == {
        *((kind, False) for kind in machines - NAMED),
        *((kind, True) for kind in NAMED | MAYBE_NAMED if kind != "kpi"),
        *(("kpi", above) for above in range(4)),
        ("rejected", 0),
    }


def test_what_a_device_publishes_is_sent_as_the_contract_has_it() -> None:
    sent = {name: operation for name, operation in DOCUMENT["operations"].items() if operation["action"] == "send"}
    assert {name.removeprefix("send-").removesuffix("-named") for name in sent} == KINDS - {"kpi"}
    for name, operation in sent.items():
        kind: Any = name.removeprefix("send-").removesuffix("-named")
        assert operation["bindings"]["mqtt"]["retain"] == TABLE[kind].is_retained
    received = {name for name, operation in DOCUMENT["operations"].items() if operation["action"] == "receive"}
    assert {"receive-cmd", "receive-rejected", "receive-kpi-machine"} <= received


def test_schemas_are_those_of_json_schema_and_stand_by_themselves() -> None:
    text = msgspec.json.encode(DOCUMENT).decode()
    schemas = DOCUMENT["components"]["schemas"]
    references = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert references
    assert references <= set(schemas)
    # Draft-07 ignores what stands beside a reference.
    assert not [node for node in nodes(DOCUMENT["components"]["messages"]) if "$ref" in node and len(node) > 1]
    assert {"prefixItems", "$defs"}.isdisjoint(key for node in nodes(schemas) for key in node)


def test_the_prefix_of_another_plant_is_in_every_address() -> None:
    assert all(address.startswith("plant/x/") for address in addresses(asyncapi.document("plant/x")))


def nodes(node: object) -> list[dict[str, Any]]:
    if isinstance(node, dict):
        return [node, *(found for child in node.values() for found in nodes(child))]
    return [found for child in node for found in nodes(child)] if isinstance(node, list) else []
