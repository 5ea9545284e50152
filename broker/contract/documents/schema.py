"""The contract as JSON Schema: one schema a kind, derived from the wire types, and the form of its topics.

`document` is the whole contract in one JSON document; `schema` is one kind, with its `$id`, its examples and, under
`x-topics`, where its messages are published and how.
"""

import json
from typing import Any, Final

import msgspec

from broker.contract.kinds import TABLE
from broker.contract.names import NAME_PATTERN
from broker.contract.topics import LEVELS, PREFIX, Kind

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_EXAMPLE_ASSET: Final = "sheffield/machining/line-1/mill-1"


def document(prefix: str = PREFIX) -> dict[str, Any]:
    """Return the whole contract: the schema of every kind, in the order of the contract."""
    return {
        "title": f"What machines publish under {prefix}/",
        "name_pattern": NAME_PATTERN,
        "kinds": {kind: schema(kind, prefix) for kind in TABLE},
    }


def schema(kind: Kind, prefix: str = PREFIX) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a kind's payload.

    A payload that is one word may also come bare (`offline` for `"offline"`), which JSON Schema cannot express.
    """
    wire = msgspec.json.schema(TABLE[kind].wire)
    described = next(iter(wire["$defs"].values()))
    return {
        "$schema": DIALECT,
        "$id": f"urn:{prefix.replace('/', ':')}:{kind}",
        "title": kind,
        "description": described["description"],
        "examples": [json.loads(payload) for payload in TABLE[kind].examples.values()],
        "x-topics": topics(kind, prefix),
        **wire,
    }


def topics(kind: Kind, prefix: str = PREFIX) -> dict[str, Any]:
    """Return the form of the topics of a kind, and how messages are published there."""
    entry = TABLE[kind]
    asset = "<asset path>" if kind == "kpi" else "/".join(f"<{level}>" for level in LEVELS)
    tail = {"named": f"/<{entry.name}>", "maybe named": f"[/<{entry.name}>]", "not named": ""}[entry.topic]
    return {
        "topic": f"{prefix}/{asset}/{kind}{tail}",
        "examples": [f"{prefix}/{_EXAMPLE_ASSET}/{end}" for end in entry.examples],
        "qos": 1,
        "retained": entry.is_retained,
    }
