"""The topic grammar: `corridor/v1/<site>/<area>/<line>/<machine>/<kind>[/<name>]`.

The four levels are ISA-95's equipment hierarchy. An *asset path* is one to four of those levels joined by `/`: a site,
an area, a line or a machine. Only machines publish, and `parse` reads their topics. Indicators are published at
`corridor/v1/<asset path>/kpi/<window>` for every asset path: `parse_kpi` reads those. Rejected messages are published
at `corridor/v1/$rejected`.
"""

from typing import Final

import msgspec

from broker.contract import events
from broker.contract.errors import ContractError, shown
from broker.contract.kinds import TABLE
from broker.contract.names import is_name

PREFIX: Final = "corridor/v1"
REJECTED: Final = "$rejected"

Kind = events.Kind
KINDS: Final[frozenset[str]] = frozenset(TABLE)
NAMED: Final[frozenset[str]] = frozenset(kind for kind, entry in TABLE.items() if entry.topic == "named")
"""Kinds whose topic must end in a name."""
MAYBE_NAMED: Final[frozenset[str]] = frozenset(kind for kind, entry in TABLE.items() if entry.topic == "maybe named")
"""Kinds whose topic may end in a name; those that are not in either have none."""
RETAINED: Final[frozenset[str]] = frozenset(kind for kind, entry in TABLE.items() if entry.is_retained)
"""Kinds that are published retained, so that later subscribers receive the current state."""
WINDOWS: Final = ("hour", "shift", "order", "last-hour", "last-shift", "last-order")
"""The windows of indicators: running, and the last one that is over."""
LEVELS: Final = ("site", "area", "line", "machine")


class Topic(msgspec.Struct, frozen=True, gc=False):
    """A parsed topic: whose message it is, of which kind, and of which signal, meter, characteristic … (`name`)."""

    asset: str
    kind: Kind
    name: str = ""


class KpiTopic(msgspec.Struct, frozen=True, gc=False):
    """A parsed topic of indicators: of which asset path, over which window."""

    asset: str
    window: str


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
        early = next((text for text in levels[1:4] if text in KINDS), "")
        raise ContractError(
            f"unknown kind {shown(kind)}",
            f"put {early} after four levels: <site>/<area>/<line>/<machine>/{early}"
            if early
            else f"use one of {', '.join(sorted(KINDS))}",
        )
    name = levels[5] if len(levels) == 6 else ""
    if len(levels) == 6 and kind not in NAMED | MAYBE_NAMED:
        raise ContractError(f"kind {kind} takes no name, but the topic ends in {shown(name)}", f"publish to …/{kind}")
    if kind in NAMED and not name:
        raise ContractError(f"kind {kind} needs a name", f"publish to …/{kind}/<name>")
    if len(levels) == 6:
        _check_name("name", name)
    return Topic("/".join(levels[:4]), kind, name)  # type: ignore[arg-type]  # kind is one of KINDS


def is_kpi(topic: str, prefix: str = PREFIX) -> bool:
    """Whether a topic is meant for indicators: `kpi` stands last but one, and no machine's kind last."""
    if not topic.startswith(prefix + "/"):
        return False
    levels = topic[len(prefix) + 1 :].rsplit("/", 2)
    return len(levels) == 3 and levels[1] == "kpi" and levels[2] not in KINDS


def is_our_own(topic: str, prefix: str = PREFIX) -> bool:
    """Return whether a topic is one that the services publish to: rejected messages and indicators."""
    return topic == f"{prefix}/{REJECTED}" or is_kpi(topic, prefix)


def parse_kpi(topic: str, prefix: str = PREFIX) -> KpiTopic:
    """Read a topic of indicators, of any asset path.

    Raises:
        ContractError: the topic is not one of indicators.
    """
    if not is_kpi(topic, prefix):
        raise ContractError("topic is not one of indicators", f"use {prefix}/<asset path>/kpi/<window>")
    asset, _, window = topic[len(prefix) + 1 :].rsplit("/", 2)
    _check_name("window", window)
    return KpiTopic(check_asset(asset), window)


def build(asset: str, kind: Kind, name: str = "", prefix: str = PREFIX) -> str:
    """Write the topic of an asset's kind; the inverse of `parse` and, for `kpi`, of `parse_kpi`.

    Raises:
        ContractError: a level of the asset path or the name is not in the alphabet, the path is not a machine's though
            the kind is, or a name is missing or not allowed.
    """
    check_asset(asset)
    if kind != "kpi" and asset.count("/") != 3:
        raise ContractError(
            f"asset path {shown(asset)} is not a machine's", "use <site>/<area>/<line>/<machine>, all four"
        )
    if bool(name) != (kind in NAMED) and kind not in MAYBE_NAMED:
        raise ContractError(f"kind {kind} {'needs a' if kind in NAMED else 'takes no'} name", "see the contract")
    if name:
        _check_name("name", name)
    return f"{prefix}/{asset}/{kind}/{name}" if name else f"{prefix}/{asset}/{kind}"


def is_under(path: str, asset: str) -> bool:
    """Return whether an asset is another one, or below it; every asset is below ''."""
    return not asset or path == asset or path.startswith(asset + "/")


def line_of(machine: str) -> str:
    """Return the path of a machine's line."""
    return machine.rpartition("/")[0]


def check_asset(path: str) -> str:
    """Return the asset path if it has one to four valid levels.

    Raises:
        ContractError: it does not.
    """
    levels = path.split("/")
    if len(levels) > 4:
        raise ContractError(
            f"asset path {shown(path)} has {len(levels)} levels",
            "use <site>/<area>/<line>/<machine>, or the first of these levels",
        )
    for level, text in zip(LEVELS, levels, strict=False):
        _check_name(level, text)
    return path


def _check_name(level: str, text: str) -> None:
    if not is_name(text):
        raise ContractError(
            f"{level} {shown(text)} is not a name",
            "use 1 to 32 of a-z, 0-9 and -, beginning with a letter or digit",
        )
