"""The time of machines that have long been silent: their last report still holds, and no rows are written."""

from collections import Counter
from collections.abc import Iterable

from services.kpi.machine import Machine
from services.ledger.fields import Sums, add
from services.ledger.rows import sums as summed


def time_since(machines: Iterable[Machine], start: int, end: int) -> Sums:
    """Return the sums over start ≤ t < end of what no row of these machines holds: from where their rows end.

    Machines that are in the same state under the same calendar are computed once, however many they are.
    """
    total: Sums = {}
    alike: Counter[tuple[object, ...]] = Counter()
    one: dict[tuple[object, ...], Machine] = {}
    for machine in machines:
        begin = max(start, machine.until)
        if begin >= end:
            continue
        history = machine.history
        if history.labour.times or history.stocks:  # amounts of their own
            add(total, _sums(machine, begin, end))
            continue
        counted = history.counted_from is not None
        on = history.jobs.at(begin) is not None
        key: tuple[object, ...] = (id(machine.rules.calendar), history.state_at(begin).state, on, counted, begin)
        alike[key] += 1
        one.setdefault(key, machine)
    for key, machine in one.items():
        sums = _sums(machine, max(start, machine.until), end)
        add(total, {field: amount * alike[key] for field, amount in sums.items()})
    return total


def _sums(machine: Machine, start: int, end: int) -> Sums:
    total: Sums = {}
    for sums in summed(machine.history, start, end, machine.rules).sums.values():
        add(total, sums)
    return total
