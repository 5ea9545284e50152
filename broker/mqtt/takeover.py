"""Distinguishes a session that another client took over from a connection that merely broke.

A broker closes a connection when another client connects with its client id. An MQTT 5 broker reports that (reason
0x8E), but Mosquitto before 2.0.15 does not, and MQTT 3.1.1 cannot. Then it shows as a pattern: again and again the
broker accepts the connection and closes it moments later, while one with another client id stands. Two clients that
both reconnect at once would compete without end, and each would receive a part of the messages; so one of them ends.

Our own old connection, which may still be open in the broker after a network failure, is no rival: the broker closes
that one, which is no longer read.
"""

from typing import Final

from broker.mqtt.address import SessionError

STEADY_S: Final = 10.0
"""A connection that lived this long, seconds, counts as good."""

CLOSED_AT_ONCE: Final = 4
"""So many connections in a row that the broker closed within `STEADY_S` make a rival suspected."""

WITNESS_S: Final = 0.5
"""A failing network or broker closes the witness within this time after the session's own connection, seconds."""


class SessionTakenOver(SessionError):  # noqa: N818  (it reads as what it is)
    """Another client is connected with this session's client id, and receives its messages from now on.

    Attributes:
        client_id: which.
    """

    def __init__(self, broker: str, client_id: str, evidence: str) -> None:
        super().__init__(f"another client is connected to {broker} with the client id {client_id!r} ({evidence})")
        self.client_id = client_id


class Rivals:
    """Suspects rivals, other clients with the session's client id, from how its connections end.

    Attributes:
        closed_at_once: how many connections in a row the broker accepted and closed moments later.
    """

    def __init__(self) -> None:
        self.closed_at_once = 0

    @property
    def suspected(self) -> bool:
        """Whether a rival may be the cause; so may a network or a broker that fails again and again."""
        return self.closed_at_once >= CLOSED_AT_ONCE

    def ended(self, *, lived_s: float, by_broker: bool, unanswered: bool) -> None:
        """Record an accepted connection that was lost.

        Args:
            lived_s: how long it lived, seconds.
            by_broker: the other side closed it without a reason.
            unanswered: a publication was not acknowledged; that may be why the broker closed it.
        """
        if by_broker and not unanswered and lived_s < STEADY_S:
            self.closed_at_once += 1
        else:
            self.closed_at_once = 0

    def unreachable(self) -> None:
        """Record that no broker answered: one that restarts closes connections, too."""
        self.closed_at_once = 0
