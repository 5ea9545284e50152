"""The protocol of a dialect: it translates messages of another protocol to events of the contract.

It is pure. It has its own state (aliases, units, the last state of the machine), does no I/O and reads no clock: a
value without a time of its own gets the time of receipt, and waiting is a `due` time at which the gateway calls `tick`.

    class Tasmota(Dialect):
        filters = ("tele/#", "stat/#")

        def translate(self, message: Message) -> Translation: ...

    DIALECT = Entry("tasmota", "Tasmota", Tasmota, loses=("…",), seen=("…",))
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent
from broker.contract.message import Message, Publication

NOTHING_DUE: Final[int | None] = None


class Translation(msgspec.Struct, frozen=True):
    """What a message means.

    Attributes:
        events: in the order in which they are to be published.
        rejections: the errors of the parts that cannot be translated; the rest is translated nevertheless.
        requests: messages to the source in its own protocol, such as Sparkplug's rebirth request.
    """

    events: Sequence[AnyEvent] = ()
    rejections: Sequence[ContractError] = ()
    requests: Sequence[Publication] = ()


NOTHING: Final = Translation()


class Setup(msgspec.Struct, frozen=True):
    """What the user has configured: where in the plant the devices of a source stand, and what a dialect asks for.

    Attributes:
        place: site, area and line of devices that do not send where they are.
        asset: the machine's path, where the source is one machine; '' where each device is a machine at `place`.
        machines: asset paths of devices, by the name that the source has for them.
        mapping: the text of a file that describes the messages; '' without one.
        options: settings of one dialect, by name.
    """

    place: str = "plant/floor/gateway"
    asset: str = ""
    machines: Mapping[str, str] = msgspec.field(default_factory=dict)
    mapping: str = ""
    options: Mapping[str, str] = msgspec.field(default_factory=dict)


class Dialect:
    """A translator of what one source sends, message by message, in the order in which they came.

    Attributes:
        filters: the topics that a gateway subscribes to, where the user names none.
        persistent: the source's broker stores messages while the gateway is away. False for a protocol that
            demands a clean session.
    """

    filters: Sequence[str] = ()
    persistent: bool = True

    def translate(self, message: Message) -> Translation:
        """Translate a message; one that is repeated gives nothing new.

        Raises:
            ContractError: nothing of it can be translated.
        """
        raise NotImplementedError

    @property
    def due(self) -> int | None:
        """When `tick` is to be called, nanoseconds since 1970-01-01 UTC; None while nothing is waited for."""
        return NOTHING_DUE

    def tick(self, now: int) -> Translation:  # noqa: ARG002  (this one waits for nothing)
        """Return what the passing of time means, such as a request for what did not come."""
        return NOTHING

    def will(self, now: int) -> Publication | None:  # noqa: ARG002
        """Return what the source's broker publishes if the gateway dies; called before each connection."""
        return None

    def connected(self, now: int) -> Translation:  # noqa: ARG002
        """Return what to do once the subscription of a new connection is acknowledged, such as announcing itself."""
        return NOTHING

    def leaving(self, now: int) -> Translation:  # noqa: ARG002
        """Return what to do before an intended disconnection."""
        return NOTHING


class Entry(msgspec.Struct, frozen=True):
    """A dialect's line in the registry: by it a dialect is found, made, listed and documented.

    Attributes:
        name: what a user types.
        title: what its users call it.
        make: makes the translator of one source.
        loses: what it does not translate, a sentence each.
        seen: versions of devices or programs whose messages its cases have.
        device: what to set on the device, as a list in Markdown, with HOST and PORT of the broker.
        details: what belongs on its page beside the docstring of its module.
    """

    name: str
    title: str
    make: Callable[[Setup], Dialect]
    loses: Sequence[str] = ()
    seen: Sequence[str] = ()
    device: str = ""
    details: str = ""
