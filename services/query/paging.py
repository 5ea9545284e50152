"""Reading any number of events a page at a time, so that memory stays bounded however many there are."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from broker.contract.events import AnyEvent
from broker.contract.topics import Kind
from services.store.interface import Store

PAGE: Final = 100_000
"""Events that are in memory at once."""


async def pages(
    store: Store, kinds: Sequence[Kind], asset: str, start: int, end: int, *, size: int = PAGE
) -> AsyncIterator[list[AnyEvent]]:
    """Yield the events with start ≤ at < end in order of time, about `size` at once; an instant is never split."""
    while start < end:
        page, start = await whole_instants(store, kinds, asset, start, end, size=size)
        if page:
            yield page


async def whole_instants(
    store: Store, kinds: Sequence[Kind], asset: str, start: int, end: int, *, size: int = PAGE
) -> tuple[list[AnyEvent], int]:
    """Return the first events with start ≤ at < end, all of each instant, and until when there are no others."""
    while True:
        found = await store.events(kinds, asset, start, end, limit=size)
        if len(found) < size:
            return found, end
        until = found[-1].at
        if found[0].at < until:
            return [event for event in found if event.at < until], until
        size *= 2  # all at one instant
