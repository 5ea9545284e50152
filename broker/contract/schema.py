"""The contract as JSON Schema: one schema a kind, made from the wire types, and how its topics look.

`document` is the whole contract in one JSON document; `schema` is one kind, with its `$id`, its examples and, under
`x-topics`, where its messages are published and how.
"""

import json
from typing import Any, Final

import msgspec

from broker.contract.payloads import EXAMPLES, PAYLOADS
from broker.contract.topics import KINDS, LEVELS, NAME_PATTERN, NAMED, PREFIX, RETAINED, Kind

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_EXAMPLE_ASSET: Final = "sheffield/machining/line-1/mill-1"
_WHAT_IS_NAMED: Final[dict[str, str]] = {
    "telemetry": "signal",
    "quality": "characteristic",
    "kpi": "window",
}


def document(prefix: str = PREFIX) -> dict[str, Any]:
    """Return the whole contract: the schema of every kind, in the order in which the contract tells them."""
    return {
        "title": f"What machines publish under {prefix}/",
        "name_pattern": NAME_PATTERN,
        "kinds": {kind: schema(kind, prefix) for kind in PAYLOADS},
    }


def schema(kind: Kind, prefix: str = PREFIX) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a kind's payload.

    A payload that is one word may also come bare (`offline` for `"offline"`), which JSON Schema cannot say.
    """
    wire = msgspec.json.schema(PAYLOADS[kind])
    described = next(iter(wire["$defs"].values()))
    return {
        "$schema": DIALECT,
        "$id": f"urn:{prefix.replace('/', ':')}:{kind}",
        "title": kind,
        "description": described["description"],
        "examples": [json.loads(payload) for payload in EXAMPLES[kind].values()],
        "x-topics": topics(kind, prefix),
        **wire,
    }


def topics(kind: Kind, prefix: str = PREFIX) -> dict[str, Any]:
    """Return how the topics of a kind look, and how messages are published there."""
    assert kind in KINDS
    named = _WHAT_IS_NAMED.get(kind, "name")
    asset = "<asset path>" if kind == "kpi" else "/".join(f"<{level}>" for level in LEVELS)
    tail = f"/<{named}>" if kind in NAMED else f"[/<{named}>]" if kind == "telemetry" else ""
    return {
        "topic": f"{prefix}/{asset}/{kind}{tail}",
        "examples": [f"{prefix}/{_EXAMPLE_ASSET}/{end}" for end in EXAMPLES[kind]],
        "qos": 1,
        "retained": kind in RETAINED,
    }
