"""What a soak is to be, and what came of it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cli.soak.verdict import Verdict
from cli.soak.watch import Growth, Usage

BrokerKind = Literal["mosquitto", "nats"]
StoreKind = Literal["sqlite", "influxdb"]


@dataclass(frozen=True)
class Settings:
    """What a soak is to be.

    Attributes:
        length_s: how long things go wrong, seconds.
        rate: messages a second, of all devices.
        devices: how many.
        broker: which.
        store: which.
        seed: of chance.
        folder: an empty one, for everything that the soak writes.
    """

    length_s: float
    rate: float
    devices: int
    broker: BrokerKind
    store: StoreKind
    seed: int
    folder: Path


@dataclass
class Outcome:
    """What came of it.

    Attributes:
        settings: what was asked for.
        took_s: how long devices published.
        drained_s: how long it took from then until all was stored; None if it never was.
        interrupted: it was ended before its time.
        verdict: on the messages and the ledger; None if it did not come to that.
        faults: what went wrong, and how often.
        own_ends: how often a process ended by itself, by name.
        longest_catch_up_s: from the end of a fault until the store was up to date again.
        wall_knows: how many of the devices the wall shows in the end; None if it does not answer.
        growth: memory and descriptors of each process.
        usage: the samples behind it.
    """

    settings: Settings
    took_s: float = 0.0
    drained_s: float | None = None
    interrupted: bool = False
    verdict: Verdict | None = None
    faults: dict[str, int] = field(default_factory=dict)
    own_ends: dict[str, int] = field(default_factory=dict)
    longest_catch_up_s: float = 0.0
    wall_knows: int | None = None
    growth: list[Growth] = field(default_factory=list)
    usage: Usage | None = None

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, doubled or made otherwise, nothing grows, and the wall shows every device."""
        return (
            self.verdict is not None
            and self.verdict.is_good
            and self.drained_s is not None
            and all(each.flat is not False for each in self.growth)
            and self.wall_knows == self.settings.devices
        )
