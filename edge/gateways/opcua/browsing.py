"""Browsing an OPC UA server: a first mapping file of its variables, to be corrected by a person.

Each variable below Objects that has one value of a number, truth value or text is a signal, by the last levels of its
path; `MachineryItemState` and `MachineryOperationMode` are parts of a profile. What is a counter or a meter the server
does not say: such names are marked by a comment.
"""

import re
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from asyncua import Client, Node, ua
from asyncua.ua.uaerrors import UaError

from broker.contract.errors import ContractError
from edge.dialects.naming import Names, slug
from edge.dialects.opcua.mapping import Server
from edge.dialects.toml_text import comment, quoted
from edge.gateways.opcua.connection import OpcUaError, client_of, own_certificate, text_of, without_user
from edge.gateways.opcua.problems import cause_of

_MOST: Final = 5_000
_DEEPEST: Final = 12
_PARTS: Final = {"MachineryItemState": "item-state", "MachineryOperationMode": "operation-mode"}
_COUNTER: Final = re.compile(r"count|parts|pieces|good|scrap|produced|total", re.IGNORECASE)
_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_PROPERTY_TYPE: Final = ua.NodeId.from_string("i=68")
_CURRENT: Final = "CurrentState"


class Variable(NamedTuple):
    """A variable of a server: the names that lead to it, and its node as a mapping file has it."""

    path: tuple[str, ...]
    node: str


async def browse(url: str, folder: Path) -> str:
    """Return the mapping file of a server.

    Raises:
        OpcUaError: it cannot be reached, or has no variable.
    """
    shown, user = without_user(url)
    server = Server(url=url, value=(), user=user)
    try:
        client = await client_of("browsed", Server(url=url, value=()), folder)
        async with client:
            namespaces = await client.get_namespace_array()
            found = [one async for one in _variables(client, namespaces)]
    except (OSError, UaError) as error:
        raise OpcUaError(f"{shown}: {cause_of(error, server, own_certificate(folder))}") from error
    if not found:
        raise OpcUaError(f"{shown} has no variable below Objects")
    return written(url, found)


async def _variables(client: Client, namespaces: list[str]) -> AsyncIterator[Variable]:
    """Yield the variables below Objects, those of the server itself left out, each once."""
    server = client.nodes.server.nodeid
    level: list[tuple[tuple[str, ...], Node]] = [((), client.nodes.objects)]
    seen = {server}
    count = 0
    for _ in range(_DEEPEST):
        below: list[tuple[tuple[str, ...], Node]] = []
        for path, node in level:
            for reference in await node.get_references(ua.ObjectIds.HierarchicalReferences, ua.BrowseDirection.Forward):
                if reference.NodeId in seen:
                    continue
                seen.add(reference.NodeId)
                if reference.NodeClass not in {ua.NodeClass.Object, ua.NodeClass.Variable}:
                    continue
                inner = (*path, str(reference.BrowseName.Name))
                if reference.NodeClass == ua.NodeClass.Variable and _is_read(inner, reference):
                    yield Variable(inner, text_of(reference.NodeId, namespaces))
                    count += 1
                    if count == _MOST:
                        return
                below.append((inner, client.get_node(reference.NodeId)))
        level = below


def _is_read(path: tuple[str, ...], reference: ua.ReferenceDescription) -> bool:
    """Return whether a variable is one of the machine, not a property that describes a node."""
    return reference.TypeDefinition != _PROPERTY_TYPE and not any(slug(name) == "" for name in path)


def written(url: str, found: list[Variable]) -> str:
    """Return the mapping file of a server's variables."""
    has_parts = any(_part(one) for one in found)
    address, user = without_user(url)
    lines = ["[server.server-1]", f"url = {quoted(address)}", 'every = "500ms"']
    if user:
        lines += [f"user = {quoted(user)}", 'password-env = "OPCUA_PASSWORD"  # or password-file = "FILE"']
    if has_parts:
        lines.append('profile = "machinetool-1.02"  # by machinetool-1.01 a machine that does not execute is down')
    names = Names()
    for one in found:
        lines += ["", comment("/".join(one.path)), "[[server.server-1.value]]", f"node = {quoted(one.node)}"]
        part = _part(one)
        if part:
            lines.append(f'part = "{part}"')
            continue
        guess = '  # count = "produced", or meter = "electricity"?' if _COUNTER.search(one.path[-1]) else ""
        lines.append(f"signal = {quoted(_signal(names, one.path))}{guess}")
    return "\n".join([*lines, ""])


def _part(one: Variable) -> str:
    """Return the part of a profile that a variable is; '' of any other."""
    return _PARTS.get(one.path[-2], "") if one.path[-1] == _CURRENT and len(one.path) > 1 else ""


def _signal(names: Names, path: tuple[str, ...]) -> str:
    """Return a signal's name by the last levels of its path: as many as make it its own."""
    words = [_WORD.sub(" ", level) for level in path]
    for levels in range(1, len(words) + 1):
        with suppress(ContractError):
            return names.name(" ".join(words[-levels:]), whole="/".join(path))
    return names.name(f"{'/'.join(path)}/".ljust(64))  # so long that a digest of the path makes it its own
