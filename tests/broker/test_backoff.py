"""Pauses between attempts: they grow up to a limit, differ among those that wait, and start again after a success."""

import ast
from itertools import pairwise
from pathlib import Path

import pytest

from broker.backoff import Backoff

ROOT = Path(__file__).parents[2]


def test_pauses_double_up_to_the_longest_and_are_never_less_than_half_of_that() -> None:
    backoff = Backoff(0.1, 10.0)
    longest = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, *[10.0] * 50]
    assert all(most / 2 <= backoff.next_s() <= most for most in longest)


def test_a_thousand_clients_do_not_come_back_at_once() -> None:
    backoffs = [Backoff(1.0) for _ in range(1_000)]
    pauses = sorted(backoff.next_s() for backoff in backoffs)
    assert max(later - earlier for earlier, later in pairwise(pauses)) < 0.05
    assert len(set(pauses)) > 900


def test_after_a_success_it_begins_with_the_first_pause() -> None:
    backoff = Backoff(0.1, 10.0)
    for _ in range(20):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 0.1


def test_a_first_pause_beyond_the_longest_is_the_longest() -> None:
    assert Backoff(5.0, 0.02).next_s() <= 0.02


@pytest.mark.slow
def test_no_other_pause_of_the_program_doubles_by_itself() -> None:
    found = []
    for file in (file for package in ("broker", "cli", "edge", "services") for file in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_bytes())):
            names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
            if (
                isinstance(node, ast.Call)
                and {"min", "pause_s"} <= names
                and any(isinstance(each, ast.Constant) and each.value == 2 for each in ast.walk(node))
            ):
                found.append(file.relative_to(ROOT).as_posix())
    assert not found, "take broker.backoff"
