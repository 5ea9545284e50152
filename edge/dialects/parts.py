"""The parts of a message: one that cannot be translated is rejected by its name, and the others are translated."""

from collections.abc import Callable, Iterable, Sequence

from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent
from broker.contract.message import Publication
from edge.dialects.dialect import Translation
from edge.dialects.values import plain


class Parts:
    """What was translated of a message so far."""

    def __init__(self) -> None:
        self._events: list[AnyEvent] = []
        self._rejections: list[ContractError] = []

    def add(self, name: str, mean: Callable[[], Iterable[AnyEvent]]) -> None:
        """Add what a part means, or its rejection."""
        try:
            self._events += mean()
        except ContractError as error:
            self.reject(name, error)

    def reject(self, name: str, error: ContractError) -> None:
        """Add the rejection of a part."""
        self._rejections.append(ContractError(f"{plain(name, 64)}: {error.problem}", error.hint))

    def translation(self, requests: Sequence[Publication] = ()) -> Translation:
        """Return what the message means."""
        return Translation(events=self._events, rejections=self._rejections, requests=requests)
