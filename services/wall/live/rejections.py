"""The messages that were rejected: the newest ones, and how many there were in the last hour."""

from collections import deque
from collections.abc import Iterable
from typing import Final

from broker.contract.events import NS_PER_S
from services.wall.live.received_messages import MOST_MESSAGES, ReceivedMessage

_MINUTE_NS: Final = 60 * NS_PER_S
_HOUR_MIN: Final = 60


class Rejections:
    """Rejected messages.

    Attributes:
        count: of all, since the start.
    """

    def __init__(self) -> None:
        self.count = 0
        self._newest: deque[ReceivedMessage] = deque(maxlen=MOST_MESSAGES)
        self._by_minute: dict[int, int] = {}

    def add(self, received: ReceivedMessage) -> None:
        """Add a rejected message; a retained one is shown, but counts in no hour."""
        self.count += 1
        self._newest.append(received)
        if not received.message.retained:
            self.count_at([(received.message.received_at, 1)])

    def count_at(self, times: Iterable[tuple[int, int]]) -> None:
        """Count messages of which nothing but the time (ns) is known, given the times at which so many were."""
        for at, count in times:
            minute = at // _MINUTE_NS
            self._by_minute[minute] = self._by_minute.get(minute, 0) + count

    def drop_old(self, now: int) -> None:
        """Drop what is older than an hour from the counts."""
        for minute in [minute for minute in self._by_minute if minute <= now // _MINUTE_NS - _HOUR_MIN]:
            del self._by_minute[minute]

    def last_hour(self, now: int) -> int:
        """Return how many messages were rejected in the hour before `now` (by whole minutes)."""
        return sum(count for minute, count in self._by_minute.items() if minute > now // _MINUTE_NS - _HOUR_MIN)

    def newest(self, since: int = 0) -> list[ReceivedMessage]:
        """Return the newest rejected messages after number `since`, oldest first."""
        return [received for received in self._newest if received.number > since]
