"""What a process takes is flat, or grows; what it takes while it is young, and too few samples, say nothing."""

from pathlib import Path

import pytest

from cli.soak.processes import Part
from cli.soak.watch import Sample, Usage

MIB = 1024 * 1024


def usage(memory: list[int], *, age_s: float = 100.0) -> Usage:
    made = Usage([Part("kpi", [], Path())], float(len(memory)))
    made.samples["kpi"] = [Sample(float(at), age_s, size * MIB, 10) for at, size in enumerate(memory)]
    return made


@pytest.mark.parametrize(
    ("memory", "flat"),
    [([70] * 200, True), ([70] * 100 + [180] * 100, False), ([70] * 100 + [90] * 100, True), ([70], None)],
)
def test_memory_is_classified_by_its_first_and_last_quarter(memory: list[int], flat: bool | None) -> None:
    assert usage(memory).growth("kpi").flat is flat


def test_descriptors_that_grow_are_found() -> None:
    leaking = usage([70] * 200)
    leaking.samples["kpi"] = [one._replace(descriptors=10 + round(one.at_s)) for one in leaking.samples["kpi"]]
    assert leaking.growth("kpi").flat is False


def test_a_young_process_says_nothing() -> None:
    assert usage([70] * 100 + [180] * 100, age_s=3.0).growth("kpi").flat is None


def test_a_curve_has_gaps_where_the_process_was_away() -> None:
    made = usage([70] * 80)
    del made.samples["kpi"][10:20]
    assert [sample is None for sample in made.curve("kpi", 8)] == [False, True, *[False] * 6]
