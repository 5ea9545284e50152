"""Metrics of services, as Prometheus reads them at `/metrics`; docs/reference/metrics.md lists them."""

from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from services.health.vitals import Vitals

_SERVICE: Final = ["service"]


def registry(services: Sequence[Vitals]) -> CollectorRegistry:
    """Return a registry that reads these services, and the process that they run in, each time it is asked."""
    made = CollectorRegistry()
    ProcessCollector(registry=made)
    made.register(_Metrics(services))
    return made


class _Metrics(Collector):
    def __init__(self, services: Sequence[Vitals]) -> None:
        self._services = services

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield from self._of_sessions()
        yield from self._of_stores()
        yield from self._of_spools()

    def _of_sessions(self) -> Iterator[Metric]:
        received = CounterMetricFamily("corridor_messages_received", "Messages from the broker.", labels=_SERVICE)
        acknowledged = CounterMetricFamily("corridor_messages_acknowledged", "Messages that are done.", labels=_SERVICE)
        waiting = GaugeMetricFamily("corridor_messages_waiting", "Messages that are not done yet.", labels=_SERVICE)
        published = CounterMetricFamily("corridor_messages_published", "Messages to the broker.", labels=_SERVICE)
        connected = GaugeMetricFamily("corridor_broker_connected", "1: the broker can be reached.", labels=_SERVICE)
        disconnects = CounterMetricFamily("corridor_broker_connections_lost", "Connections lost.", labels=_SERVICE)
        for one in self._services:
            carrier, name = one.carrier, [one.service]
            received.add_metric(name, carrier.received)
            acknowledged.add_metric(name, carrier.acknowledged)
            waiting.add_metric(name, carrier.waiting)
            published.add_metric(name, carrier.published)
            connected.add_metric(name, carrier.connected)
            disconnects.add_metric(name, carrier.disconnects)
        yield from (received, acknowledged, waiting, published, connected, disconnects)

    def _of_stores(self) -> Iterator[Metric]:
        rejected = CounterMetricFamily(
            "corridor_messages_rejected", "Messages that were rejected.", labels=["service", "reason"]
        )
        writes = SummaryMetricFamily("corridor_store_write_seconds", "Batches written.", labels=_SERVICE)
        failures = CounterMetricFamily("corridor_store_write_failures", "Attempts that failed.", labels=_SERVICE)
        failing = GaugeMetricFamily(
            "corridor_store_failing", "1: the store does not take or give what it is asked.", labels=_SERVICE
        )
        written = GaugeMetricFamily("corridor_store_last_write_timestamp_seconds", "The last write.", labels=_SERVICE)
        rows = CounterMetricFamily("corridor_store_rows", "Rows written, by kind.", labels=["service", "kind"])
        ticks = SummaryMetricFamily("corridor_tick_seconds", "How often the ledger grew with time.", labels=_SERVICE)
        aside = GaugeMetricFamily("corridor_machines_set_aside", "Machines whose ledger stands still.", labels=_SERVICE)
        for one in self._services:
            name = [one.service]
            for reason, count in one.rejected.counts.items():
                rejected.add_metric([one.service, reason], count)
            if one.writes or one.failures:
                writes.add_metric(name, one.writes, one.write_seconds)
                failures.add_metric(name, one.failures)
                for kind, count in one.rows.items():
                    rows.add_metric([one.service, kind], count)
            if one.has_store:
                failing.add_metric(name, one.failure is not None)
            if one.written_at is not None:
                written.add_metric(name, one.written_at)
            if one.ticks:
                ticks.add_metric(name, one.ticks, one.tick_seconds)
                aside.add_metric(name, len(one.set_aside))
        yield from (rejected, writes, failures, failing, written, rows, ticks, aside)

    def _of_spools(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily("corridor_spool_messages", "Messages on disk for the broker.", labels=_SERVICE)
        size = GaugeMetricFamily("corridor_spool_bytes", "Bytes of the spool on disk.", labels=_SERVICE)
        dropped = CounterMetricFamily("corridor_spool_dropped", "Messages for which it was full.", labels=_SERVICE)
        lost = CounterMetricFamily(
            "corridor_agent_observations_lost", "What an agent had no more when it was asked for.", labels=_SERVICE
        )
        for one in self._services:
            if one.lossy is not None:
                lost.add_metric([one.service], one.lossy.lost)
            if one.spool is not None:
                waiting.add_metric([one.service], one.spool.waiting)
                size.add_metric([one.service], one.spool.bytes)
                dropped.add_metric([one.service], one.spool.dropped)
        yield from (waiting, size, dropped, lost)
