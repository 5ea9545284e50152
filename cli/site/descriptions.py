"""Pages written from descriptions that programs read: the HTTP API's OpenAPI document, the contract's AsyncAPI one."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

_TYPES: Final = {"integer": "integer", "number": "number", "string": "text", "boolean": "true or false", "null": "null"}


def of_http(document: Mapping[str, Any]) -> str:
    """Return the page of an OpenAPI document: each address with its parameters and answers, then the schemas."""
    lines = [
        "# The HTTP API, address by address",
        "",
        document["info"]["description"],
        "Made from [openapi.json](openapi.json), which a wall answers with at `/api/v1/openapi.json`.",
        "What the answers mean is on the page [HTTP API](http.md).",
        "",
        "## Addresses",
        "",
    ]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            lines += [f"### `{method.upper()} {path}`", "", operation.get("summary", ""), ""]
            lines += _table(("parameter", "takes", "meaning"), map(_parameter, operation.get("parameters", [])))
            answer = operation["responses"].get("200", {}).get("content", {})
            lines += [f"Answers with {_type(body.get('schema', {}))} (`{media}`)." for media, body in answer.items()]
            lines.append("")
    return "\n".join([*lines, "## Schemas", "", *_schemas(document["components"]["schemas"])])


def of_messages(document: Mapping[str, Any]) -> str:
    """Return the page of an AsyncAPI document: each channel with who sends on it and its message, then the schemas."""
    messages: Mapping[str, Any] = document["components"]["messages"]
    actions: dict[str, list[str]] = {}
    for operation in document["operations"].values():
        actions.setdefault(operation["channel"]["$ref"].rpartition("/")[2], []).append(operation["action"])
    lines = [
        "# Messages, channel by channel",
        "",
        document["info"]["description"],
        "Made from [asyncapi.json](asyncapi.json), which `./corridor contract --asyncapi` prints.",
        "What the messages mean is on the page [contract](contract.md);",
        "`send` is what a device publishes, `receive` what it or a program beside it subscribes to.",
        "",
        "## Channels",
        "",
    ]
    rows = [
        (
            channel["title"],
            f"`{channel['address']}`",
            " and ".join(actions.get(name, [])),
            ", ".join(_type(messages[message]["payload"]) for message in channel["messages"]),
        )
        for name, channel in document["channels"].items()
    ]
    lines += _table(("carries", "topic", "action", "payload"), iter(rows))
    return "\n".join([*lines, "## Schemas", "", *_schemas(document["components"]["schemas"])])


def _schemas(schemas: Mapping[str, Any]) -> Iterator[str]:
    """Write a heading for each schema, and a row for each of its members."""
    for name, schema in schemas.items():
        yield from (f"### {name}", "", schema.get("description", ""), "")
        required = set(schema.get("required", ()))
        if "properties" not in schema:
            yield from (f"{_type(schema)}.", "")
            continue
        rows = (
            (f"`{member}`", _type(inner), "yes" if member in required else "", inner.get("description", ""))
            for member, inner in schema["properties"].items()
        )
        yield from _table(("member", "is", "always there", "meaning"), rows)


def _parameter(parameter: Mapping[str, Any]) -> tuple[str, str, str]:
    schema = parameter.get("schema", {})
    left_out = schema.get("default")
    default = f" (default `{json.dumps(left_out)}`)" if left_out not in (None, "") else ""
    needed = " (required)" if parameter.get("required") else default
    return f"`{parameter['name']}`", _type(schema), f"{parameter.get('description', '')}{needed}"


def _type(schema: Mapping[str, Any]) -> str:
    """Return in a few words what a schema allows; a schema with a name is a link to it."""
    several = schema.get("oneOf") or schema.get("anyOf")
    kind = schema.get("type", "anything")
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        words = f"[{name}](#{name.lower()})"
    elif several:
        words = " or ".join(map(_type, several))
    elif "enum" in schema or "const" in schema:
        words = ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]) if value is not None)
    elif isinstance(kind, list):
        words = " or ".join(_type({**schema, "type": each}) for each in kind)
    elif kind == "array":
        words = f"list of {_type(schema.get('items', {}))}"
    elif kind == "object" and schema.get("additionalProperties"):
        words = f"object of {_type(schema['additionalProperties'])}"
    else:
        words = _TYPES.get(kind, kind)
    return words


def _table(heads: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> list[str]:
    """Return a Markdown table with an empty line after it; without rows there is none."""
    lines = [f"| {' | '.join(cell.replace('|', '&#124;').replace(chr(10), ' ') for cell in row)} |" for row in rows]
    return [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *lines, ""] if lines else []
