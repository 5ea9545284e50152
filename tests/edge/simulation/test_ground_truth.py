import logging
from pathlib import Path

import pytest

from broker.contract.events import NS_PER_S, State
from edge.simulation import ground_truth
from edge.simulation.event_buffer import GroundTruth, TruePiece, TrueState
from edge.simulation.floor.pieces import Fate

MILL = "sheffield/machining/line-1/mill-1"
S = NS_PER_S


def state(at: int, name: State, reason: str = "") -> TrueState:
    return TrueState(at * S, MILL, name, reason)


def piece(at: int, fate: Fate = "good", *, startup: bool = False) -> TruePiece:
    return TruePiece(at * S, MILL, "bracket", fate, startup)


def test_budget_is_exact_and_covers_the_range() -> None:
    lines = [state(10, "running"), state(25, "down", "spindle"), state(40, "running")]
    budget = ground_truth.budgets(lines, 0, 100 * S)[MILL]
    assert budget.states == {"unknown": 10 * S, "running": 75 * S, "down": 15 * S}


def test_budget_of_a_range_begins_in_the_state_that_was_on() -> None:
    lines = [state(10, "running"), state(25, "down", "spindle"), state(40, "running")]
    assert ground_truth.budgets(lines, 30 * S, 50 * S)[MILL].states == {"down": 10 * S, "running": 10 * S}


def test_pieces_belong_to_the_moment_just_before_they_are_finished() -> None:
    lines: list[GroundTruth] = [
        state(0, "running"),
        piece(10),
        piece(20, "scrap", startup=True),
        piece(30, "rework"),
        piece(40),
    ]
    counted = ground_truth.budgets(lines, 10 * S, 30 * S)[MILL].pieces
    assert counted == {"produced": 2, "good": 0, "scrap": 1, "rework": 1, "startup_scrap": 1}


def test_lines_that_are_there_twice_count_once_and_of_two_states_the_later() -> None:
    lines: list[GroundTruth] = [
        state(0, "running"),
        piece(10),
        piece(10),
        state(20, "idle"),
        state(20, "down"),
        state(20, "down"),
    ]
    budget = ground_truth.budgets(lines, 0, 30 * S)[MILL]
    assert budget.pieces["produced"] == 1
    assert budget.states == {"running": 20 * S, "down": 10 * S}


@pytest.mark.parametrize(
    ("between", "expected"),
    [((0, 5), set()), ((0, 10), {MILL}), ((15, 18), {MILL}), ((15, 40), {MILL}), ((20, 40), set()), ((30, 40), set())],
)
def test_a_device_published_from_when_it_took_over_until_the_simulation_is_back(
    between: tuple[int, int], expected: set[str]
) -> None:
    lines = [state(0, "running"), *ground_truth.taken_over([MILL], 10 * S), state(20, "idle"), state(30, "running")]
    assert ground_truth.published_by_devices(lines, between[0] * S, between[1] * S) == expected


def test_a_log_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "deep" / ground_truth.FILE_NAME
    truth = [state(1, "running"), piece(2, "scrap", startup=True), *ground_truth.offline([MILL], 3 * S)]
    with ground_truth.GroundTruthLog(path) as log:
        log.append(truth[:1], 2 * S)
    with ground_truth.GroundTruthLog(path) as log:
        log.append(truth[1:], 3 * S, last=True)
    assert [line for line in ground_truth.read(path) if not isinstance(line, ground_truth.Until)] == truth
    assert ground_truth.covered(path) == (S, 3 * S)


def test_the_log_marks_once_a_minute_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / ground_truth.FILE_NAME
    with ground_truth.GroundTruthLog(path) as log:
        for second in range(60, 180):
            log.append([], second * S)
    assert [line.at for line in ground_truth.read(path)] == [60 * S, 120 * S]


def test_a_line_cut_by_a_crash_is_left_out_and_the_next_is_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / ground_truth.FILE_NAME
    with ground_truth.GroundTruthLog(path) as log:
        log.append([state(1, "running"), state(2, "down")], 3 * S)
    path.write_bytes(path.read_bytes()[:-20])
    with ground_truth.GroundTruthLog(path) as log:
        log.append([state(5, "running")], 6 * S)
    with caplog.at_level(logging.WARNING):
        lines = [line for line in ground_truth.read(path) if isinstance(line, TrueState)]
    assert [line.at for line in lines] == [S, 5 * S]
    assert "left out" in caplog.text


def test_no_path_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with ground_truth.GroundTruthLog(None) as log:
        log.append([state(1, "running")], 2 * S, last=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_log_covers_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / ground_truth.FILE_NAME
    path.write_text(text)
    assert ground_truth.covered(path) == (0, 0)
