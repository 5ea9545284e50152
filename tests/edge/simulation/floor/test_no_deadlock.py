"""A line never locks itself: machines that wait for each other always find a way on."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from broker.contract.events import NS_PER_S
from edge.simulation.event_buffer import TruePiece
from edge.simulation.machines import MODELS
from tests.edge.simulation.made_up import DAY, KINDS, SURE, floor, line, machine

PATIENCE = 6 * 3_600 * NS_PER_S
"""Longer than any piece takes through such a line: its machines need a minute a piece, and never fail."""


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, kind in KINDS.items():
        monkeypatch.setitem(MODELS, name, kind)


STAGES = st.lists(st.lists(st.sampled_from(["plain", "oven", "gauge"]), min_size=1, max_size=2), min_size=2, max_size=4)


@pytest.mark.slow
@given(
    stages=STAGES,
    sizes=st.lists(st.integers(1, 8), min_size=3, max_size=3),
    pieces=st.integers(1, 15),
    load=st.integers(2, 7),
    back=st.integers(0, 3),
    truck=st.booleans(),
)
@example([["oven", "oven"], ["oven"]], [3, 1, 1], 10, 6, 0, True)  # a load is short of what stands behind others
@example([["plain"], ["oven"], ["gauge"]], [4, 4, 1], 10, 6, 0, False)  # … or of what was sent back
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pieces_leave_a_line_until_its_end(
    stages: Sequence[Sequence[str]], sizes: list[int], pieces: int, load: int, back: int, truck: bool
) -> None:
    names = [[f"m-{place}-{number}" for number in range(len(stage))] for place, stage in enumerate(stages)]
    kind_of = dict(zip(chain.from_iterable(names), chain.from_iterable(stages), strict=True))
    loops = ", ".join(
        f'{name} = "{names[min(back, place)][0]}"'
        for place, row in enumerate(names)
        for name in row
        if kind_of[name] == "gauge"
    )
    tables = [line("a/b/c", names, sizes[: len(names) - 1], pieces, f"rework = {{ {loops} }}")]
    tables += [
        machine(f"a/b/c/{name}", kind, SURE, f"load = {load}" if kind == "oven" else "")
        for name, kind in kind_of.items()
    ]
    if truck:
        trips = SURE.replace("ideal-s = 60", "ideal-s = 10")
        tables.append(machine("a/b/yard/truck", "truck", trips, 'serves = ["a/b"]', table="shared"))
    simulation = floor(*tables)
    simulation.run_until(DAY)
    made: list[Any] = simulation.take_ground_truth()
    last = {f"a/b/c/{name}" for name in names[-1]}
    assert max(one.at for one in made if isinstance(one, TruePiece) and one.asset in last) > DAY - PATIENCE
