"""An autoclave: a load of laminates cures under pressure; its slowest part gates the holds, a lost vacuum scraps it."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final

from broker.contract.events import Value
from edge.simulation.floor.pieces import Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.machines.faults import drifted, warn_below
from edge.simulation.machines.measured import at_least, at_most
from edge.simulation.machines.model import Condition, FailureMode, Finding, Model, Pause
from edge.simulation.machines.signals import PROGRAM, Signal, units
from edge.simulation.physics import autoclave_cycle, cure

_SLOWEST_MIN: Final = (12, 25)
_USUAL_MIN: Final = sum(len(autoclave_cycle.minutes(slow)) for slow in range(12, 26)) / 14
_VACUUM_BAR: Final = -0.92
_PRESSURE_BAR: Final = 6.9
_LEAKS: Final = 0.012
"""Share of loads in which a bag leaks."""


class Autoclave(Model):
    """See the module."""

    shown: ClassVar[Mapping[str, Signal]] = {
        "air-temp": Signal("Air temperature", "Cel", 15, 186),
        **{
            f"part-temp-{place}": Signal(f"Temperature of part {place}", "Cel", 15, 186)
            for place in range(1, autoclave_cycle.PARTS + 1)
        },
        "pressure": Signal("Pressure", "bar", 0, 7),
        "bag-vacuum": Signal("Vacuum of the weakest bag", "bar", -0.97, 0),
        "leak-rate": Signal("Leak rate of the weakest bag", "mbar/min", 0, 5),
        "cure": Signal("Degree of cure of the slowest part", "1", 0, 1),
        "load-id": Signal("Load"),
        "program": PROGRAM,
    }
    signals: ClassVar[Mapping[str, str]] = units(shown)
    failures: ClassVar[tuple[FailureMode, ...]] = (
        FailureMode("vacuum-pump", "vacuum of the bags lost", 3, "bag-vacuum", 10),
        FailureMode("door-seal", "pressure does not hold", 2, "pressure", 12),
        FailureMode("circulation-fan", "fan of the air stands", 2),
        FailureMode("thermocouple", "thermocouple open", 2),
    )
    minor_stops: ClassVar[tuple[Pause, ...]] = (Pause("idle", "leak-test", 3), Pause("idle", "bag-check", 3))
    meters: ClassVar[Mapping[str, str]] = {"electricity": "kW.h", "nitrogen": "m3"}
    load: ClassVar[int] = 6
    inspects: ClassVar[bool] = True
    decides_alone: ClassVar[bool] = True
    checkpointed: ClassVar[tuple[str, ...]] = ("slowest_min", "leak_bar")

    def __init__(self, stream_for: Callable[[str], RandomStream]) -> None:
        super().__init__(stream_for)
        self.slowest_min = 18.0
        self.leak_bar = 0.0

    def begin(self, pieces: Sequence[Piece], now: Condition) -> float:
        """Draw how slow the slowest part is and whether a bag leaks; a slow part makes the cycle longer."""
        del pieces, now
        least, most = _SLOWEST_MIN
        self.slowest_min = float(least + int(self.process.uniform() * (most - least + 1)))
        self.leak_bar = 0.36 if self.process.happens(_LEAKS) else 0.02 * abs(self.process.normal())
        return len(self._cycle()) / _USUAL_MIN

    def sample(self, now: Condition, passed_s: float) -> dict[str, Value]:
        """Return what the autoclave reads out."""
        del passed_s
        noise = self.noise
        running = now.state == "running"
        minute = self._minute(now)
        pressed = min(1.0, now.progress / 0.12, (1 - now.progress) / 0.05) if now.progress else 0.0
        pressure = drifted(now, "pressure", _PRESSURE_BAR, 5.2) * max(0.0, pressed)
        vacuum = self._vacuum_bar(now) + 0.004 * noise() if running else 0.0
        leak_rate = 1.2 + 25 * (vacuum - _VACUUM_BAR) + 0.1 * noise() if running else 0.0
        if running:
            warn_below(self, "vacuum-weak", "vacuum of a bag weaker than −0.75 bar", max(1e-3, -vacuum), 0.75)
            if pressed == 1.0:
                warn_below(self, "pressure-low", "pressure below 6.2 bar", pressure, 6.2)
        heats = running and now.progress < 0.85
        self.power_kw = 1.5 if now.state == "off" else 6.0 + (22.0 if running else 0.0) + (110.0 if heats else 0.0)
        parts = minute.parts_cel
        return {
            "air-temp": round(minute.air_cel + 0.5 * noise(), 1),
            **{f"part-temp-{place}": round(part + 0.2 * noise(), 1) for place, part in enumerate(parts, 1)},
            "pressure": round(max(0.0, pressure + 0.01 * noise()), 3),
            "bag-vacuum": round(min(0.0, vacuum), 3),
            "leak-rate": round(max(0.0, leak_rate), 2),
            "cure": round(minute.cured, 4),
            "load-id": now.load_id,
            "program": now.product,
        }

    def spoiled(self, now: Condition) -> str:
        """Return that the vacuum was lost: such a load is porous throughout."""
        vacuum = self._vacuum_bar(now)
        return f"vacuum of a bag only {vacuum:.2f} bar: the load is porous" if vacuum > cure.WEAKEST_VACUUM_BAR else ""

    def finish(self, piece: Piece, now: Condition) -> list[Finding]:
        """Leave voids and a degree of cure."""
        porosity = cure.void_percent(self._vacuum_bar(now)) + 0.3 * abs(self.process.normal())
        cured = self._cycle()[-1].cured + 0.003 * self.process.normal()
        piece.error += 0.4 * (porosity - 0.4) + 0.25 * self.process.normal()
        return [at_most("porosity", porosity, 2.0, "%"), at_least("cure", cured, 0.80, 1.0, "1")]

    def used(self, meter: str, run_s: float) -> float:
        """Return the nitrogen: 40 m3 an hour of running, on average over a cycle."""
        del meter
        return run_s / 3600 * 40

    def _vacuum_bar(self, now: Condition) -> float:
        return drifted(now, "bag-vacuum", _VACUUM_BAR, -0.40) + self.leak_bar

    def _cycle(self) -> tuple[autoclave_cycle.Minute, ...]:
        return autoclave_cycle.minutes(round(self.slowest_min))

    def _minute(self, now: Condition) -> autoclave_cycle.Minute:
        cycle = self._cycle()
        return cycle[min(len(cycle) - 1, int(now.progress * len(cycle)))]
