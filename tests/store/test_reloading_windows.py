"""Windows that are read again after a restart or a failure: few questions for all machines, so messages wait little."""

import json
from collections import Counter
from typing import Any, cast

import pytest

from broker.contract.events import AnyEvent, Count, Job, StateChange
from broker.contract.instants import parse as instant
from broker.contract.topics import PREFIX
from broker.plant.plant import NO_PLANT
from services.kpi.ledger_writer import LedgerWriter
from services.kpi.published import order_windows
from services.kpi.published.order_windows import AT_ONCE
from services.kpi.published.window_totals import paths
from services.kpi.published.windows import Windows
from services.ledger.fields import NANO
from services.query.answers import answer
from services.store.interface import Store

MACHINES = [f"york/barn/line-{line}/press-{number}" for line in range(1, 3) for number in range(1, 13)]
MINUTE = 60 * NANO
BEGIN = instant("2026-11-24T08:50:00Z")
NOW = instant("2026-11-24T09:20:00Z")
LINES = {machine.rpartition("/")[0] for machine in MACHINES}
QUESTIONS = 6
"""At most so many spans have the running and the last hour, in minutes and hours, however many machines there are."""
OF_AN_ORDER = 4
"""At most so many questions of a kind has an order."""


class Counted:
    """A store that counts the questions that it is asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        self.asked[name] += 1
        return getattr(self._store, name)


def reports(machine: str) -> list[AnyEvent]:
    return [
        StateChange(asset=machine, at=BEGIN, state="running"),
        Job(asset=machine, at=BEGIN, phase="start", order="wo-1", planned=100, ideal_cycle=60),
        Count(asset=machine, at=BEGIN, produced=0, good=0),
        Count(asset=machine, at=BEGIN + 25 * MINUTE, produced=20, good=18),
    ]


@pytest.mark.slow
async def test_windows_of_many_machines_are_read_together_and_their_orders_a_few_at_a_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_windows, "READING_S", 0.0)
    counted = Counted(store)
    seen = cast("Store", counted)
    windows = Windows(seen, NO_PLANT)
    writer = LedgerWriter(seen, NO_PLANT, lambda: NOW, changed=windows.apply)
    await writer.store_events([event for machine in MACHINES for event in reports(machine)])
    await writer.finish()

    reached = await writer.advance()  # as after a restart
    published: dict[str, bytes | str] = {}
    ticks = -(-len(MACHINES) // AT_ONCE)
    for _ in range(ticks):
        counted.asked.clear()
        await windows.roll(writer, reached)
        assert counted.asked["totals"] <= QUESTIONS + AT_ONCE * OF_AN_ORDER
        assert counted.asked["events"] <= AT_ONCE * OF_AN_ORDER
        published.update({each.topic: each.payload for each in windows.due(reached)})
    counted.asked.clear()
    await windows.roll(writer, reached)
    assert not counted.asked["totals"]

    for path in paths(MACHINES[0]):
        payload = published[f"{PREFIX}/{path}/kpi/hour"]
        shown = json.loads(payload)
        answered = await answer(store, NO_PLANT, path, instant(shown["start"]), reached, now=reached)
        assert shown["indicators"]["availability"] == answered.indicators["availability"] == 1
        assert shown["coverage"] == answered.coverage
    for path in {*MACHINES, *LINES}:
        assert json.loads(published[f"{PREFIX}/{path}/kpi/order"])["name"] == "wo-1"


@pytest.mark.slow
async def test_until_an_order_is_read_what_the_broker_holds_of_it_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that is on is not cleared, and a line's is not published as that of the machines read first."""
    monkeypatch.setattr(order_windows, "READING_S", 0.0)
    writer = LedgerWriter(store, NO_PLANT, lambda: NOW)
    await writer.store_events([event for machine in MACHINES for event in reports(machine)])
    await writer.finish()
    windows = Windows(store, NO_PLANT)
    await windows.roll(writer, await writer.advance())
    shown: set[str] = set()
    while not shown >= {*LINES, *MACHINES}:
        published = {each.topic: each.payload for each in windows.due(NOW) if each.topic.endswith("/kpi/order")}
        assert all(published.values())
        shown |= {topic.removeprefix(f"{PREFIX}/").removesuffix("/kpi/order") for topic in published}
        assert all(machine in shown for line in LINES & shown for machine in MACHINES if machine.startswith(line))
        await windows.roll(writer, NOW)
