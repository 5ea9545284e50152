"""A device from outside: MQTT 5 by paho, which shares no code with our own client and returns what was rejected."""

import queue
import ssl
import threading
from typing import Any, Final, Self

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

PATIENCE_S: Final = 10.0
SUCCESS: Final = "Success"
TAKEN: Final = frozenset({SUCCESS, "No matching subscribers"})
"""What a broker answers to a publication that it takes."""


class Device:
    """A connection to a broker, to be used by `with`.

    Args:
        host: where the broker is.
        port: of the broker.
        user: the user name; None: anonymous.
        password: of the user.
        trusted: whom it trusts, for TLS; None: no TLS.

    Attributes:
        received: topic and payload of the messages that came in, in order.
    """

    def __init__(
        self, host: str, port: int, user: str | None, password: str, trusted: ssl.SSLContext | None = None
    ) -> None:
        self.received: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._at = (host, port)
        self._answer = "no answer"
        self._answered = threading.Event()
        self._reasons: dict[int, str] = {}
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        self._client.connect_timeout = PATIENCE_S
        if user is not None:
            self._client.username_pw_set(user, password)
        if trusted is not None:
            self._client.tls_set_context(trusted)
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            ConnectionRefusedError: nobody listens, or the broker rejects the connection; then the text is its reason.
            OSError: nobody can be reached.
        """
        self._client.connect(*self._at)
        self._client.loop_start()
        self._answered.wait(PATIENCE_S)
        if self._answer != SUCCESS:
            self.__exit__()
            raise ConnectionRefusedError(self._answer)
        return self

    def __exit__(self, *_: object) -> None:
        """Take leave."""
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: str) -> str:
        """Publish with QoS 1; return what the broker answers.

        Raises:
            ConnectionError: it does not answer.
        """
        sent = self._client.publish(topic, payload, qos=1)
        try:
            sent.wait_for_publish(PATIENCE_S)
        except (RuntimeError, ValueError) as error:
            raise ConnectionError(str(error)) from error
        if not sent.is_published():
            raise ConnectionError("the broker did not acknowledge what was published")
        return self._reasons[sent.mid]

    def subscribe(self, topics: str) -> None:
        """Ask for messages; `received` has what comes."""
        self._client.subscribe(topics, qos=1)

    def _on_connect(self, _client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self._answer = str(reason)
        self._answered.set()

    def _on_publish(self, _client: Client, _data: Any, mid: int, reason: ReasonCode, _properties: Any) -> None:
        self._reasons[mid] = str(reason)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self.received.put((message.topic, bytes(message.payload)))
