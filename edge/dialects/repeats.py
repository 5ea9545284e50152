"""Values that repeat, of sources that send what they know again and again: only what changed is reported."""

from collections import OrderedDict
from typing import Any, Final

from broker.contract.events import NS_PER_S
from edge.dialects.values import Stamp

_REPEATED_NS: Final = 600 * NS_PER_S
"""What stays the same is a sample again after this time, so that a quiet signal is not taken for a lost one."""
_MOST: Final = 100_000


class Changes:
    """The last of each thing that is reported only when it changes: a state, a total, whether a device is there."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], object] = {}

    def is_new(self, asset: str, name: str, found: object) -> bool:
        """Return whether it differs from what was found before."""
        if self._last.get((asset, name)) == found:
            return False
        self._last[asset, name] = found
        return True


class Repeats:
    """The last value of each signal of a source; one that stays the same is a sample again after a while."""

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[str, str], tuple[Any, int]] = OrderedDict()

    def is_new(self, stamp: Stamp, field: str, value: Any) -> bool:
        """Return whether a value is to be reported: it changed, or is reported for the first time in a while."""
        key = (stamp.asset, field)
        before = self._last.get(key)
        if before is not None and before[0] == value and 0 < stamp.at - before[1] < _REPEATED_NS:
            return False
        self._last[key] = (value, stamp.at)
        if len(self._last) > _MOST:
            self._last.popitem(last=False)
        return True
