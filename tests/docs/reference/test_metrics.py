"""docs/reference/metrics.md lists the metrics that the services serve, and no others."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, ProcessCollector

from broker.mqtt.session import Session
from edge.gateways.mtconnect.source import MTConnectSource
from edge.gateways.spool import Spool
from services.health.vitals import Vitals
from services.store.interface import Batch, Rejected, StoreError
from services.store.sqlite.store import SqliteStore
from services.wall.metrics import registry
from tests.wall.works import NOW, PLANT, Clock, make_parts

PAGE = Path(__file__).resolve().parents[3] / "docs/reference/metrics.md"


def served(made: CollectorRegistry) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the names of the samples that Prometheus gets, with their labels."""
    for family in made.collect():
        for sample in family.samples:
            yield sample.name, sample.labels


async def test_the_page_lists_every_metric_and_label_that_is_served(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "corridor.db")
    one = Vitals("kpi", Session("mqtt://127.0.0.1:1", client_id="kpi"), store)
    one.failed(StoreError("away"), 0.1)
    one.written(Batch(rejected=[Rejected(NOW, "corridor/v1/a", "bad", b"", 0)]), 0.1)
    one.ticked(0.1, {})
    one.spool = spool = Spool(tmp_path / "spool")
    one.lossy = MTConnectSource([], tmp_path / "agents")
    parts = make_parts(store, PLANT, Clock(NOW))
    parts.services = [one]
    parts.live_state.newest = NOW
    found = dict(served(registry(parts)))
    await store.close()
    spool.close()
    of_process = {name for name, _ in served(_of_process())}
    assert of_process >= {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"}
    own = {name: labels for name, labels in found.items() if name not in of_process}

    rows = re.findall(r"^\| (`corridor_[^|]*) \| ([^|]*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    listed = {name: text for names, text in rows for name in re.findall(r"`(\w+)`", names)}
    assert set(listed) == set(own)
    for name, labels in own.items():
        assert ("service" in labels) == (not name.startswith("corridor_wall")), name
        for label in set(labels) - {"service"}:
            assert f"`{label}`" in listed[name], name


def _of_process() -> CollectorRegistry:
    made = CollectorRegistry()
    ProcessCollector(registry=made)
    return made


def test_every_metric_that_alerts_name_is_one() -> None:
    listed = set(re.findall(r"`((?:corridor|process)_\w+)`", PAGE.read_text("utf-8")))
    named = set(
        re.findall(
            r"\b(?:corridor|process)_[a-z]\w+", (PAGE.parents[1] / "how-to/monitor-corridor.md").read_text("utf-8")
        )
    )
    assert len(named) > 8
    assert named - listed == set()
