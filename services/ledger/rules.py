"""What a machine's rows depend on besides its events: calendar, ideal cycles and limits, by the plant description."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from broker.plant.calendar import TimeRange
from broker.plant.plant import Plant
from services.ledger.fields import NANO
from services.ledger.readings.limits import Limits


class TimeRanges(Protocol):
    """What the ledger needs of a shift calendar."""

    def time_ranges(self, start: int, end: int) -> list[TimeRange]:
        """Return the planned and unplanned time ranges, covering [start, end) without gaps."""


class Rules(NamedTuple):
    """What a machine's rows depend on besides its events.

    Attributes:
        calendar: None where the machine has none; then it is planned whenever it is not off, in maintenance or unknown.
        short_ns: a stop shorter than this is a micro-stop.
        ideal_ns: nanoseconds a piece of a product, where the order has none; None where it is not known.
        max_power: the greatest electric power, 10⁻⁹ kW; None where it is not known.
        counter_max: the greatest value of its counters, 10⁻⁹; None where it is not known.
        silent_ns: the time without a message after which it is unknown; None where that is not set.
    """

    calendar: TimeRanges | None
    short_ns: int
    ideal_ns: Callable[[str], int | None]
    max_power: int | None = None
    counter_max: int | None = None
    silent_ns: int | None = None

    @property
    def limits(self) -> Limits:
        """What the machine can count."""
        return Limits(self.ideal_ns, self.max_power, self.counter_max)

    @classmethod
    def of(cls, plant: Plant, machine: str) -> "Rules":
        """Return a machine's rules from the plant description."""
        asset = plant.asset(machine)
        return cls(
            plant.calendar_of(machine),
            plant.microstop_limit_ns,
            _IdealCycles(plant, machine),
            None if asset.max_power is None else round(asset.max_power * NANO),
            None if asset.counter_max is None else round(asset.counter_max * NANO),
            plant.silent_ns(machine),
        )


class _IdealCycles:
    """Nanoseconds a piece of each product on a machine, by the plant description; equal to another of the same."""

    __slots__ = ("_machine", "_plant")

    def __init__(self, plant: Plant, machine: str) -> None:
        self._plant, self._machine = plant, machine

    def __call__(self, product: str) -> int | None:
        ideal_s = self._plant.ideal_cycle(self._machine, product)
        return None if ideal_s is None else round(ideal_s * NANO)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _IdealCycles) and self._plant is other._plant and self._machine == other._machine

    def __hash__(self) -> int:
        return hash((id(self._plant), self._machine))
