"""The master data of a plant: names, calendars, ideal cycles, targets, signals and reasons, and the questions to them.

A plant is described in one TOML file (`plant_file`), flat by asset path. A machine needs no entry to take part; the
file holds what messages do not: when a machine is planned to work, how fast it could run, what is normal. An asset
inherits the settings of those above it (site, area, line) unless it has its own; a machine that is not declared has
those of the nearest declared asset above it.
"""

from functools import cached_property
from typing import Any, Final, Literal, get_args

import msgspec

from broker.contract.events import NS_PER_S, State
from broker.plant.assets import AssetInfo, SignalInfo
from broker.plant.calendar import Calendar
from broker.plant.flow import Flow
from broker.plant.material_flow import MaterialFlow
from broker.plant.shift_rules import Rules

Loss = Literal["breakdown", "setup", "minor-stop", "speed", "startup-reject", "process-reject"]
"""The six big losses of TPM."""
LOSSES: Final[tuple[Loss, ...]] = get_args(Loss)

_LOSS_OF_STATE: Final[dict[State, Loss]] = {
    "down": "breakdown",
    "setup": "setup",
    "starved": "minor-stop",
    "blocked": "minor-stop",
    "idle": "minor-stop",
}
MICROSTOP_LIMIT_NS: Final = 300 * NS_PER_S


class Product(msgspec.Struct, frozen=True):
    """A product: its title, and its ideal cycle in seconds a piece, by asset path ('' for everywhere else)."""

    title: str = ""
    ideal_cycles: dict[str, float] = {}


class Reason(msgspec.Struct, frozen=True):
    """A reason code: its title, and the loss that its time belongs to, None for that of the state."""

    title: str = ""
    loss: Loss | None = None


class NamedCalendar(msgspec.Struct, frozen=True):
    """A calendar's rules, and their time zone for assets without one ('' for none)."""

    rules: Rules
    time_zone: str = ""


