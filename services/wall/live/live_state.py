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
    AnyEvent,
    Count,
    Job,
    Notice,
    Sample,
    StateChange,
    Status,
)
from broker.contract.lenient.leniency import DeclaredText, never_text
from broker.contract.message import Message
from broker.contract.names import is_name
from broker.contract.retained import is_snapshot
from broker.contract.topics import PREFIX, is_our_own
from services.ledger import presence
from services.ledger.orders import ends_order
from services.query.states.current_state import CurrentState, of_machine
from services.store import failures
from services.wall.live.fact_table import FactTable
from services.wall.live.facts import Value, fact_of, ms, reported_state
from services.wall.live.group_states import GroupStates
from services.wall.live.machine_state import Machine, smoothed
from services.wall.live.received_messages import MOST_MESSAGES, ReceivedMessage
from services.wall.live.rejections import Rejections

MOST_MACHINES: Final = 20_000


class LiveState:
    """The live state of everything under one topic prefix.

    Args:
        prefix: of all topics.
        is_text: whether a signal is declared as text.
    """

    def __init__(self, prefix: str = PREFIX, is_text: DeclaredText = never_text) -> None:
        self._prefix = prefix
        self._is_text = is_text
        self._facts = FactTable()
        self._received: deque[ReceivedMessage] = deque(maxlen=MOST_MESSAGES)
        self.rejected = Rejections()
        self.machines: dict[str, Machine] = {}
        self._groups = GroupStates(self.machines, self._facts)
        self.follow: Callable[[Sequence[AnyEvent]], None] = lambda _: None
        """Is given the events of each message: a message is decoded once, for all who need it."""
        self.roster = 0
        """Changes when a machine comes or goes."""
        self.messages = 0
        self.newest: int | None = None
        self.rate = 0.0
        self._counted = 0

    @property
    def revision(self) -> int:
        """The revision of the newest change of a fact."""
        return self._facts.revision

    # ---- What goes in ----

    def declare(self, path: str, *, connected: bool = False) -> None:
        """Give a machine a place before it has reported, because a plant description names it.

        Args:
            path: the machine.
            connected: a real device is expected for it.
        """
        machine = self._machine(path)
        if machine is not None and connected:
            machine.awaited = True
            self._report_state(path, machine)

    def restore_machine(self, path: str, first: int, last: int, *, simulated: bool) -> None:
        """Restore a machine that reported before the wall started: when first, and when last (ns)."""
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
        self._groups.update()
        del self.machines[path]
        self.roster += 1
        self._groups.remove(path)
        self._facts.drop(path)
        return True

    def restore_events(self, events: Iterable[AnyEvent]) -> None:
        """Restore from the store's events what was so before the wall started."""
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
                self._add(message, events)
            except Exception as error:  # noqa: BLE001  (the same)
                received = self._set_aside(number, message, error)
        self.messages = number
        self._received.append(received)
        return received

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
            self.rate = smoothed(self.rate, (self.messages - self._counted) / elapsed_s)
            self._counted = self.messages
        self._groups.update()
        self.rejected.drop_old(now)

    # ---- What comes out ----

    def changes(self, since: int, wanted: Callable[[str, str], bool]) -> dict[str, dict[str, Value]]:
        """Return the facts that changed after revision `since`, as path → name → value.

        Args:
            since: a former `revision`; 0 means everything.
            wanted: whether the asker wants the fact of this path and name.
        """
        self._groups.update()
        return self._facts.changes(since, wanted)

    def received(self, since: int, most: int = 40) -> list[ReceivedMessage]:
        """Return the newest messages after number `since`, oldest first, at most `most`."""
        newest: list[ReceivedMessage] = []
        for received in reversed(self._received):
            if received.number <= since or len(newest) == most:
                break
            newest.append(received)
        return newest[::-1]

    def current_state(self, path: str) -> CurrentState | None:
        """Return the current state of a machine or group; None for one that is not known."""
        self._groups.update()
        machine = self.machines.get(path)
        return machine.current_state if machine else self._groups.state(path)

    def groups(self) -> Iterator[str]:
        """Yield the paths of lines, areas and sites that have machines."""
        return iter(self._groups)

    def members(self, path: str) -> list[str]:
        """Return the machines under a line, area or site ('' for all)."""
        return self._groups.members(path)

    # ---- Inside ----

    def _set_aside(self, number: int, message: Message, error: Exception) -> ReceivedMessage:
        failures.note("showing a message", error, topic=message.topic)
        problem = f"the program fails on it: {failures.in_words(error)}"
        hint = "report it with this message; the others are shown"
        received = ReceivedMessage.of(number, message, problem=problem, hint=hint)
        self._reject(received)
        return received

    def _add(self, message: Message, events: list[AnyEvent]) -> None:
        if not message.retained:
            self.newest = max(self.newest or 0, message.received_at)
        machine = self._machine(events[0].asset) if events else None
        if machine is not None:
            machine.note(message, events[0])
            for event in _newest(events):
                self._apply(event, machine)
                self._see_life(event, machine)
            self.follow(events)

    def _tick_machine(self, path: str, machine: Machine, now: int, elapsed_s: float) -> None:
        silent = machine.is_silent(now)
        has_joined = machine.awaited and machine.first is not None
        if silent != machine.silent or has_joined:
            machine.silent, machine.awaited = silent, machine.awaited and not has_joined
            self._report_state(path, machine)
        if elapsed_s > 0 and (machine.messages != machine.last_count or machine.rate):
            machine.measure_rate(elapsed_s)
            self._report_device(path, machine)

    def _machine(self, path: str) -> Machine | None:
        machine = self.machines.get(path)
        if machine is None and len(self.machines) < MOST_MACHINES:
            machine = self.machines[path] = Machine()
            self.roster += 1
            self._groups.add(path)
            self._report_state(path, machine)
        return machine

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
                value = dict(self._facts.get(path, "count") or {})
                value |= {name: reported for name in COUNTERS if (reported := getattr(event, name)) is not None}
                self._facts.put(path, "count", value | {"at": ms(event.at)}, event, machine)
            case Job() if self._ends_another(event):
                pass
            case _:
                name, value = fact_of(event)
                if name:
                    self._facts.put(path, name, value, event, machine)
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
        on = self._facts.get(event.asset, "job")
        return on is not None and event.phase == "end" and not ends_order(event.order, on["order"])

    def _take_alarm(self, path: str, name: str, machine: Machine) -> None:
        """Record which alarms are on, by the newest known of each: a machine's state includes them."""
        value = self._facts.get(path, name)
        machine.alarms.pop(name, None)
        if value is not None and value["active"] and value["severity"] == "alarm":
            machine.alarms[name] = value
        self._report_state(path, machine)

    def _report_state(self, path: str, machine: Machine) -> None:
        is_awaited = machine.awaited and machine.first is None
        machine.current_state = of_machine(
            machine.reported_state, machine.status, machine.back_at, is_awaited=is_awaited
        )
        reported = reported_state(machine.current_state) | {"silent": machine.silent}
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
        self._facts.put_current(path, "state", reported)
        self._groups.mark(path)

    def _report_device(self, path: str, machine: Machine) -> None:
        self._facts.put_current(path, "device", machine.device())

    def _reject(self, received: ReceivedMessage) -> None:
        self.rejected.add(received)
        levels = received.message.topic.removeprefix(self._prefix + "/").split("/")[:4]
        if len(levels) == 4 and all(map(is_name, levels)):
            machine = self._machine("/".join(levels))
            if machine is not None:
                machine.rejected += 1
                machine.messages += 1
                machine.first = machine.first or received.message.received_at
                if not received.message.retained:
                    machine.seen = max(machine.seen or 0, received.message.received_at)


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
