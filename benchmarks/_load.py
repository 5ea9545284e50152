"""The load of a benchmark: telemetry of many devices as ready-made MQTT packets, sent as fast as the broker takes them.

The packets are made before anything is measured, so that whoever sends them takes little of the machine away from who
receives them. At QoS 1 at most `WINDOW` of them wait for their acknowledgement.
"""

import socket
import time
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

from broker.contract.message import Publication
from broker.contract.topics import PREFIX
from broker.mqtt import mqtt311
from broker.mqtt.packets import DISCONNECT, Connect

WINDOW: Final = 1_000
PACKETS_AT_ONCE: Final = 200
_PUBACK_BYTES: Final = 4
_PACE_S: Final = 0.001
_LIMIT_S: Final = 120.0


class Load(msgspec.Struct, frozen=True):
    """What is published.

    Attributes:
        messages: how many.
        devices: how many machines send them, in turn.
        qos: 0 or 1.
        signals: values in a message: one has its signal in the topic, several stand in one object.
    """

    messages: int
    devices: int
    qos: int
    signals: int

    @property
    def values(self) -> int:
        """How many samples the store has of it in the end."""
        return self.messages * self.signals

    def publications(self, first_ms: int) -> Iterator[Publication]:
        """Yield the messages; each device's are a millisecond apart, beginning at `first_ms`."""
        end = "/load" if self.signals == 1 else ""
        topics = [f"{PREFIX}/bench/hall/line-{n // 100}/mill-{n}/telemetry{end}" for n in range(self.devices)]
        for number in range(self.messages):
            turn, device = divmod(number, self.devices)
            at, value = first_ms + turn, 20 + number % 977 / 31
            if self.signals == 1:
                body = b'{"ts":%d,"value":%.6f,"unit":"Cel","simulated":true,"comment":"%028d"}' % (at, value, number)
            else:
                values = b",".join(b'"signal-%d":%.6f' % (n, value + n) for n in range(self.signals))
                body = b'{"ts":%d,"simulated":true,"values":{%s}}' % (at, values)
            yield Publication(topics[device], body, qos=self.qos)


def packets(publications: Iterator[Publication]) -> list[bytes]:
    """Return the MQTT packets of messages."""
    return [
        mqtt311.publish(publication, number % 65_535 + 1, duplicate=False)
        for number, publication in enumerate(publications)
    ]


class Sender:
    """A device's connection to the broker, blocking."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 1883), timeout=_LIMIT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unacknowledged = 0
        self._rest = 0
        packet = Connect("bench-sender", None, None, persistent=False, keep_alive_s=0, receive_maximum=WINDOW)
        self._socket.sendall(mqtt311.connect(packet))
        if self._socket.recv(4)[:1] != b"\x20":
            raise ConnectionError(f"the broker at {url} does not let the sender in")

    def send(self, made: Sequence[bytes], qos: int) -> None:
        """Send packets; return when the broker has all of them (at QoS 0: when they are written)."""
        for first in range(0, len(made), PACKETS_AT_ONCE):
            part = made[first : first + PACKETS_AT_ONCE]
            self._socket.sendall(b"".join(part))
            if qos:
                self._unacknowledged += len(part)
                self._wait(WINDOW - PACKETS_AT_ONCE)
        self._wait(0)

    def send_evenly(self, made: Sequence[bytes], qos: int, rate: float, stamps: list[float]) -> None:
        """Send packets at a rate, messages a second; note when each was sent (`time.monotonic`)."""
        began = time.monotonic()
        while len(stamps) < len(made):
            now = time.monotonic()
            part = made[len(stamps) : int((now - began) * rate) + 1]
            if part:
                stamps += [now] * len(part)
                self._socket.sendall(b"".join(part))
                self._unacknowledged += qos * len(part)
                self._wait(WINDOW)
            time.sleep(_PACE_S)
        self._wait(0)

    def close(self) -> None:
        """Leave the broker."""
        self._socket.sendall(DISCONNECT)
        self._socket.close()

    def _wait(self, most: int) -> None:
        """Read acknowledgements until at most so many packets wait for theirs."""
        while self._unacknowledged > most:
            read = len(self._socket.recv(65_536))
            if not read:
                raise ConnectionError("the broker closed the sender's connection")
            done, self._rest = divmod(self._rest + read, _PUBACK_BYTES)
            self._unacknowledged -= done
