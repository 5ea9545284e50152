"""What pages show of an asset's numbers: all of them on its own page, what a tile has where it stands among others."""

import math
from typing import TYPE_CHECKING, Final

import msgspec

from broker.contract.topics import line_of
from services.query.composition import is_to_check

if TYPE_CHECKING:
    from services.query.answers import Answer

_INDICATORS: Final = ("oee", "availability", "effectiveness", "quality_ratio", "energy_per_good_piece")
_SUMS: Final = ("good", "produced", "scrap", "setup_s", "electricity_kwh")
_REASONS: Final = 8
_WARNINGS: Final = 40
"""What a tile shows of an answer."""
MOST_LINES: Final = 199
"""Lines whose numbers an overview has: as many as a page asks for."""


class Number:
    """One asset's numbers as they were last computed.

    Attributes:
        answer: the answer.
        plan: pieces against plan, as JSON.
        tile: what a tile shows of the answer, once it was asked for, as JSON.
        whole: the answer as JSON, once it was asked for.
        revision: the revision of all numbers when it was computed.
        moves: how often the asset had changed by then.
        at: when it was, by the monotonic clock.
        due: until when it is not computed again.
    """

    __slots__ = ("answer", "at", "due", "moves", "plan", "revision", "tile", "whole")

    def __init__(self) -> None:
        self.answer: Answer | None = None
        self.plan: msgspec.Raw | None = None
        self.tile: msgspec.Raw | None = None
        self.whole: msgspec.Raw | None = None
        self.revision = 0
        self.moves = -1
        self.at = -math.inf
        self.due = -math.inf


def shown_with(asset: str, machines: list[str]) -> list[tuple[str, bool]]:
    """Return the assets whose numbers the page of an asset shows, and whether it shows all of them; itself last."""
    if asset.count("/") == 3:
        return [(asset, True)]
    if asset.count("/") == 2:
        return [*((machine, False) for machine in machines), (asset, True)]
    lines = [*dict.fromkeys(line_of(machine) for machine in machines)]
    return [*((line, False) for line in lines[:MOST_LINES]), (asset, False)]


def whole(number: Number) -> msgspec.Raw:
    """Return an answer as JSON."""
    if number.whole is None:
        number.whole = msgspec.Raw(msgspec.json.encode(number.answer))
    return number.whole


def tile(number: Number) -> msgspec.Raw:
    """Return what a tile shows of an answer, as JSON."""
    if number.tile is None:
        answer = number.answer
        assert answer is not None
        shown = {
            "asset": answer.asset,
            "from": answer.from_,
            "to": answer.to,
            "counted_to": answer.counted_to,
            "coverage": answer.coverage,
            "indicators": {name: answer.indicators[name] for name in _INDICATORS},
            "ledger": {name: answer.ledger[name] for name in _SUMS},
            "reasons": answer.reasons[:_REASONS],
            "waterfall": answer.waterfall,
            "warnings": [each for each in answer.warnings if is_to_check(each)][:_WARNINGS],
            "implausible": answer.implausible,
            "caveats": answer.caveats,
            "rated": answer.rated,
            "good_output": answer.good_output,
            "planned": answer.planned,
        }
        number.tile = msgspec.Raw(msgspec.json.encode(shown))
    return number.tile
