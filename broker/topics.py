"""The topic grammar: `corridor/v1/<site>/<area>/<line>/<machine>/<kind>[/<name>]`.

The four levels are ISA-95's equipment hierarchy. An *asset path* is those levels joined by `/`, whole (a machine) or
cut short (a line, an area, a site). Only machines publish; indicators (`kpi`) are published for every asset path.
"""

import re
from typing import Final, Literal, get_args

import msgspec

from broker.errors import ContractError

PREFIX: Final = "corridor/v1"
REJECTED: Final = "$rejected"

Kind = Literal[
    "telemetry",
    "state",
    "count",
    "job",
    "meter",
    "quality",
    "labour",
    "material",
    "event",
    "status",
    "cmd",
    "reply",
    "kpi",
]
KINDS: Final[frozenset[str]] = frozenset(get_args(Kind))
NAMED: Final[frozenset[str]] = frozenset({"meter", "quality", "material", "cmd", "reply", "kpi"})
"""Kinds whose topic must end in a name; `telemetry` may have one, the others have none."""
RETAINED: Final[frozenset[str]] = frozenset({"state", "count", "job", "labour", "status", "kpi"})
"""Kinds that are published retained, so that whoever subscribes later knows how things stand."""
LEVELS: Final = ("site", "area", "line", "machine")

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}\Z")


class Topic(msgspec.Struct, frozen=True, gc=False):
    """A parsed topic: whose message it is, of which kind, and of which signal, meter, characteristic … (`name`)."""

    asset: str
    kind: Kind
    name: str = ""


def is_name(text: str) -> bool:
    """Whether `text` may stand as one level of a topic, a signal's name or a reason code."""
    return _NAME.match(text) is not None


def parse(topic: str, prefix: str = PREFIX) -> Topic:
    """Read a machine's topic.

    Raises:
        ContractError: the topic is not one of the contract's; the text says which level is wrong.
    """
    if not topic.startswith(prefix + "/"):
        raise ContractError(
            f"topic does not begin with {prefix}/", f"publish to {prefix}/<site>/<area>/<line>/<machine>/<kind>"
        )
    levels = topic[len(prefix) + 1 :].split("/")
    if not 5 <= len(levels) <= 6:
        raise ContractError(
            f"topic has {len(levels)} levels after {prefix}, expected 5 or 6",
            f"use {prefix}/<site>/<area>/<line>/<machine>/<kind>[/<name>]",
        )
    for level, text in zip(LEVELS, levels, strict=False):
        _check_name(level, text)
    kind = levels[4]
    if kind not in KINDS:
        raise ContractError(f"unknown kind {_shown(kind)}", f"use one of {', '.join(sorted(KINDS))}")
    name = levels[5] if len(levels) == 6 else ""
    if len(levels) == 6 and kind not in NAMED and kind != "telemetry":
        raise ContractError(f"kind {kind} takes no name, but the topic ends in {_shown(name)}", f"publish to …/{kind}")
    if kind in NAMED and not name:
        raise ContractError(f"kind {kind} needs a name", f"publish to …/{kind}/<name>")
    if name:
        _check_name("name", name)
    return Topic("/".join(levels[:4]), kind, name)  # type: ignore[arg-type]  # kind is one of KINDS


def build(asset: str, kind: Kind, name: str = "", prefix: str = PREFIX) -> str:
    """Write the topic of an asset's kind; the inverse of `parse` for machines.

    Raises:
        ContractError: a level of the asset path or the name is not in the alphabet.
    """
    check_asset(asset)
    if name:
        _check_name("name", name)
    return f"{prefix}/{asset}/{kind}/{name}" if name else f"{prefix}/{asset}/{kind}"


def check_asset(path: str) -> str:
    """Return the asset path if it has one to four good levels.

    Raises:
        ContractError: it has not.
    """
    levels = path.split("/")
    if len(levels) > 4:
        raise ContractError(
            f"asset path {_shown(path)} has {len(levels)} levels", "use <site>/<area>/<line>/<machine>, or cut it short"
        )
    for level, text in zip(LEVELS, levels, strict=False):
        _check_name(level, text)
    return path


def _check_name(level: str, text: str) -> None:
    if _NAME.match(text) is None:
        raise ContractError(
            f"{level} {_shown(text)} is not a name",
            "use 1 to 32 of a-z, 0-9 and -, beginning with a letter or digit",
        )


def _shown(text: str) -> str:
    return repr(text if len(text) <= 48 else text[:45] + "…")
