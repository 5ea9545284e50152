"""Losses of time: from calendar time down to fully productive time, adding up to the nanosecond.

A stop counts by its state, however short; the part in stops shorter than the plant's limit is also in the ledger's
`microstop_s`.
"""

from collections.abc import Callable, Iterable
from itertools import accumulate, pairwise
from typing import Final, Literal, NamedTuple

from broker.contract.events import State
from broker.plant.plant import LOSSES, Loss
from services.ledger.fields import TIME, Sums
from services.ledger.indicators.undefined import good_not_reported, never_counted, uncounted, unrated

StepName = Literal[
    "calendar",
    "off",
    "maintenance",
    "unknown",
    "planned",
    "no-order",
    "setup",
    "down",
    "starved",
    "blocked",
    "idle",
    "running",
    "unrated",
    "speed",
    "quality",
    "unjudged",
    "fully-productive",
]
TOTALS: Final[frozenset[StepName]] = frozenset({"calendar", "planned", "running", "fully-productive"})
"""The steps that are remaining time; the others are losses."""

_STOPS: Final[tuple[State, ...]] = ("setup", "down", "starved", "blocked", "idle")


class LossStep(NamedTuple):
    """One step: remaining time (`TOTALS`) or a loss, nanoseconds.

    A negative loss of speed means that pieces were made faster than their ideal cycle: the cycle is wrong.
    """

    name: StepName
    amount: int


def waterfall(sums: Sums) -> list[LossStep]:
    """Return the steps from calendar time to fully productive time; each total is the one before less the losses.

    Calendar time less what is off, in maintenance and unknown is planned time as far as it is known, PBT; less stops of
    each kind, running time, APT; less reduced speed and rejects, fully productive time: ideal time of the good pieces.
    So fully productive over planned is OEE. Running time with pieces that have no ideal cycle, or are not counted as
    produced, cannot be split: it is one step, `unrated`, in place of speed and quality. Ideal time of pieces that are
    reported neither good nor scrap is `unjudged` in place of quality.
    """

    def of(*fields: str) -> int:
        return sum(sums.get(field, 0) for field in fields)

    calendar = of(*TIME)
    off, maintenance, unknown = of("off_s"), of("maintenance_s"), of("unknown_s", "unknown_planned_s")
    running, ideal, productive = of("running_s"), of("ideal_s"), of("ideal_good_s")
    steps = [
        LossStep("calendar", calendar),
        LossStep("off", off),
        LossStep("maintenance", maintenance),
        LossStep("unknown", unknown),
        LossStep("planned", calendar - off - maintenance - unknown),
        LossStep("no-order", of("no_order_s")),
        LossStep("setup", of("setup_s")),
        LossStep("down", of("down_s")),
        LossStep("starved", of("starved_s")),
        LossStep("blocked", of("blocked_s")),
        LossStep("idle", of("idle_s")),
        LossStep("running", running),
    ]
    if unrated(sums) or uncounted(sums) or never_counted(sums):
        steps.append(LossStep("unrated", running - productive))
    else:
        steps.append(LossStep("speed", running - ideal))
        steps.append(LossStep("unjudged" if good_not_reported(sums) else "quality", ideal - productive))
    return [*steps, LossStep("fully-productive", productive)]


def six_big_losses(
    sums: Sums,
    reasons: Iterable[tuple[State, str, int]],
    loss_of: Callable[[State, str], Loss | None],
) -> dict[Loss, int]:
    """Return nanoseconds lost to each of the six big losses of TPM.

    Together they are planned busy time less time without an order and less fully productive time, where every state is
    a loss by `loss_of`, and ideal cycles and good pieces are reported. Loss of speed and rejects are left out where
    they are not. Rejects are start-up rejects in the share that start-up scrap has of all pieces that were not good.

    Args:
        sums: of the ledger.
        reasons: (state, reason, nanoseconds) of the time by reason; what is missing of a state's has none.
        loss_of: which loss a state and reason belong to (`Plant.loss_of`); '' stands for time without a reason.
    """
    lost: dict[Loss, int] = dict.fromkeys(LOSSES, 0)
    reported: dict[State, list[tuple[str, int]]] = {state: [] for state in _STOPS}
    for state, reason, amount in reasons:
        if state in reported:
            reported[state].append((reason, amount))
    for state in _STOPS:
        for reason, amount in _shared(sums.get(f"{state}_s", 0), reported[state]):
            loss = loss_of(state, reason)
            if loss is not None:
                lost[loss] += amount
    if not unrated(sums) and not uncounted(sums) and not never_counted(sums):
        lost["speed"] += sums.get("running_s", 0) - sums.get("ideal_s", 0)
        if not good_not_reported(sums):
            rejected = sums.get("ideal_s", 0) - sums.get("ideal_good_s", 0)
            bad = sums.get("produced", 0) - sums.get("good", 0)
            startup = rejected * min(sums.get("startup_scrap", 0), bad) // bad if bad > 0 else 0
            lost["startup-reject"] += startup
            lost["process-reject"] += rejected - startup
    return lost


def _shared(total: int, reported: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return a state's time by the reasons reported for it; the rest has the reason ''.

    Reasons for `idle` may add up to more than the state's own time, as they include time without an order: then the
    state's time is shared in proportion, to the nanosecond.
    """
    not_reported = min(sum(each for reason, each in reported if not reason), total)
    reported = [each for each in reported if each[0]]
    total -= not_reported
    amount = sum(each for _, each in reported)
    if amount <= total:
        return [*reported, ("", total - amount + not_reported)]
    bounds = [0, *(part * total // amount for part in accumulate(each for _, each in reported))]
    shared = [(reason, high - low) for (reason, _), (low, high) in zip(reported, pairwise(bounds), strict=True)]
    return [*shared, ("", not_reported)]
