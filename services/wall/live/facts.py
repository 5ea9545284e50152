"""Facts: what a screen shows of an event, as a name and a value for JSON (times in milliseconds since 1970-01-01 UTC).

States, device status and counts are not here: the live state computes them from more than one event.
"""

from collections.abc import Callable
from typing import Any, Final

from broker.contract.events import NS_PER_MS, AnyEvent, Job, Labour, Material, Measurement, Meter, Notice, Sample
from services.query.states.current_state import CurrentState

Value = Any
"""A value for JSON; its content is documented where it is made."""


def fact_of(event: AnyEvent) -> tuple[str, Value]:
    """Return the name and value of the fact that an event is; the name is '' for one that is none."""
    reporter = _REPORTERS.get(type(event))
    return ("", None) if reporter is None else reporter(event)


def ms(ns: int | None) -> int | None:
    """Return nanoseconds as whole milliseconds."""
    return None if ns is None else ns // NS_PER_MS


def reported_state(current_state: CurrentState) -> dict[str, Value]:
    """Return a state as a fact has it."""
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


def _sample(event: Sample) -> tuple[str, Value]:
    """Time, value, unit; and a 1 where the value is of unknown age."""
    of_unknown_age = [1] if event.time_source == "retained" else []
    return f"signal/{event.signal}", [ms(event.at), event.value, event.unit, *of_unknown_age]


def _job(event: Job) -> tuple[str, Value]:
    """The order on the machine, '' where one has ended."""
    started = event.phase == "start"
    return "job", {
        "order": event.order if started else "",
        "product": event.product if started else "",
        "planned": event.planned,
        "ideal_cycle_s": event.ideal_cycle,
        "since": ms(event.at),
    }


def _measurement(event: Measurement) -> tuple[str, Value]:
    return f"quality/{event.characteristic}", {
        "at": ms(event.at),
        "value": event.value,
        "lower": event.lower,
        "nominal": event.nominal,
        "upper": event.upper,
        "part": event.part,
        "unit": event.unit,
    }


def _material(event: Material) -> tuple[str, Value]:
    return f"material/{event.name}", {
        "at": ms(event.at),
        "consumed": event.consumed,
        "stock": event.stock,
        "unit": event.unit,
    }


def _notice(event: Notice) -> tuple[str, Value]:
    return f"alarm/{event.code}", {
        "at": ms(event.at),
        "severity": event.severity,
        "text": event.text,
        "active": event.active,
    }


_REPORTERS: Final[dict[type, Callable[[Any], tuple[str, Value]]]] = {
    Sample: _sample,
    Job: _job,
    Meter: lambda event: (
        f"meter/{event.name}",
        {"at": ms(event.at), "total": event.total, "unit": event.unit},
    ),
    Measurement: _measurement,
    Labour: lambda event: ("labour", {"at": ms(event.at), "present": event.present, "working": event.working}),
    Material: _material,
    Notice: _notice,
}
