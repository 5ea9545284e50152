"""The writing half of the InfluxDB store: a batch becomes lines, written in an order that survives a crash.

Marks come first, then the ledger's rows, then the events. A writer that dies in between leaves rows whose events are
not acknowledged: the events come again, and the rows are recomputed. In any other order an event could be stored whose
row was never written.

An event whose instant may hold another variant of it (`influx_registry`) is written to the points of both variants; the
field `gone` marks the one that does not count.
"""

import base64
import time
from collections.abc import Iterable, Sequence
from typing import Final

import structlog

from broker.contract.events import AnyEvent, Sample
from broker.contract.retained import may_be_stored
from broker.contract.samples import Run
from services.store.influx.events import FORMS, Places, name_of, tags_of
from services.store.influx.http import InfluxServer, RejectedLine
from services.store.influx.ledger_writing import LedgerWriting
from services.store.influx.lines import number, series, text
from services.store.influx.names import Buckets
from services.store.influx.registry import Registry, variant_tags
from services.store.influx.samples import SampleLines
from services.store.interface import STORED_BYTES, Batch, Rejected, StoreError
from services.store.rejections import Rejections

_MANY_PREFIXES: Final = 100_000

_log = structlog.get_logger("corridor.store")


class Writing:
    """The writer of a store. Not for more than one task at once."""

    def __init__(self, server: InfluxServer, buckets: Buckets) -> None:
        self._server = server
        self._buckets = buckets
        self._registry = Registry()
        self._samples = SampleLines(self._registry)
        self._ledger = LedgerWriting(server, buckets)
        self._rejections = Rejections()
        self._prefixes: dict[tuple[str, str, str, bool], str] = {}

    async def write(self, batch: Batch) -> None:
        """Write a batch; it is durable when this returns.

        Raises:
            StoreError: it was not written, or only a part; writing it again does no harm.
        """
        now = time.time_ns()
        try:
            await self._ledger.write(batch.rows, batch.reasons, now)
            if batch.samples or batch.events or batch.rejected:
                await self._registry.load(self._server, self._buckets.raw, self._buckets.hours)
                await self._write_raw(batch, now)
        except BaseException:
            self._registry.clear()
            self._samples.clear()
            raise
        await self._ledger.refresh_rollups_sometimes(now)

    async def refresh_rollups(self) -> None:
        """Refresh hours and days, those that other writers left dirty as well."""
        await self._ledger.refresh_all_rollups(time.time_ns())

    async def finish(self) -> None:
        """Refresh hours and days that this writer has written to."""
        await self._ledger.refresh_rollups()

    async def set_metadata(self, name: str, words: str) -> None:
        """Store a named text."""
        await self._write_surely(self._buckets.hours, [f"{series('note', [('name', name)])} text={text(words)} 0"])

    async def _write_raw(self, batch: Batch, now: int) -> None:
        places = Places()
        lines = self._run_lines(batch.samples, places, now)
        lines += self._event_lines(batch.events, places, now)
        draft = self._rejections.draft()
        lines += _rejected_lines(draft.rows(batch.rejected), places)
        raw, for_ever = self._registry.lines()
        rejected = await self._server.write(self._buckets.raw, [*lines, *raw])
        if rejected:
            reported = draft.rows(_rejected_of(line, now) for line in rejected if not line.line.startswith("rejected "))
            if not all(one.is_count for one in reported):
                _log.warning(
                    "rejected by InfluxDB", lines=len(rejected), first=rejected[0].reason, line=rejected[0].line[:200]
                )
            await self._write_surely(self._buckets.raw, _rejected_lines(reported, Places()))
        if for_ever:
            await self._write_surely(self._buckets.hours, for_ever)
        draft.commit()

    async def _write_surely(self, database: str, lines: Sequence[str]) -> None:
        await write_surely(self._server, database, lines)

    def _run_lines(self, runs: Iterable[Run], places: Places, now: int) -> list[str]:
        lines: list[str] = []
        add_lines = self._samples.add_lines
        for run in runs:
            if not add_lines(lines, run, now):
                lines += self._event_lines(run, places, now)
        return lines

    def _event_lines(self, events: Iterable[AnyEvent], places: Places, now: int) -> list[str]:
        lines: list[str] = []
        registry = self._registry
        sample_line = self._samples.line
        for event in events:
            if event.time_source == "retained" and not may_be_stored(event):
                continue
            if type(event) is Sample and (line := sample_line(event, now)) is not None:
                lines.append(line)
                continue
            kind = event.kind
            form = FORMS.get(kind)
            if form is None:
                continue
            fields = form.fields(event)
            if not fields:
                continue
            if isinstance(event, Sample) and registry.add_sample(event, now):
                fields += f',type="{"text" if isinstance(event.value, str) else "number"}"'
            at = event.at
            if form.is_spread:
                at = places.place(f"{event.asset} {kind} {name_of(event)}", at, event.id)  # type: ignore[union-attr]
            simulated = event.simulated
            if registry.add(event):
                lines.append(f"{self._prefix(event, simulated)} {fields},gone=0 {at}")
                other = f"{fields},gone=1" if form.subset else "gone=1"
                lines.append(f"{self._prefix(event, not simulated)} {other} {at}")
            else:
                lines.append(f"{self._prefix(event, simulated)} {fields} {at}")
            if isinstance(event, Sample):
                self._samples.learn(event)
        return lines

    def _prefix(self, event: AnyEvent, simulated: bool) -> str:
        """Return measurement and tags of an event's points."""
        key = (event.asset, event.kind, name_of(event), simulated)
        prefix = self._prefixes.get(key)
        if prefix is None:
            if len(self._prefixes) > _MANY_PREFIXES:
                self._prefixes.clear()
            tags = [*variant_tags(event.asset, simulated), *tags_of(event)]
            prefix = self._prefixes[key] = series(FORMS[event.kind].measurement, tags)
        return prefix


async def write_surely(server: InfluxServer, database: str, lines: Sequence[str]) -> None:
    """Write lines none of which may be missing.

    Raises:
        StoreError: the server rejects one for good.
    """
    rejected = await server.write(database, lines)
    if rejected:
        raise StoreError(
            f"InfluxDB at {server.address.base} rejects a line of {database!r}: {rejected[0].reason};"
            f" the line: {rejected[0].line[:200]}"
        )


def _rejected_lines(rejected: Iterable[Rejected], places: Places) -> list[str]:
    return [
        f"rejected topic={text(one.topic)},reason={text(one.reason)},"
        f'payload="{base64.b64encode(one.payload).decode()}",bytes={number(one.size)},at="{one.at}",'
        f"count={number(one.count)}"
        f" {places.place('rejected', one.at, one.topic, one.payload)}"
        for one in rejected
    ]


def _rejected_of(line: RejectedLine, now: int) -> Rejected:
    """Return what is stored of an event that the server rejects: the line, with its series for a topic."""
    payload = line.line.encode("utf-8", "replace")
    return Rejected(now, line.line.partition(" ")[0], f"InfluxDB: {line.reason}", payload[:STORED_BYTES], len(payload))
