"""The live state: what every machine last reported, so that a screen can be drawn at any moment and then updated.

The live state is a table of *facts*, each under an asset path and a name: `state`, `count`, `signal/spindle-temp`,
`alarm/e-204` … A fact is the newest by event time, not by arrival. Every change of a fact gets the next revision, and
facts are stored in the order of their changes: "what changed since revision n?" is read from the end of the table, at
the cost of the answer. A client that falls behind asks with an older revision and gets each fact once, as it is now:
there is no queue that could grow.

Pure: messages and times go in, plain values for JSON come out (times as milliseconds since 1970-01-01 UTC).
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from broker.contract.codec import decode
from broker.contract.errors import ContractError
from broker.contract.events import (
    COUNTERS,
    NS_PER_MS,
    NS_PER_S,
    AnyEvent,
    Count,
    Event,
    Job,
    Notice,
    Sample,
    StateChange,
    Status,
)
from broker.contract.kinds import of_machines
from broker.contract.leniency import DeclaredText, never_text
from broker.contract.message import Message
from broker.contract.names import is_name
from broker.contract.retained import is_snapshot
from broker.contract.topics import PREFIX, is_our_own
from services.ledger import presence
from services.ledger.orders import ends_order
from services.query.current_state import CurrentState, of_group, of_machine
from services.store import failures
from services.wall.facts import Value, fact_of, ms
from services.wall.machine_state import Fact, Machine
from services.wall.received_messages import ReceivedMessage

MOST_MACHINES: Final = 20_000
MOST_FACTS: Final = 1_000
"""Facts held of one machine; a device that invents names without end must not fill the memory."""
MOST_FACTS_IN_ALL: Final = 100_000
"""Facts held of all machines, some 40 MB; those of a machine that came later are not shown."""
MOST_MESSAGES: Final = 200
_SIGNS_OF_LIFE: Final = of_machines()
SILENT_AFTER_NS: Final = 60 * NS_PER_S
"""A machine that sent nothing for this long, and for ten times its usual pause, is marked silent."""


class LiveState:
    """The live state of everything under one topic prefix.

    Args:
        prefix: of all topics.
        is_text: whether a signal is declared as text.
    """

    def __init__(self, prefix: str = PREFIX, is_text: DeclaredText = never_text) -> None:
        self._prefix = prefix
        self._is_text = is_text
        self._facts: dict[tuple[str, str], Fact] = {}
        self._groups: dict[str, CurrentState] = {}
        self._members: dict[str, list[str]] = {}
        self._dirty: set[str] = set()
        self._received: deque[ReceivedMessage] = deque(maxlen=MOST_MESSAGES)
        self._rejected: deque[ReceivedMessage] = deque(maxlen=MOST_MESSAGES)
        self._rejected_by_minute: dict[int, int] = {}
        self.machines: dict[str, Machine] = {}
        self.follow: Callable[[Sequence[AnyEvent]], None] = lambda _: None
        """Is given the events of each message: a message is decoded once, for all who need it."""
        self.revision = 0
        self.roster = 0
        """Changes when a machine comes or goes."""
        self.messages = 0
        self.rejected_count = 0
        self.newest: int | None = None
        self.rate = 0.0
        self._counted = 0

    # ---- What goes in ----

    def declare(self, path: str) -> None:
        """Give a machine a place before it has spoken, because a plant description names it."""
        self._machine(path)

    def restore_machine(self, path: str, first: int, last: int, *, simulated: bool) -> None:
        """Take in a machine that spoke before this picture began: when first, and when last (ns)."""
        machine = self._machine(path)
        if machine is not None and machine.seen is None:
            machine.first, machine.seen, machine.simulated = first, last, simulated
            self._report_state(path, machine)
            self._report_device(path, machine)

    def retire(self, path: str, at: int) -> bool:
        """Take a machine out that was retired, unless it has reported since; return whether it was there."""
        machine = self.machines.get(path)
        if machine is None or (machine.seen is not None and machine.seen > at):
            return False
        self._update_groups()
        del self.machines[path]
        self.roster += 1
        for group in _groups_of(path):
            self._members[group].remove(path)
            if self._members[group]:
                self._dirty.add(group)
            else:
                del self._members[group]
                self._groups.pop(group, None)
                self._facts.pop((group, "state"), None)
        for key in [key for key in self._facts if key[0] == path]:
            del self._facts[key]
        return True

    def restore_events(self, events: Iterable[AnyEvent]) -> None:
        """Take in events from the store, as they were before this picture began."""
        for event in events:
            try:
                machine = self._machine(event.asset)
                if machine is not None:
                    self._apply(event, machine)
                    self._see_life(event, machine)
            except Exception as error:  # noqa: BLE001  (one stored event must not stop the start)
                failures.note("recalling an event", error, asset=event.asset, kind=event.kind)

    def receive(self, message: Message) -> ReceivedMessage | None:
        """Add one message. Returns what came of it, or None for one that is no machine's.

        A message that causes an unforeseen failure is rejected.
        """
        number = self.messages + 1
        try:
            events = decode(message, prefix=self._prefix, is_text=self._is_text)
            if is_our_own(message.topic, self._prefix):
                return None
        except ContractError as error:
            received = ReceivedMessage.of(number, message, problem=error.problem, hint=error.hint)
            self._reject(received)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is this message's)
            received = self._set_aside(number, message, error)
        else:
            received = ReceivedMessage.of(number, message, events)
            try:
                self._take_in(message, events)
            except Exception as error:  # noqa: BLE001  (the same)
                received = self._set_aside(number, message, error)
        self.messages = number
        self._received.append(received)
        return received

    def count_rejected(self, times: Iterable[tuple[int, int]]) -> None:
        """Count messages rejected before the start, given the times (ns) at which so many were."""
        for at, count in times:
            self._count_rejected(at, count)

    def tick(self, now: int, elapsed_s: float) -> None:
        """Bring up to date what changes with time: rates, silences and groups; call it a few times a second.

        Args:
            now: the time, nanoseconds.
            elapsed_s: real seconds since the last tick that was given any; 0 leaves the rates as they are.
        """
        for path, machine in self.machines.items():
            try:
                self._tick_machine(path, machine, now, elapsed_s)
            except Exception as error:  # noqa: BLE001  (the others go on)
                failures.note("bringing a machine up to date", error, asset=path)
        if elapsed_s > 0:
            self.rate = _smoothed(self.rate, (self.messages - self._counted) / elapsed_s)
            self._counted = self.messages
        self._update_groups()
        for minute in [minute for minute in self._rejected_by_minute if minute <= now // (60 * NS_PER_S) - 60]:
            del self._rejected_by_minute[minute]

    # ---- What comes out ----

    def changes(self, since: int, wanted: Callable[[str, str], bool]) -> dict[str, dict[str, Value]]:
        """Return the facts that changed after revision `since`, as path → name → value.

        Args:
            since: a former `revision`; 0 means everything.
            wanted: whether the asker wants the fact of this path and name.
        """
        self._update_groups()
        reported: dict[str, dict[str, Value]] = {}
        for (path, name), fact in reversed(self._facts.items()):
            if fact.revision <= since:
                break
            if wanted(path, name):
                reported.setdefault(path, {})[name] = fact.value
        return reported

    def received(self, since: int, most: int = 40) -> list[ReceivedMessage]:
        """Return the newest messages after number `since`, oldest first, at most `most`."""
        newest: list[ReceivedMessage] = []
        for received in reversed(self._received):
            if received.number <= since or len(newest) == most:
                break
            newest.append(received)
        return newest[::-1]

    def rejections(self, since: int = 0) -> list[ReceivedMessage]:
        """Return the newest rejected messages after number `since`, oldest first."""
        return [received for received in self._rejected if received.number > since]

    def rejected_last_hour(self, now: int) -> int:
        """Return how many messages were rejected in the hour before `now` (by whole minutes)."""
        first = now // (60 * NS_PER_S) - 60
        return sum(count for minute, count in self._rejected_by_minute.items() if minute > first)

    def current_state(self, path: str) -> CurrentState | None:
        """Return the current state of a machine or group; None for one that is not known."""
        self._update_groups()
        machine = self.machines.get(path)
        return machine.current_state if machine else self._groups.get(path)

    def groups(self) -> Iterator[str]:
        """Yield the paths of lines, areas and sites that have machines."""
        return iter(list(self._members))

    def members(self, path: str) -> list[str]:
        """Return the machines under a line, area or site ('' for all)."""
        return list(self._members.get(path, ()))

    # ---- Inside ----

    def _set_aside(self, number: int, message: Message, error: Exception) -> ReceivedMessage:
        failures.note("showing a message", error, topic=message.topic)
        problem = f"the program fails on it: {failures.in_words(error)}"
        hint = "report it with this message; the others are shown"
        received = ReceivedMessage.of(number, message, problem=problem, hint=hint)
        self._reject(received)
        return received

    def _take_in(self, message: Message, events: list[AnyEvent]) -> None:
        if not message.retained:
            self.newest = max(self.newest or 0, message.received_at)
        machine = self._machine(events[0].asset) if events else None
        if machine is not None:
            self._note(message, events[0], machine)
            for event in _newest(events):
                self._apply(event, machine)
                self._see_life(event, machine)
            self.follow(events)

    def _tick_machine(self, path: str, machine: Machine, now: int, elapsed_s: float) -> None:
        silent = (machine.seen is not None and now - machine.seen > max(SILENT_AFTER_NS, 10 * machine.pause_ns)) or (
            machine.seen is None and machine.first is not None
        )
        if silent != machine.silent:
            machine.silent = silent
            self._report_state(path, machine)
        if elapsed_s > 0 and (machine.messages != machine.last_count or machine.rate):
            machine.rate = _smoothed(machine.rate, (machine.messages - machine.last_count) / elapsed_s)
            machine.last_count = machine.messages
            self._report_device(path, machine)

    def _machine(self, path: str) -> Machine | None:
        machine = self.machines.get(path)
        if machine is None and len(self.machines) < MOST_MACHINES:
            machine = self.machines[path] = Machine()
            self.roster += 1
            for group in _groups_of(path):
                self._members.setdefault(group, []).append(path)
            self._report_state(path, machine)
        return machine

    def _note(self, message: Message, event: Event, machine: Machine) -> None:
        """Record what a message shows of its device: last seen, rate, and whether its clock is right."""
        machine.messages += 1
        machine.kinds[event.kind] = machine.kinds.get(event.kind, 0) + 1
        machine.simulated = event.simulated if machine.simulated is None else machine.simulated or event.simulated
        if machine.first is None:
            machine.first = min(message.received_at, event.at)
        if message.retained or event.time_source == "retained" or event.kind not in _SIGNS_OF_LIFE:
            return
        if machine.seen is not None:
            pause = max(0, message.received_at - machine.seen)
            machine.pause_ns += (pause - machine.pause_ns) / 8
        machine.seen = max(machine.seen or 0, message.received_at)
        if event.time_source == "device":
            machine.clock_difference_ns = message.received_at - event.at

    def _apply(self, event: AnyEvent, machine: Machine) -> None:
        path = event.asset
        match event:
            case StateChange():
                if _newer(event, machine.reported_state):
                    machine.reported_state = event
                    self._report_state(path, machine)
            case Status():
                if not event.online and not is_snapshot(event):
                    event = msgspec.structs.replace(event, at=max(event.at, machine.newest_at))
                if _newer(event, machine.status):
                    if event.online and machine.status is not None and not machine.status.online:
                        machine.back_at = event.at
                    machine.status = event
                    self._report_state(path, machine)
            case Count():
                former = self._facts.get((path, "count"))
                value = dict(former.value) if former else {}
                value |= {name: reported for name in COUNTERS if (reported := getattr(event, name)) is not None}
                self._set(path, "count", value | {"at": ms(event.at)}, event)
            case Job() if self._ends_another(event):
                pass
            case _:
                name, value = fact_of(event)
                if name:
                    self._set(path, name, value, event)
                if isinstance(event, Notice):
                    self._take_alarm(path, name, machine)

    def _see_life(self, event: AnyEvent, machine: Machine) -> None:
        """Let a message end an offline before it; an offline never counts from before the newest message."""
        if is_snapshot(event) or not presence.is_sign(event):
            return
        machine.newest_at = max(machine.newest_at, event.at)
        status = machine.status
        if status is not None and not status.online and event.at > status.at:
            machine.back_at = event.at
            machine.status = Status(asset=event.asset, at=event.at, online=True, simulated=event.simulated)
            self._report_state(event.asset, machine)

    def _ends_another(self, event: Job) -> bool:
        """Return whether this is the end of an order that another one has ended before."""
        on = self._facts.get((event.asset, "job"))
        return on is not None and event.phase == "end" and not ends_order(event.order, on.value["order"])

    def _take_alarm(self, path: str, name: str, machine: Machine) -> None:
        """Record which alarms are on, by the newest known of each: a machine's state includes them."""
        fact = self._facts.get((path, name))
        machine.alarms.pop(name, None)
        if fact is not None and fact.value["active"] and fact.value["severity"] == "alarm":
            machine.alarms[name] = fact.value
        self._report_state(path, machine)

    def _set(self, path: str, name: str, value: Value, event: Event) -> None:
        key = (path, name)
        former = self._facts.get(key)
        weak = event.time_source == "retained"
        if former is not None:
            if (weak and not former.weak) or (event.at < former.at and weak == former.weak):
                return
            del self._facts[key]
        else:
            machine = self.machines[path]
            if machine.facts >= MOST_FACTS or len(self._facts) >= MOST_FACTS_IN_ALL:
                return
            machine.facts += 1
        self.revision += 1
        self._facts[key] = Fact(value, event.at, self.revision, weak)

    def _report(self, path: str, name: str, value: Value) -> None:
        """Set a fact that the picture itself worked out."""
        former = self._facts.get((path, name))
        if former is not None:
            if former.value == value:
                return
            del self._facts[path, name]
        self.revision += 1
        self._facts[path, name] = Fact(value, 0, self.revision)

    def _report_state(self, path: str, machine: Machine) -> None:
        machine.current_state = of_machine(machine.reported_state, machine.status, machine.back_at)
        reported = _current_state(machine.current_state) | {"silent": machine.silent}
        if machine.silent:
            reported["heard"] = ms(machine.seen)
        if machine.status is not None:
            reported["online"] = machine.status.online
        if machine.simulated is not None:
            reported["simulated"] = machine.simulated
        if machine.alarms:
            name, newest = next(reversed(machine.alarms.items()))
            reported["alarm"] = newest["text"] or name.removeprefix("alarm/")
            reported["alarms"] = len(machine.alarms)
        self._report(path, "state", reported)
        self._dirty.update(_groups_of(path))

    def _report_device(self, path: str, machine: Machine) -> None:
        difference = machine.clock_difference_ns
        self._report(
            path,
            "device",
            {
                "first": ms(machine.first),
                "seen": ms(machine.seen),
                "rate": round(machine.rate, 2),
                "messages": machine.messages,
                "kinds": dict(machine.kinds),
                "clock_ms": None if difference is None else round(difference / NS_PER_MS, 1),
                "refused": machine.rejected,
                "simulated": machine.simulated,
            },
        )

    def _update_groups(self) -> None:
        """Update the current state of groups whose machines changed."""
        for group in self._dirty:
            try:
                self._update_group(group)
            except Exception as error:  # noqa: BLE001  (the others go on)
                failures.note("working out how a group stands", error, asset=group)
        self._dirty.clear()

    def _update_group(self, group: str) -> None:
        machines = [(path, self.machines[path].current_state) for path in self._members[group]]
        current_state, tally = of_group(machines, self._groups.get(group))
        self._groups[group] = current_state
        simulated = {self.machines[path].simulated for path in self._members[group]} - {None}
        reported = _current_state(current_state) | {"tally": tally}
        if simulated:
            reported["simulated"] = all(simulated)
        self._report(group, "state", reported)

    def _reject(self, received: ReceivedMessage) -> None:
        self.rejected_count += 1
        self._rejected.append(received)
        if not received.message.retained:
            self._count_rejected(received.message.received_at)
        levels = received.message.topic.removeprefix(self._prefix + "/").split("/")[:4]
        if len(levels) == 4 and all(map(is_name, levels)):
            machine = self._machine("/".join(levels))
            if machine is not None:
                machine.rejected += 1
                machine.messages += 1
                machine.first = machine.first or received.message.received_at
                if not received.message.retained:
                    machine.seen = max(machine.seen or 0, received.message.received_at)

    def _count_rejected(self, at: int, count: int = 1) -> None:
        minute = at // (60 * NS_PER_S)
        self._rejected_by_minute[minute] = self._rejected_by_minute.get(minute, 0) + count


