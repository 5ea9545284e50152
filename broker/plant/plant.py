"""The master data of a plant: names, calendars, ideal cycles, targets, signals and reasons.

A plant is described in one TOML file, flat by asset path. A machine needs no entry to take part; the file holds what
messages do not: when a machine is planned to work, how fast it could run, what is normal. An asset inherits the
settings of those above it (site, area, line) unless it has its own; a machine that is not declared has those of the
nearest declared asset above it.

`parse` reads and validates the whole text; a file with mistakes is rejected as a whole, with the line of every mistake
and a hint. The tables under `simulate` are passed on as they are, for the simulator to validate; only the flow of a
line is read from them too, by the same rules as that of a line of real machines.
"""

from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, Final, Literal, get_args

import msgspec

from broker.contract import topics
from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_S, State
from broker.contract.names import is_name
from broker.plant.calendar import Calendar, Rules
from broker.plant.calendar_rules import read_rules, read_time_zone
from broker.plant.toml_tables import Document, Mistake, Table, nearest, shown

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
_RATIOS: Final = ("oee", "nee", "teep", "availability", "effectiveness", "quality")
_MICROSTOP_LIMIT_NS: Final = 300 * NS_PER_S


class PlantError(ValueError):
    """A plant file with mistakes.

    Attributes:
        mistakes: all of them, in the order of the file.
        problem: what is wrong with the first.
        hint: what to do about the first.
    """

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes
        self.problem = mistakes[0].problem
        self.hint = mistakes[0].hint


class SignalInfo(msgspec.Struct, frozen=True):
    """A signal: its UCUM unit, its normal band and the limits of its alarm, in that unit."""

    unit: str = ""
    title: str = ""
    low: float | None = None
    high: float | None = None
    alarm_low: float | None = None
    alarm_high: float | None = None


class AssetInfo(msgspec.Struct, frozen=True):
    """A declared asset, with the settings that it inherits filled in.

    Attributes:
        path: its asset path.
        title: its name for people, its own; '' if it has none.
        time_zone: an IANA zone, '' if none is set.
        calendar: the name of its calendar, '' if none is set.
        sector: tags of the industries that it stands for.
        capability: tags of the capabilities that it shows.
        ideal_cycle: seconds a piece where neither order nor product sets it; None if not set.
        targets: the target of each indicator, as a ratio or in the indicator's unit.
        signals: its signals by name.
        stages: of a line: the machines of each step of its flow, those of one step side by side; not inherited.
    """

    path: str
    title: str = ""
    time_zone: str = ""
    calendar: str = ""
    sector: tuple[str, ...] = ()
    capability: tuple[str, ...] = ()
    ideal_cycle: float | None = None
    targets: dict[str, float] = {}
    signals: dict[str, SignalInfo] = {}
    stages: tuple[tuple[str, ...], ...] = ()


class Flow(msgspec.Struct, frozen=True):
    """How pieces pass a line.

    Attributes:
        stages: the machines of each step, in the order of the flow, those of one step side by side: the last level of
            their paths.
        buffers: pieces that fit between two steps, one number fewer than stages; nothing where they are not known.
    """

    stages: tuple[tuple[str, ...], ...] = ()
    buffers: tuple[int, ...] = ()


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
        text: the source, for the store.
    """

    name: str = ""
    microstop_limit_ns: int = _MICROSTOP_LIMIT_NS
    assets: dict[str, AssetInfo] = {}
    products: dict[str, Product] = {}
    reasons: dict[str, Reason] = {}
    calendars: dict[str, NamedCalendar] = {}
    simulate: dict[str, Any] = {}
    simulated_flows: dict[str, Flow] = {}
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
    def _made(self) -> dict[tuple[str, str], Calendar]:
        return {}


NO_PLANT: Final = Plant()
"""A plant without a plant file."""


def load(path: Path | str) -> Plant:
    """Read a plant file.

    Raises:
        OSError: it cannot be read.
        PlantError: it has mistakes.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")  # Windows editors write a mark first
    except UnicodeDecodeError as error:
        line = Path(path).read_bytes().count(b"\n", 0, error.start) + 1
        mistake = Mistake(str(path), line, "", "this is not UTF-8", "save the file in the encoding UTF-8")
        raise PlantError((mistake,)) from error
    return parse(text, str(path))


def parse(text: str, source: str) -> Plant:
    """Read a plant from the text of its file.

    Args:
        text: TOML.
        source: the file's name, for messages.

    Raises:
        PlantError: the text has mistakes; all of them are in it.
    """
    document = Document(text, source)
    root = document.root
    limit_s = root.duration_s("microstop-limit")
    calendars = _calendars(root.table("calendar"))
    assets = _assets(root.table("asset"), calendars)
    simulate = root.table("simulate")
    plant = Plant(
        name=root.text("name") or "",
        microstop_limit_ns=_MICROSTOP_LIMIT_NS if limit_s is None else round(limit_s * NS_PER_S),
        assets=assets,
        products=_products(root.table("product")),
        reasons=_reasons(root.table("reason")),
        calendars=calendars,
        simulate=simulate.values,
        simulated_flows=_flows(simulate.table("line")),
        text=text,
    )
    root.close()
    if document.mistakes:
        raise PlantError(tuple(sorted(document.mistakes, key=lambda mistake: mistake.line)))
    return plant


def readable(name: str) -> str:
    """Make a name readable: `friction-stir-2` is `Friction stir 2`."""
    words = name.replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def _calendars(table: Table) -> dict[str, NamedCalendar]:
    found = {}
    for name in table:
        _check_name(table, name)
        inner = table.table(name)
        found[name] = NamedCalendar(read_rules(inner), read_time_zone(inner) or "")
        inner.close()
    return found


