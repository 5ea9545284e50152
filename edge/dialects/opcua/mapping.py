"""Mapping files of OPC UA servers: what their nodes mean. `corridor map browse opc.tcp://…` writes a first one.

[server.mill-4]
url = "opc.tcp://192.168.0.20:4840"
asset = "works/hall/line-1/mill-4"    # left out: the server's name, at the gateway's place
every = "500ms"                       # how often the server publishes what changed
security = "none"                     # or "sign", "encrypt": Basic256Sha256, with a certificate that the gateway makes
user = ""                             # and password-file = "FILE", or password-env = "NAME" of the environment
profile = "machinetool-1.02"          # whose meaning of states it is, by its version

[[server.mill-4.value]]
node = "nsu=http://acme.example/mill;s=Spindle.Speed"   # or "ns=2;s=…"; a namespace's number may change
signal = "spindle-speed"              # or count = "good", meter = "electricity", state = { 0 = "idle", 1 = "running" },
scale = 1.0                           # or part = "item-state" or "operation-mode", which the profile reads
unit = "/min"
machine = ""                          # another path than the server's
"""

import tomllib
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from broker.contract import durations
from broker.contract.errors import ContractError, shown
from broker.contract.events import STATES
from broker.contract.names import is_name
from broker.contract.topics import LEVELS, check_asset
from edge.dialects.opcua.profiles import PROFILES

Counter = Literal["produced", "good", "scrap", "rework", "inspected", "first_pass", "planned_scrap", "startup_scrap"]
Part = Literal["item-state", "operation-mode"]
Security = Literal["none", "sign", "encrypt"]

_HINT: Final = "see the page of the dialect"
_IDENTIFIERS: Final = ("i=", "s=", "g=", "b=")


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """One node of a server; see the module."""

    node: str
    signal: str = ""
    count: Counter | Literal[""] = ""
    meter: str = ""
    state: Mapping[str, str] = {}
    part: Part | Literal[""] = ""
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    machine: str = ""


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """One server; see the module."""

    url: str
    value: tuple[Value, ...]
    asset: str = ""
    every: str = "500ms"
    security: Security = "none"
    user: str = ""
    password_file: str = ""
    password_env: str = ""
    profile: str = ""

    @property
    def every_s(self) -> float:
        """How often it publishes, seconds."""
        return durations.parse(self.every)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    server: dict[str, Server]


def parse(text: str) -> dict[str, Server]:
    """Return the servers of a mapping file by their names.

    Raises:
        ContractError: it is not one; the text says where.
    """
    try:
        servers = msgspec.convert(tomllib.loads(text), _File, strict=True).server
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ContractError(f"the mapping of OPC UA cannot be read: {error}", _HINT) from error
    for name, server in servers.items():
        if problem := _problem_of_server(server) or _problem_of_password(server):
            raise ContractError(f"server {shown(name)}: {problem}", _HINT)
        for place, value in enumerate(server.value, start=1):
            if problem := _problem(server, value):
                raise ContractError(f"server {shown(name)}, value {place}: {problem}", _HINT)
    return servers


def _problem_of_server(server: Server) -> str:
    if not server.url.startswith("opc.tcp://"):
        return f"url {shown(server.url)} does not begin with opc.tcp://"
    if server.profile and server.profile not in PROFILES:
        return f"there is no profile {shown(server.profile)}; there are {', '.join(PROFILES)}"
    if server.asset and (problem := _problem_of_machine(server.asset)):
        return problem
    try:
        return "" if 0 < server.every_s <= 3_600 else "every is not between 0 and 1h"
    except ValueError as error:
        return f"every: {error}"


def _problem_of_password(server: Server) -> str:
    if server.password_file and server.password_env:
        return "password-file and password-env are two places of one password; leave one"
    return "" if server.user or not (server.password_file or server.password_env) else "a password needs its user"


def _problem(server: Server, value: Value) -> str:
    roles: list[Any] = [value.signal, value.count, value.meter, value.state, value.part]
    if sum(map(bool, roles)) != 1:
        return "give it one of signal, count, meter, state and part"
    for name in (value.signal, value.meter):
        if name and not is_name(name):
            return f"{shown(name)} is not a name"
    if not value.node.rpartition(";")[2].startswith(_IDENTIFIERS) and not any(
        f";{start}" in value.node for start in _IDENTIFIERS
    ):
        return f'{shown(value.node)} is no node; write "nsu=URI;s=NAME" or "ns=2;i=1001"'
    if value.part and not server.profile:
        return f'a part needs the server\'s profile: profile = "{next(iter(PROFILES))}"'
    if value.machine and (problem := _problem_of_machine(value.machine)):
        return problem
    unknown = [word for word in value.state.values() if word not in STATES]
    return f"state {shown(unknown[0])} is none of {', '.join(STATES)}" if unknown else ""


def _problem_of_machine(path: str) -> str:
    try:
        levels = check_asset(path).count("/") + 1
    except ContractError as error:
        return error.problem
    return "" if levels == len(LEVELS) else f"{path} is no machine's path; write {'/'.join(LEVELS)}"
