"""What the first messages of a device mean together: its signals, how far its clock is off, and what is wrong."""

from collections.abc import Iterator
from typing import Final

from broker.contract.events import NS_PER_MS, NS_PER_S
from broker.contract.message import Message
from broker.contract.topics import LEVELS, PREFIX
from cli.messages.meaning import remarked
from edge.dialects.naming import slug

_MOST: Final = 8
"""So many signals are named, and so many different problems shown."""


class Sighting:
    """What was received of one device so far.

    What was retained before is left out: the device that published it may be gone.

    Args:
        asset: the device's path.

    Attributes:
        first_at: when the first message came that conforms to the contract, nanoseconds; None before.
        retained: how many messages were retained from before.
    """

    def __init__(self, asset: str) -> None:
        self._asset = asset
        self.first_at: int | None = None
        self.retained = 0
        self._series: dict[tuple[str, str], None] = {}
        self._offset_ns: int | None = None
        self._shown: set[str] = set()

    def add(self, message: Message) -> list[str]:
        """Add a message; return what seems wrong with it, a line each, unless it was returned before."""
        if message.retained:
            self.retained += 1
            return []
        meaning = remarked(message)
        if meaning.kind == "rejected":  # a service reports one that may be of this device, on a topic spelt otherwise
            return self._new(f"rejected: {meaning.asset}: {meaning.words}") if self._is_meant(meaning.asset) else []
        if meaning.problem:
            return self._new(f"rejected: {message.topic}: {meaning.problem}", f"hint: {meaning.hint}")
        if meaning.events and self.first_at is None:
            self.first_at = message.received_at
        for event in meaning.events:
            self._series[event.kind, event.series] = None
            if event.time_source == "device":
                # Of what was delayed on its way, or sent in a batch, the newest is nearest to the clock.
                offset = event.at - message.received_at
                self._offset_ns = offset if self._offset_ns is None else max(self._offset_ns, offset)
        return [line for warning in meaning.warnings for line in self._new(f"warning: {warning}")]

    def lines(self) -> Iterator[str]:
        """Yield what is known of the device once its first message is there."""
        names = [f"{kind}/{series}" if series else kind for kind, series in self._series]
        more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
        yield f"first message received: {', '.join(names[:_MOST])}{more}"
        yield f"{len(names)} signal{'s' * (len(names) != 1)}, {_clock(self._offset_ns)}"

    def _is_meant(self, topic: str) -> bool:
        """Return whether a topic is not below the device's own, and would be if it were spelt in its alphabet."""
        levels = topic.removeprefix(f"{PREFIX}/").split("/")[: len(LEVELS)]
        return "/".join(levels) != self._asset and "/".join(map(slug, levels)) == self._asset

    def _new(self, line: str, *further: str) -> list[str]:
        if line in self._shown or len(self._shown) >= _MOST:
            return []
        self._shown.add(line)
        return [line, *further]


def _clock(offset_ns: int | None) -> str:
    if offset_ns is None:
        return "no clock of its own: the time of receipt counts"
    amount = abs(offset_ns)
    shown = f"{amount / NS_PER_S:.1f} s" if amount >= NS_PER_S else f"{amount // NS_PER_MS} ms"
    return f"clock {shown} {'ahead' if offset_ns > 0 else 'behind'}"
