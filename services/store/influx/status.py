"""What an InfluxDB store holds: oldest and newest of each kind. Nothing is counted: that would read every point."""

from services.store.influx.events import FORMS
from services.store.influx.http import InfluxServer
from services.store.influx.ledger_rows import LEDGER
from services.store.influx.names import SCHEMA, SCHEMA_METADATA, Buckets
from services.store.influx.queries import literal, name, select
from services.store.influx.reading import Reading
from services.store.retention import Held, StoreStatus


async def status(server: InfluxServer, buckets: Buckets, reading: Reading) -> StoreStatus:
    """Return what a store holds.

    Raises:
        StoreError: it does not answer.
    """
    events: dict[str, Held] = {}
    for kind, form in FORMS.items():
        conditions = [f"kind = {literal(kind)}"] if form.is_spread else []
        columns = ["at"] if form.is_spread else form.columns
        held = await _held(server, buckets.raw, form.measurement, columns, conditions)
        if held.oldest is not None:
            events[kind] = held
    return StoreStatus(
        engine=f"InfluxDB {await server.version()}",
        place=str(server.address),
        size=None,
        free=None,
        version=int(await reading.metadata(SCHEMA_METADATA) or SCHEMA),
        machines=len(await reading.machines("")),
        events=events,
        minutes=await _held(server, buckets.minutes, LEDGER.measurement, ["rows"], [f"{name('rows')} = 1"]),
        rejected=await _held(server, buckets.raw, "rejected", ["at"], []),
    )


async def _held(
    server: InfluxServer, bucket: str, measurement: str, columns: list[str] | tuple[str, ...], conditions: list[str]
) -> Held:
    ends: list[int | None] = []
    for newest_first in (False, True):
        statement = select(columns, measurement, conditions, newest_first=newest_first, limit=1)
        found = [values for one in await server.query(bucket, statement) for values in one.values]
        # Points whose time is a little later than their message's hold its time in a field.
        at = (int(found[0][1]) if columns == ["at"] else int(found[0][0])) if found else None
        ends.append(at)
    return Held(None, *ends)
