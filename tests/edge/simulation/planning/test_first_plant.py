"""Each trade's first plant file is a valid plant whose line makes good pieces."""

from collections import Counter

import pytest

from broker.contract.events import NS_PER_S
from broker.plant.plant import Plant
from broker.plant.plant_file import parse
from edge.simulation.event_buffer import TruePiece
from edge.simulation.machines import MODELS
from edge.simulation.planning import plan
from edge.simulation.planning.first_plant import text_for
from edge.simulation.planning.trades import TRADES
from edge.simulation.simulation import SamplingIntervals, Simulation

SILENT = SamplingIntervals(10**18, 10**18)
MONDAY = 1_764_547_200 * NS_PER_S


def first_plant(trade: str) -> Plant:
    return parse(text_for(trade, TRADES[trade]), "plant.toml")


@pytest.mark.parametrize("trade", TRADES)
def test_every_machine_of_a_trade_makes_good_pieces(trade: str) -> None:
    plant = first_plant(trade)
    simulation = Simulation(plant, MONDAY)
    simulation.sampling = SILENT
    longest_s = max(station.ideal_s for station in TRADES[trade].stations)
    simulation.run_until(MONDAY + round(40 * longest_s + 43_200) * NS_PER_S)
    made = [one for one in simulation.take_ground_truth() if isinstance(one, TruePiece)]
    good = Counter(one.asset for one in made if one.fate == "good")
    assert good.keys() == set(plant.machines())
    assert good.total() > len(made) / 2


@pytest.mark.parametrize("trade", TRADES)
def test_a_trade_has_three_or_four_machines_with_titles_calendar_cycles_and_signals(trade: str) -> None:
    plant = first_plant(trade)
    floor = plan.read(plant.simulate)
    assert 3 <= len(plant.machines()) <= 4
    assert list(floor.machine) == plant.machines()
    for path, machine in floor.machine.items():
        assert plant.assets[path].title
        assert plant.calendar_of(path) is not None
        assert all(plant.ideal_cycle(path, product) for product in TRADES[trade].products)
        assert plant.asset(path).signals.keys() <= MODELS[machine.model].signals.keys()
        for failure in MODELS[machine.model].failures:
            assert plant.loss_of("down", failure.reason) == "breakdown"
            assert not failure.signal or plant.signal_info(path, failure.signal)


def test_the_parts_of_the_file_are_explained() -> None:
    for trade in TRADES:
        comments = [line for line in text_for(trade, TRADES[trade]).splitlines() if line.startswith("# ")]
        assert len(comments) > 8, trade
