"""The client ids under which the services of a store are known to a broker.

A broker queues messages for an absent service under its client id, so no other client may use it: it ends in eight
random hexadecimal digits, the store's mark, made with the store. A store from before there were marks has none; its
services go on under the old ids, because the broker may hold messages for these.
"""

import secrets
from typing import Final, Literal

from services.store.interface import Store, StoreError

MARK_NOTE: Final = "client-ids"
"""The name of the metadata that holds a store's mark."""
REPLICAS_NOTE: Final = "ingest-replicas"
"""The name of the metadata that holds how many replicas of ingest have shared its work under that mark."""

Service = Literal["ingest", "kpi"]


def new_mark() -> str:
    """Return a mark that no other store has."""
    return secrets.token_hex(4)


async def client_id(store: Store, service: Service) -> str:
    """Return the client id of a service that writes to a store, as `corridor-ingest-1f2e3d4c`."""
    mark = await store.metadata(MARK_NOTE)
    return f"corridor-{service}-{mark}" if mark else f"corridor-{service}"


async def replica_id(store: Store, service: Service, number: int) -> tuple[str, str]:
    """Return the client id of one of several replicas of a service, and the name of their shared subscription.

    Raises:
        StoreError: the store has no mark, so two stores would be one group, and each would have a part.
    """
    mark = await store.metadata(MARK_NOTE)
    if not mark:
        raise StoreError(
            "the store was made before its services had client ids of its own, so none can share their work;"
            " give it some first: corridor store init --new-client-ids"
        )
    return f"corridor-{service}-{mark}-{number}", f"{service}-{mark}"


async def note_replicas(store: Store, number: int) -> int:
    """Note that so many replicas of ingest run side by side; return how many ever did.

    A broker goes on to assign each of them its share, so fewer processes must serve them all.

    Raises:
        StoreError: it cannot be read or written.
    """
    before = int(await store.metadata(REPLICAS_NOTE) or 0)
    if number > before:
        await store.set_metadata(REPLICAS_NOTE, str(number))
    return max(before, number)


async def renew(store: Store) -> None:
    """Give the services of a store client ids that no other has; what a broker holds under the old ones is not theirs.

    Raises:
        StoreError: it cannot be written.
    """
    await store.set_metadata(REPLICAS_NOTE, "0")
    await store.set_metadata(MARK_NOTE, new_mark())
