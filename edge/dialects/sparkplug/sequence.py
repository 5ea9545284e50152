"""The sequence numbers of an edge node: 0 to 255, then 0 again, over all its messages but commands and its death.

A node's messages are of QoS 0, so that a gap is the only sign that one was lost, or came late.
"""

from typing import Final

MODULUS: Final = 256


class Sequence:
    """Follows the numbers of one node.

    Attributes:
        missing: those that were passed over and have not come since.
    """

    def __init__(self) -> None:
        self.missing: set[int] = set()
        self._last: int | None = None

    def begin(self, number: int | None) -> None:
        """Begin with the number of a birth, whatever it is."""
        self._last = number
        self.missing = set()

    def received(self, number: int | None) -> None:
        """Take the number of a message; one that fills a gap is not missing any more, a repeated one is ignored."""
        if number is None or number == self._last:
            return
        number %= MODULUS
        if number in self.missing:
            self.missing.discard(number)
            return
        if self._last is not None:
            steps = (number - self._last) % MODULUS
            self.missing |= {(self._last + step) % MODULUS for step in range(1, steps)}
        self._last = number