class Plant(msgspec.Struct, frozen=True, dict=True):
    """A plant as its file describes it.

    Attributes:
        name: what the plant is called.
        microstop_limit_ns: a stop shorter than this is a micro-stop, nanoseconds.
        assets: the declared assets by path.
        products: the products by the name that orders use.
        reasons: the reason codes.
        calendars: the calendars by name.
        simulate: the tables under `simulate`, as they stand.
        simulated_flows: the flows of the simulated lines, by the line's path.
        material_flows: the flows of material between lines, by name.
        text: the source, for the store.
    """

    name: str = ""
    microstop_limit_ns: int = MICROSTOP_LIMIT_NS
    assets: dict[str, AssetInfo] = {}
    products: dict[str, Product] = {}
    reasons: dict[str, Reason] = {}
    calendars: dict[str, NamedCalendar] = {}
    simulate: dict[str, Any] = {}
    simulated_flows: dict[str, Flow] = {}
    material_flows: dict[str, MaterialFlow] = {}
    text: str = ""

    def asset(self, path: str) -> AssetInfo:
        """Return an asset's settings: its own declaration, else that of the nearest asset above it."""
        above = path
        while above not in self.assets:
            above, slash, _ = above.rpartition("/")
            if not slash:
                return AssetInfo(path)
        return self.assets[above]

    def title(self, asset: str) -> str:
        """Return an asset's title, or the last level of its path made readable (`mill-1` is `Mill 1`)."""
        declared = self.assets.get(asset)
        return (declared.title if declared else "") or readable(asset.rpartition("/")[2])

    def calendar_of(self, asset: str) -> Calendar | None:
        """Return the calendar that an asset works by, in its time zone; None if it has none."""
        info = self.asset(asset)
        if not info.calendar:
            return None
        zone = self.time_zone_of(asset)
        calendar = self._made.get((info.calendar, zone))
        if calendar is None:
            calendar = self._made[info.calendar, zone] = Calendar(self.calendars[info.calendar].rules, zone)
        return calendar

    def time_zone_of(self, asset: str) -> str:
        """Return an asset's time zone: its own, that of an asset above it, that of its calendar, or UTC."""
        info = self.asset(asset)
        calendar = self.calendars.get(info.calendar)
        return info.time_zone or (calendar.time_zone if calendar else "") or "UTC"

    def ideal_cycle(self, machine: str, product: str) -> float | None:
        """Return the ideal cycle of a product on a machine, seconds a piece; None if none is set.

        The product's for that machine or an asset above it counts first, then the product's, then the machine's.
        """
        cycles = self.products[product].ideal_cycles if product in self.products else {}
        above = machine if cycles else ""
        while above:
            if above in cycles:
                return cycles[above]
            above = above.rpartition("/")[0]
        return cycles.get("", self.asset(machine).ideal_cycle)

    def load_size(self, asset: str) -> float:
        """Return the most pieces that a machine at or under an asset finishes and counts together, as declared."""
        below = self._load_sizes_below
        return max(self.asset(asset).load_size, below.get(asset, 1.0)) if below else 1.0

    def silent_ns(self, machine: str) -> int | None:
        """Return the time without a message after which a machine is unknown, nanoseconds; None if that is not set."""
        limit_s = self.asset(machine).silent_after
        return None if limit_s is None else round(limit_s * NS_PER_S)

    def targets(self, asset: str) -> dict[str, float]:
        """Return the targets of an asset, by the indicator's id."""
        return self.asset(asset).targets

    def stages(self, line: str) -> list[list[str]]:
        """Return the machines of each step of a line's flow, first step first; nothing where none is declared."""
        return [[f"{line}/{machine}" for machine in stage] for stage in self.flow(line).stages]

    def flow(self, line: str) -> Flow:
        """Return how pieces pass a line: as its asset declares it, else as it is simulated; empty where neither is."""
        simulated = self.simulated_flows.get(line, Flow())
        declared = self.assets.get(line, AssetInfo(line)).stages
        return Flow(declared) if declared and declared != simulated.stages else simulated

    def signal_info(self, machine: str, signal: str) -> SignalInfo | None:
        """Return a machine's signal as the plant file describes it; None if it does not."""
        return self.asset(machine).signals.get(signal)

    def is_text(self, machine: str, signal: str) -> bool:
        """Return whether a signal is declared as text: a number that comes as text stays a text there."""
        info = self.signal_info(machine, signal)
        return info is not None and info.type == "text"

    def loss_of(self, state: State, reason: str) -> Loss | None:
        """Return which of the six big losses time in a state is, None if it is none.

        The loss of a stop is that of its reason, else that of its state: breakdown for `down`, set-up for `setup`,
        minor stop for `starved`, `blocked` and `idle`. Running time, and time without planned production or known state
        (`maintenance`, `off`, `unknown`), is none of them.
        """
        loss = _LOSS_OF_STATE.get(state)
        declared = self.reasons.get(reason)
        return declared.loss if loss and declared and declared.loss else loss

    def machines(self) -> list[str]:
        """Return the paths of the declared machines, in the order of the file."""
        return [path for path in self.assets if path.count("/") == 3]

    def lines(self) -> list[str]:
        """Return the paths of the lines that are declared or have a declared machine, in the order of the file."""
        return self._level(3)

    def children(self, asset: str) -> list[str]:
        """Return the paths one level below an asset ('' for the sites), declared or with something declared below."""
        level = asset.count("/") + 2 if asset else 1
        return [path for path in self._level(level) if not asset or path.startswith(asset + "/")]

    def _level(self, level: int) -> list[str]:
        cut = ("/".join(path.split("/")[:level]) for path in self.assets if path.count("/") >= level - 1)
        return list(dict.fromkeys(cut))

    @cached_property
    def _load_sizes_below(self) -> dict[str, float]:
        """The greatest load size that is declared below an asset, for those with one."""
        found: dict[str, float] = {}
        for path, info in self.assets.items():
            above = path if info.load_size > 1 else ""
            while above:
                above = above.rpartition("/")[0]
                found[above] = max(found.get(above, 1.0), info.load_size)
        return found

    @cached_property
    def _made(self) -> dict[tuple[str, str], Calendar]:
        return {}


NO_PLANT: Final = Plant()
"""A plant without a plant file."""


def readable(name: str) -> str:
    """Make a name readable: `friction-stir-2` is `Friction stir 2`."""
    words = name.replace("-", " ").strip()
    return words[:1].upper() + words[1:]
