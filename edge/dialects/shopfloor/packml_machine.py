"""Simulated machines with PackML tags: what `packml` reads, from events of the contract.

A state is its text, and a mode where the machine is set up or maintained. Signals are parameters. Good pieces follow
from those processed and those defective.
"""

from collections.abc import Sequence
from typing import Final

from broker.contract.events import AnyEvent, Count, Job, Sample, State, StateChange
from broker.contract.message import Publication
from edge.dialects.speaking import Speaker

PRODUCTION: Final = "Production"
STATES: Final[dict[State, tuple[str, str]]] = {
    "running": ("Execute", PRODUCTION),
    "starved": ("Suspended", PRODUCTION),
    "blocked": ("Suspended", PRODUCTION),
    "idle": ("Idle", PRODUCTION),
    "down": ("Aborted", PRODUCTION),
    "setup": ("Idle", "Setup"),
    "maintenance": ("Stopped", "Maintenance"),
    "off": ("Stopped", PRODUCTION),
    "unknown": ("", PRODUCTION),
}
"""The text of each state, and its mode; PackML has one state for starved and blocked, and none for off."""


class PackMLMachines(Speaker):
    """See the module."""

    loses = (
        "Times: a tag has that of its receipt.",
        "That the machine is simulated, and whether it is online.",
        "The reason of a state. `blocked` comes back as `starved`, `off` as `idle`.",
        "Orders, products and serial numbers; of an order the ideal cycle comes back.",
        "Pieces reworked, inspected or scrapped at the start; good ones are those processed less those defective.",
        "Units; the signal `load` comes back as `parameter-load`; truth values as 0 and 1; empty texts.",
        "Meters, measurements, materials, crews, alarms and commands.",
    )

    def __init__(self) -> None:
        self._sent: dict[str, str] = {}

    def publications(self, event: AnyEvent) -> Sequence[Publication]:
        """Return the tags that change; all are retained."""
        return [
            Publication(topic, value.encode(), qos=1, retain=True)
            for tag, value in _tags(event)
            if self._is_new(topic := f"{event.asset}/{tag}", value)
        ]

    def _is_new(self, topic: str, value: str) -> bool:
        before, self._sent[topic] = self._sent.get(topic), value
        return value != before or "/Parameter/" in topic


def _tags(event: AnyEvent) -> list[tuple[str, str]]:
    match event:
        case StateChange():
            word, mode = STATES[event.state]
            tags = [("Status/UnitModeCurrentStr", mode), ("Status/StateCurrentStr", word)]
            # The mode overrides the state, so it comes first and goes last: no state in between is anyone's.
            return tags[::-1] if mode == PRODUCTION else tags
        case Count():
            # The defective ones first: of one more piece that is defective, no more are good.
            counters = (("ProdDefectiveCount", event.scrap), ("ProdProcessedCount", event.produced))
            return [(f"Admin/{tag}/0/AccCount", _text(value)) for tag, value in counters if value is not None]
        case Job(ideal_cycle=float() as cycle):
            return [("Admin/MachDesignSpeed", _text(60 / cycle))]
        case Sample():
            return [(f"Status/Parameter/{event.signal}/Value", _text(event.value))]
    return []


def _text(value: float | bool | str) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return value if isinstance(value, str) else repr(value)
