"""Measures of the wall itself, as Prometheus reads them at `/metrics` beside those of all services."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from broker.contract.events import NS_PER_S, STATES
from services.health import metrics as measures
from services.wall.addresses import Parts

_PREFIX: Final = "corridor_wall"


def registry(parts: Parts) -> CollectorRegistry:
    """Return a registry that reads the wall's parts, and the services of its process, each time it is asked."""
    made = measures.registry(parts.services)
    made.register(_Metrics(parts))
    return made


class _Metrics(Collector):
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        live_state = self._parts.live_state
        yield CounterMetricFamily(f"{_PREFIX}_messages", "Messages received from the broker.", live_state.messages)
        yield CounterMetricFamily(
            f"{_PREFIX}_refused", "Messages that were not of the contract.", live_state.rejected.count
        )
        yield GaugeMetricFamily(f"{_PREFIX}_pages", "Pages with a live stream open.", self._parts.stream.clients)
        if live_state.newest is not None:
            age = (self._parts.now() - live_state.newest) / NS_PER_S
            yield GaugeMetricFamily(f"{_PREFIX}_newest_message_age_seconds", "Age of the newest message.", age)
        states = GaugeMetricFamily(f"{_PREFIX}_machines", "Machines by the state they are in.", labels=["state"])
        current_state = [machine.current_state.state for machine in live_state.machines.values()]
        for state in STATES:
            states.add_metric([state], current_state.count(state))
        yield states
