"""A castings line that supplies a machining line, simulated for two days: its plant, its events, and what is true."""

from functools import cache
from typing import NamedTuple

from broker.contract.events import NS_PER_S, AnyEvent, Part
from broker.plant.plant import Plant
from edge.simulation import districts
from edge.simulation.simulation import SamplingIntervals, Simulation

SUPPLIER, CUSTOMER = "sheffield/castings/line-1", "sheffield/machining/line-1"
START = 1_795_507_200 * NS_PER_S
HOURS = 60


class Chain(NamedTuple):
    """The plant, all of its events, and of those the part events."""

    plant: Plant
    events: list[AnyEvent]
    parts: list[Part]

    def made_of_castings(self) -> list[Part]:
        """Return the part events with which pieces began that were made from castings of the run, oldest first."""
        return [event for event in self.parts if event.source.startswith("wo-")]

    def passes(self, serial: str, line: str) -> list[Part]:
        """Return the part events of a piece of a line, in order of time."""
        found = [event for event in self.parts if event.part == serial and event.asset.startswith(f"{line}/")]
        return sorted(found, key=lambda event: event.at)


@cache
def chain(*districts_shown: str) -> Chain:
    """Simulate districts, both of the chain if none is named; their meters report each minute."""
    plant = districts.plant(districts_shown or ("sheffield/machining", "sheffield/castings"))
    simulation = Simulation(plant, START)
    simulation.sampling = SamplingIntervals(30 * NS_PER_S, 60 * NS_PER_S)
    events = [event for event in simulation.run_until(START + HOURS * 3_600 * NS_PER_S) if event.kind != "telemetry"]
    return Chain(plant, events, [event for event in events if isinstance(event, Part)])