def _current_state(current_state: CurrentState) -> dict[str, Value]:
    reported: dict[str, Value] = {
        "state": current_state.state,
        "since": ms(current_state.since),
        "reason": current_state.reason,
    }
    if current_state.machine:
        reported["machine"] = current_state.machine
    if current_state.of_unknown_age:
        reported["of_unknown_age"] = True
    return reported


def _newest(events: list[AnyEvent]) -> list[AnyEvent]:
    """Return those events of a message that can be shown: of evenly spaced samples the last."""
    first, last = events[0], events[-1]
    spaced = isinstance(first, Sample) and isinstance(last, Sample) and first.signal == last.signal
    return events[-1:] if spaced else events


def _newer(event: StateChange | Status, former: StateChange | Status | None) -> bool:
    """Return whether an event replaces a former one: newer by its own time; one of unknown age never does."""
    if former is None:
        return True
    if event.time_source == "retained":
        return former.time_source == "retained"
    return former.time_source == "retained" or event.at >= former.at


def _groups_of(path: str) -> list[str]:
    """Return the line, area and site of a machine, and '' for everything."""
    levels = path.split("/")
    return ["/".join(levels[:depth]) for depth in range(len(levels))]


def _smoothed(former: float, current: float) -> float:
    """Return an exponential mean; what is nearly zero is zero, so that a silent machine no longer changes."""
    value = former + (current - former) / 3 if former else current
    return value if value > 0.005 else 0.0
