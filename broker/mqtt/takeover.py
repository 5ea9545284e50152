"""Telling a session that another client took over from a connection that merely broke.

A broker closes a connection when another client comes with its client id. An MQTT 5 broker says so (reason 0x8E), but
Mosquitto before 2.0.15 does not, and MQTT 3.1.1 has no words for it. Then it shows in this: again and again the broker
lets us in and closes the connection moments later. Two clients that both come back at once would fight for ever, and
each would have a part of the messages; so one of them ends.

Our own old connection, which may still hang in the broker after a network was cut, is no rival: the broker closes that
one, which nobody reads any more.
"""

from typing import Final

from broker.mqtt.address import SessionError

STEADY_S: Final = 10.0
"""A connection that lived this long, seconds, was a good one."""

CLOSED_AT_ONCE: Final = 4
"""So many connections in a row that the broker closed within `STEADY_S` are a rival's work."""


class SessionTakenOver(SessionError):  # noqa: N818  (it reads as what it is)
    """Another client is connected with this session's client id, and has its messages from now on.

    Attributes:
        client_id: which.
    """

    def __init__(self, broker: str, client_id: str, evidence: str) -> None:
        super().__init__(f"another client is connected to {broker} with the client id {client_id!r} ({evidence})")
        self.client_id = client_id


class Rivals:
    """What the ends of a session's connections tell of other clients with its client id."""

    def __init__(self) -> None:
        self._closed_at_once = 0

    def ended(self, *, lived_s: float, by_broker: bool, unanswered: bool) -> bool:
        """Take note of a connection that was good and is lost; return whether a rival must have it.

        Args:
            lived_s: how long it lived, seconds.
            by_broker: the other side closed it, and did not say why.
            unanswered: a publication had not been acknowledged; that may be what the broker closed it for.
        """
        if by_broker and not unanswered and lived_s < STEADY_S:
            self._closed_at_once += 1
        else:
            self._closed_at_once = 0
        return self._closed_at_once >= CLOSED_AT_ONCE

    def unreachable(self) -> None:
        """Take note that nobody answered: a broker that starts anew closes connections, too."""
        self._closed_at_once = 0
