"""Encodes events as a simulated machine's gateway publishes them: the samples of one instant are one message.

A `telemetry` message of several signals has no room for their units. So the first sample of each signal goes out by
itself, with its unit; the later ones go out together.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from broker.contract import codec, topics
from broker.contract.events import NS_PER_MS, AnyEvent, Sample
from broker.contract.message import Publication

_ENCODER: Final = msgspec.json.Encoder()


class ContractEncoder:
    """Encodes events as messages of the contract.

    Args:
        prefix: the first levels of every topic.
    """

    def __init__(self, prefix: str = topics.PREFIX) -> None:
        self._prefix = prefix
        self._introduced: dict[str, set[str]] = {}
        self._topics: dict[str, str] = {}

    def publications(self, events: Iterable[AnyEvent]) -> list[Publication]:
        """Return the messages for these events, in their order."""
        found: list[Publication] = []
        instant: dict[str, object] = {}
        asset, at = "", -1
        owner, introduced = "", set[str]()
        for event in events:
            if not isinstance(event, Sample):
                found.append(self._publication(event))
                continue
            if event.asset != owner:
                owner = event.asset
                introduced = self._introduced.setdefault(owner, set())
            signal = event.signal
            if signal not in introduced and event.unit:
                introduced.add(signal)
                found.append(self._publication(event))
            else:
                if event.at != at or owner != asset:
                    if instant:
                        found.append(self._telemetry(asset, at, instant))
                    asset, at, instant = owner, event.at, {}
                instant[signal] = event.value
        if instant:
            found.append(self._telemetry(asset, at, instant))
        return found

    def _publication(self, event: AnyEvent) -> Publication:
        message = codec.encode(event, prefix=self._prefix)
        return Publication(message.topic, message.payload, qos=1, retain=message.retained)

    def _telemetry(self, asset: str, at: int, values: dict[str, object]) -> Publication:
        topic = self._topics.get(asset)
        if topic is None:
            topic = self._topics[asset] = topics.build(asset, "telemetry", prefix=self._prefix)
        # The simulation's instants are whole milliseconds, which is what `ts` is.
        payload = {"ts": at // NS_PER_MS, "simulated": True, "values": values}
        return Publication(topic, _ENCODER.encode(payload), qos=1, retain=False)