def _assets(table: Table, calendars: dict[str, NamedCalendar]) -> dict[str, AssetInfo]:
    """Read the assets in the order of the file, each with the settings of those above it."""
    found: dict[str, AssetInfo] = {}
    for path in sorted(table, key=lambda path: path.count("/")):
        inner = table.table(path)
        try:
            topics.check_asset(path)
        except ContractError as error:
            inner.wrong((), error.problem, error.hint)
        above = path
        while above and (above == path or above not in found):
            above = above.rpartition("/")[0]
        found[path] = _asset(path, inner, found.get(above, AssetInfo("")), calendars)
    return {path: found[path] for path in table}


def _asset(path: str, table: Table, above: AssetInfo, calendars: dict[str, NamedCalendar]) -> AssetInfo:
    info = AssetInfo(
        path=path,
        title=table.text("title") or "",
        time_zone=read_time_zone(table) or above.time_zone,
        calendar=_calendar_name(table, calendars) or above.calendar,
        sector=table.texts("sector") or above.sector,
        capability=table.texts("capability") or above.capability,
        ideal_cycle=table.duration_s("ideal-cycle") or above.ideal_cycle,
        targets=above.targets | _targets(table.table("targets")),
        signals=above.signals | _signals(table.table("signals"), above.signals),
        stages=_stages(path, table),
    )
    table.close()
    return info


def _flows(lines: Table) -> dict[str, Flow]:
    """Read the flows of the simulated lines; the other keys of these tables are for the simulator."""
    found = {}
    for path in lines:
        line = lines.table(path)
        if stages := _stages(path, line):
            found[path] = Flow(stages, _buffers(line))
    return found


def _stages(path: str, table: Table) -> tuple[tuple[str, ...], ...]:
    found = table.array("stages")
    if found and path.count("/") != 2:
        table.wrong("stages", "only a line has stages", "write them at a path of three levels, site/area/line")
    good = all(isinstance(stage, list) and stage and all(isinstance(name, str) for name in stage) for stage in found)
    if not good:
        table.wrong("stages", "these are not stages", 'write stages = [["mill-1", "mill-2"], ["cmm-1"]]')
        return ()
    machines = list(chain.from_iterable(found))
    for name in dict.fromkeys(machines):
        if not is_name(name):
            table.wrong("stages", f"{shown(name)} is not a machine's name", "write the last level of its path, mill-1")
        if machines.count(name) > 1:
            table.wrong("stages", f"{shown(name)} stands in it twice", "name each machine in one stage, once")
    return tuple(map(tuple, found))


def _buffers(table: Table) -> tuple[int, ...]:
    found = table.array("buffers")
    if not all(isinstance(places, int) and not isinstance(places, bool) and places > 0 for places in found):
        table.wrong("buffers", "these are not buffers", "write how many pieces fit between two stages, as in [8, 8]")
        return ()
    return tuple(found)


def _calendar_name(table: Table, calendars: dict[str, NamedCalendar]) -> str | None:
    name = table.text("calendar")
    if name is not None and name not in calendars:
        table.wrong("calendar", f"no calendar is named {shown(name)}", nearest(name, calendars, "the calendars are"))
        return None
    return name


def _targets(table: Table) -> dict[str, float]:
    found = {}
    for indicator in table:
        value = table.number(indicator)
        if value is None:
            continue
        if indicator in _RATIOS and not 0 <= value <= 1:
            table.wrong(indicator, f"{value:g} is not a ratio", "write a part of one, as in 0.72 for 72 %")
        found[indicator] = float(value)
    return found


def _signals(table: Table, above: dict[str, SignalInfo]) -> dict[str, SignalInfo]:
    found = {}
    for name in table:
        _check_name(table, name)
        inner = table.table(name)
        given: dict[str, Any] = {key: inner.text(key) for key in ("unit", "title")}
        given |= {key.replace("-", "_"): inner.number(key) for key in ("low", "high", "alarm-low", "alarm-high")}
        inner.close()
        own = {key: value for key, value in given.items() if value is not None}
        signal = msgspec.structs.replace(above.get(name, SignalInfo()), **own)
        limits = [
            limit for limit in (signal.alarm_low, signal.low, signal.high, signal.alarm_high) if limit is not None
        ]
        if limits != sorted(limits):
            inner.wrong((), "the limits are not in order", "let alarm-low ≤ low ≤ high ≤ alarm-high")
        found[name] = signal
    return found


def _products(table: Table) -> dict[str, Product]:
    found = {}
    for name in table:
        inner = table.table(name)
        title = inner.text("title") or ""
        cycles: dict[str, float] = {}
        if isinstance(inner.value("ideal-cycle"), dict):
            by_asset = inner.table("ideal-cycle")
            for asset in by_asset:
                seconds = by_asset.duration_s(asset)
                try:
                    topics.check_asset(asset)
                except ContractError as error:
                    by_asset.wrong(asset, error.problem, error.hint)
                cycles |= {} if seconds is None else {asset: seconds}
        else:
            seconds = inner.duration_s("ideal-cycle")
            cycles = {} if seconds is None else {"": seconds}
        inner.close()
        found[name] = Product(title, cycles)
    return found


def _reasons(table: Table) -> dict[str, Reason]:
    found = {}
    for code in table:
        _check_name(table, code)
        inner = table.table(code)
        title = inner.text("title") or ""
        loss: Any = inner.choice("loss", (*LOSSES, "set-up"))
        inner.close()
        found[code] = Reason(title, "setup" if loss == "set-up" else loss)
    return found


def _check_name(table: Table, name: str) -> None:
    if not is_name(name):
        hint = "use 1 to 32 of a-z, 0-9 and -, beginning with a letter or digit"
        table.wrong(name, f"{shown(name)} is not a name", hint)
