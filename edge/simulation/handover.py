"""Who publishes for a simulated machine: its simulation, or a real device that uses the machine's topics.

A message on a machine's topics without `"simulated": true` is a device's: the machine is handed over to it. The
simulation gets the machine back when the device goes offline, of itself or by its last will, or is silent. A machine
that the plant declares to be connected is its device's from the start, and stays so.

No I/O and no clock: messages come with the time of a clock that never goes back, and the simulator asks at the end of
each of its batches what has changed.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from broker.contract import codec, topics
from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent, Status
from broker.contract.message import Message
from broker.contract.topics import PREFIX

SILENT_S: Final = 60.0
"""A device that is silent for so long is gone, where the plant file has no `silent-after` for the machine."""
_NOT_FROM_DEVICES: Final = frozenset({"cmd", "adjust", "kpi"})
"""Kinds that others publish on a machine's topics."""
_MARK: Final = b'"simulated":true'
"""What the simulator's own messages have, so that they need not be decoded."""


class Handover:
    """See the module.

    Args:
        silent_s: the machines that can be handed over, and after how many seconds of silence each is given back.
        real: the machines that were handed over when the simulator stopped; their devices may still be there.
        connected: those that only devices publish for, whether they are there or not.
        now: the time, seconds.
        prefix: the first levels of every topic.

    Attributes:
        real: the machines for which a device publishes, as of the last `take` and `give_back`, and those connected.
    """

    def __init__(
        self,
        silent_s: Mapping[str, float],
        *,
        real: Iterable[str] = (),
        connected: Iterable[str] = (),
        now: float = 0.0,
        prefix: str = PREFIX,
    ) -> None:
        self._silent_s, self._prefix, self._connected = silent_s, prefix, frozenset(connected)
        self._seen = dict.fromkeys((asset for asset in real if asset in silent_s), now)
        self.real: set[str] = {*self._seen, *self._connected}

    def receive(self, message: Message, now: float) -> None:
        """Note a message on a machine's topics.

        What was retained says only that a device is connected: of other kinds it may be years old. Messages that are
        not of the contract are no sign of a device; the services report them.
        """
        if _MARK in message.payload:
            return
        try:
            topic = topics.parse(message.topic, self._prefix)
            if topic.kind in _NOT_FROM_DEVICES or topic.asset not in self._silent_s:
                return
            events = codec.decode(message, prefix=self._prefix)
        except ContractError:
            return
        for event in events:
            self._note(event, now, was_retained=message.retained)

    def take(self) -> list[str]:
        """Return the machines that devices have taken over since the last call."""
        taken = sorted(self._seen.keys() - self.real)
        self.real.update(taken)
        return taken

    def give_back(self, now: float) -> list[str]:
        """Return the machines whose devices are gone since the last call: offline, or silent for too long."""
        for asset, seen in list(self._seen.items()):
            if now - seen > self._silent_s[asset]:
                del self._seen[asset]
        returned = sorted(self.real - self._seen.keys() - self._connected)
        self.real.difference_update(returned)
        return returned

    def _note(self, event: AnyEvent, now: float, *, was_retained: bool) -> None:
        if event.simulated:
            return
        if isinstance(event, Status) and not event.online:
            self._seen.pop(event.asset, None)
        elif isinstance(event, Status) or not was_retained:
            self._seen[event.asset] = now
