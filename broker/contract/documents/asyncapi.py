"""The contract as an AsyncAPI 3.0 document: channels, messages, operations, servers, derived from the table of kinds.

It is written from the view of a device or of a program beside it: `send` is what these publish, `receive` what they
subscribe to. A command is both: who commands sends it, and the machine receives it. Payloads are those of `schema`, as
components, without keywords of JSON Schema 2020-12 that draft-07, on which AsyncAPI's own schemas stand, has not.
"""

import json
from typing import Any, Final, NamedTuple

import msgspec

from broker.contract.entry import Entry
from broker.contract.kinds import TABLE
from broker.contract.names import NAME_PATTERN
from broker.contract.payloads import RejectedPayload
from broker.contract.topics import LEVELS, PREFIX, REJECTED, WINDOWS

VERSION: Final = "3.0.0"
_BINDING: Final = "0.2.0"
_NAME: Final = f"A name: {NAME_PATTERN}"
_EXAMPLES: Final = dict(zip(LEVELS, ("sheffield", "machining", "line-1", "mill-1"), strict=True))
_SERVERS: Final[dict[str, Any]] = {
    "demo": {
        "host": "localhost:1883",
        "protocol": "mqtt",
        "protocolVersion": "3.1.1",
        "description": "The broker of `corridor demo`: on its own computer without a password.",
    },
    "stack": {
        "host": "{host}:8883",
        "protocol": "mqtts",
        "protocolVersion": "3.1.1",
        "description": "The broker of the stack, by TLS: a user for each device, which is its asset path.",
        "variables": {"host": {"description": "The computer that runs the stack.", "default": "localhost"}},
        "security": [{"$ref": "#/components/securitySchemes/device"}],
    },
}


class _Channel(NamedTuple):
    """A channel: the levels of its address that vary, in braces, and the message that is published there."""

    address: str
    message: str
    title: str


def document(prefix: str = PREFIX) -> dict[str, Any]:
    """Return the contract as an AsyncAPI 3.0 document, which is JSON."""
    channels = _channels(prefix)
    wires = [entry.wire for entry in TABLE.values()]
    payloads, schemas = msgspec.json.schema_components(
        [*wires, RejectedPayload], ref_template="#/components/schemas/{name}"
    )
    kinds = zip(TABLE.values(), payloads, strict=False)
    return {
        "asyncapi": VERSION,
        "info": {
            "title": f"What machines publish under {prefix}/",
            "version": prefix.rpartition("/")[2],
            "description": "One contract between machines and services. Fields are added, never changed.",
        },
        "defaultContentType": "application/json",
        "servers": _SERVERS,
        "channels": {name: _channel(channel) for name, channel in channels.items()},
        "operations": {
            f"{action}-{name}": _operation(action, name, channel.message)
            for name, channel in channels.items()
            for action in _actions(channel.message)
        },
        "components": {
            "messages": {
                **{entry.kind: _message(entry, payload) for entry, payload in kinds},
                "rejected": {"title": "a message that was rejected, and why", "payload": payloads[-1]},
            },
            "schemas": schemas,
            "securitySchemes": {
                "device": {"type": "userPassword", "description": "The user is the device's asset path."}
            },
        },
    }


def _channels(prefix: str) -> dict[str, _Channel]:
    """Return the channels by their names; a name at the end that may be left out makes two of one kind."""
    machine = "/".join(f"{{{level}}}" for level in LEVELS)
    made: dict[str, _Channel] = {}
    for kind, entry in TABLE.items():
        if kind == "kpi":  # of every asset path, from a site's to a machine's
            for depth, level in enumerate(LEVELS, start=1):
                asset = "/".join(f"{{{above}}}" for above in LEVELS[:depth])
                made[f"kpi-{level}"] = _Channel(f"{prefix}/{asset}/kpi/{{window}}", kind, f"indicators of a {level}")
            continue
        address = f"{prefix}/{machine}/{kind}"
        if entry.topic != "named":
            made[kind] = _Channel(address, kind, entry.label)
        if entry.topic != "not named":
            name = kind if entry.topic == "named" else f"{kind}-named"
            made[name] = _Channel(f"{address}/{{{entry.name}}}", kind, f"{entry.label}, one by its {entry.name}")
    return made | {"rejected": _Channel(f"{prefix}/{REJECTED}", "rejected", "messages that were rejected")}


def _channel(channel: _Channel) -> dict[str, Any]:
    varying = [level[1:-1] for level in channel.address.split("/") if level.startswith("{")]
    made: dict[str, Any] = {
        "address": channel.address,
        "title": channel.title,
        "messages": {channel.message: {"$ref": f"#/components/messages/{channel.message}"}},
    }
    return made | {"parameters": {name: _parameter(name) for name in varying}} if varying else made


def _parameter(name: str) -> dict[str, Any]:
    if name == "window":
        return {"description": "Running, or the last one that is over.", "enum": list(WINDOWS)}
    return {"description": _NAME, **({"examples": [_EXAMPLES[name]]} if name in _EXAMPLES else {})}


def _actions(message: str) -> tuple[str, ...]:
    """Return what devices, and programs beside them, do on the channels of a message."""
    if message == "cmd":
        return ("send", "receive")
    return ("receive",) if message in {"kpi", "rejected"} else ("send",)


def _operation(action: str, channel: str, message: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"}],
        "bindings": {"mqtt": {"qos": 1, "bindingVersion": _BINDING}},
    }
    if action == "send":
        made["bindings"]["mqtt"]["retain"] = TABLE[message].is_retained  # type: ignore[index]  # it is a kind
    if message == "cmd":
        made["summary"] = {"send": "Whoever commands a machine.", "receive": "The machine."}[action]
        made["reply"] = {
            "channel": {"$ref": "#/channels/reply"},
            "messages": [{"$ref": "#/channels/reply/messages/reply"}],
        }
    return made


def _message(entry: Entry, payload: dict[str, Any]) -> dict[str, Any]:
    own = payload if "$ref" not in payload or len(payload) == 1 else _beside(payload)
    return {
        "title": entry.label,
        "payload": own,
        "examples": [{"name": end, "payload": json.loads(example)} for end, example in entry.examples.items()],
    }


def _beside(payload: dict[str, Any]) -> dict[str, Any]:
    """Return a schema whose `$ref` holds together with what stands beside it, which draft-07 would ignore."""
    rest = {key: value for key, value in payload.items() if key != "$ref"}
    return {"allOf": [{"$ref": payload["$ref"]}, rest]}
