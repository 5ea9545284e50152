"""A host application's own state on the broker: a will, a birth and a death, all retained on one topic.

Will and birth of a connection have the same time, so that an edge node can match them. Rules H2 to H5 of the reference
page are shown here.
"""

import msgspec

from broker.contract.errors import ContractError, shown
from broker.contract.events import NS_PER_MS
from broker.contract.message import Message, Publication
from edge.dialects.sparkplug import topics


class State(msgspec.Struct, frozen=True):
    """The payload of a state: JSON, not Protocol Buffers. `timestamp` is in milliseconds since 1970-01-01 UTC."""

    online: bool
    timestamp: int


class Presence:
    """See the module.

    Args:
        host: the host application's id.
    """

    def __init__(self, host: str) -> None:
        self.topic = topics.state(host)
        self._since_ms = 0
        self._is_online = False

    def will(self, now: int) -> Publication:
        """Return the will of a connection that is about to be made at `now`, nanoseconds since 1970-01-01 UTC."""
        self._since_ms = now // NS_PER_MS
        self._is_online = False
        return self._publication(State(online=False, timestamp=self._since_ms))

    def birth(self) -> Publication:
        """Return what to publish once the subscription is acknowledged, before anything else."""
        self._is_online = True
        return self._publication(State(online=True, timestamp=self._since_ms))

    def death(self, now: int) -> Publication:
        """Return what to publish before an intended end at `now`."""
        self._is_online = False
        return self._publication(State(online=False, timestamp=now // NS_PER_MS))

    def seen(self, message: Message) -> list[Publication]:
        """Return the birth again where the broker shows this host, which is online, as offline.

        Raises:
            ContractError: the message is no state.
        """
        state = parse(message)
        return [self.birth()] if self._is_online and not state.online else []

    def _publication(self, state: State) -> Publication:
        return Publication(self.topic, msgspec.json.encode(state), qos=1, retain=True)


def parse(message: Message) -> State:
    """Return a host application's state.

    Raises:
        ContractError: the message is none.
    """
    try:
        return msgspec.json.decode(message.payload, type=State)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ContractError(
            f"the state of host {shown(message.topic.rpartition('/')[2])} cannot be read: {error}",
            'publish {"online":true,"timestamp":<milliseconds since 1970>}',
        ) from error
