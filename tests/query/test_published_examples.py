"""Worked examples of OEE that others have published: the same events give the same figures here."""

import json
from typing import NamedTuple

import pytest

from broker.contract.instants import parse as instant
from broker.contract.message import Message
from broker.contract.topics import PREFIX
from broker.plant.plant_file import parse
from services.kpi.ledger_writer import LedgerWriter
from services.query.answers import answer
from services.store.interface import Store

PRESS = "works/hall/line-1/press-1"
MINUTE = 60_000_000_000
START = instant("2026-11-24T06:00:00Z")


class Published(NamedTuple):
    """A shift that somebody published, in minutes, pieces and seconds a piece, and the OEE given for it."""

    shift: int
    breaks: int
    down: int
    setup: int
    cycle_s: float
    produced: int
    good: int
    availability: float
    effectiveness: float
    quality_ratio: float
    oee: float
    """As printed: to a tenth of a per cent."""


EXAMPLES = {
    # oee.com, "Calculating OEE": two breaks of 15 min and one of 30 min, 423 of 19,271 pieces rejected.
    "Vorne: an eight-hour shift of 19,271 pieces": Published(
        480, 60, 47, 0, 1.0, 19_271, 18_848, 0.8881, 0.8611, 0.9780, 0.748
    ),
    # "Overall equipment effectiveness" in Wikipedia: 40 units an hour, 21 of 242 units defective.
    "Wikipedia: a work centre of forty units an hour": Published(
        480, 30, 60, 0, 90.0, 242, 221, 0.8667, 0.9308, 0.9132, 0.737
    ),
    # S. Nakajima, "Introduction to TPM" (1988): 20 min each of breakdowns, set-up and adjustment; 2 % defective.
    "Nakajima: set-up and adjustment are losses of availability": Published(
        480, 20, 20, 40, 30.0, 400, 392, 0.8696, 0.5, 0.98, 0.426
    ),
    # waycalculator.com, "Overall Equipment Effectiveness": a minute a piece.
    "Waycalculator: four hundred pieces of a minute": Published(
        480, 0, 60, 0, 60.0, 400, 380, 0.875, 0.9524, 0.95, 0.792
    ),
}


def message(minute: float, kind: str, **payload: object) -> Message:
    at = START + round(minute * MINUTE)
    body = json.dumps({"ts": at // 1_000_000, **payload}).encode()
    return Message(f"{PREFIX}/{PRESS}/{kind}", body, 1, retained=False, received_at=at)


def messages(of: Published) -> list[Message]:
    """Return a shift that begins with its losses, runs from then on, and has its breaks at the end."""
    return [
        message(0, "job", phase="start", order="wo-1", product="part", ideal_cycle=of.cycle_s),
        message(0, "count", produced=0, good=0, scrap=0),
        message(0, "state", state="down"),
        message(of.down, "state", state="setup"),
        message(of.down + of.setup, "state", state="running"),
        message(of.shift - of.breaks, "count", produced=of.produced, good=of.good, scrap=of.produced - of.good),
        message(of.shift - of.breaks, "state", state="idle"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
async def test_a_published_example_comes_out_as_published(store: Store, name: str) -> None:
    of = EXAMPLES[name]
    clock = f"{6 + (of.shift - of.breaks) // 60:02d}:{(of.shift - of.breaks) % 60:02d}"
    breaks = f', breaks = [{{ start = "{clock}", end = "14:00" }}]' if of.breaks else ""
    plant = parse(
        f"""
        [calendar.one]
        time-zone = "UTC"
        shifts = [{{ name = "day", start = "06:00", end = "14:00"{breaks} }}]
        [asset.works]
        calendar = "one"
        """,
        "published.toml",
    )
    writer = LedgerWriter(store, plant, lambda: START + 480 * MINUTE)
    assert await writer.persist(messages(of)) == []
    await writer.advance()
    found = await answer(store, plant, PRESS, START, START + 480 * MINUTE, now=START + 480 * MINUTE)
    figures = {figure: found.indicators[figure] for figure in ("availability", "effectiveness", "quality_ratio")}
    assert figures == pytest.approx({figure: getattr(of, figure) for figure in figures}, abs=5.1e-5)
    assert found.indicators["oee"] == pytest.approx(of.oee, abs=5.1e-4)
    assert found.implausible == {}
