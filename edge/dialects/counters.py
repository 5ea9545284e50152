"""Counters of pieces, as sources have them: often all and bad ones, a topic each, and no good ones.

Good pieces are those produced less scrap, once both are known, and unless the source counts them itself.
"""

import msgspec

from broker.contract.events import AnyEvent, Count
from edge.dialects.values import Stamp


class Counters:
    """The last counters of each machine of a source."""

    def __init__(self) -> None:
        self._last: dict[str, dict[str, float]] = {}

    def count(self, stamp: Stamp, counted: dict[str, float]) -> list[AnyEvent]:
        """Return the counters of a message, with the good pieces where they follow; nothing if there are none."""
        if not counted:
            return []
        last = self._last.setdefault(stamp.asset, {})
        last |= counted
        found = dict(counted)
        if "good" not in last and {"produced", "scrap"} <= last.keys() and {"produced", "scrap"} & counted.keys():
            found["good"] = max(0.0, last["produced"] - last["scrap"])
        return [msgspec.structs.replace(Count(**stamp.shared()), **found)]
