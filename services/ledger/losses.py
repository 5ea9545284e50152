"""Where the time went: from calendar time down to fully productive time, adding up to the last nanosecond."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, NamedTuple

from broker.plant import Loss
from services.ledger.fields import TIME, Sums

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
    "fully-productive",
]
TOTALS: Final[frozenset[StepName]] = frozenset({"calendar", "planned", "running", "fully-productive"})
"""The steps that are what is left, rather than what is lost."""


class LossStep(NamedTuple):
    """One step: what is left so far (`TOTALS`) or what is lost, nanoseconds.

    A negative loss of speed means that pieces were made faster than their ideal cycle: the cycle is wrong.
    """

    name: StepName
    amount: int


def waterfall(sums: Sums) -> list[LossStep]:
    """Return the steps from calendar time to fully productive time.

    Calendar time less what is off, in maintenance and unknown is planned time; less stops of each kind, running time;
    less reduced speed and rejects, fully productive time: ideal time of the good pieces. Running time in which pieces
    without an ideal cycle were made cannot be split: it is a step of its own, `unrated`, in place of speed and quality.
    """

    def of(*fields: str) -> int:
        return sum(sums.get(field, 0) for field in fields)

    calendar = of(*TIME)
    off, maintenance, unknown = of("off_s"), of("maintenance_s"), of("unknown_s", "unknown_planned_s")
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
        LossStep("running", of("running_s")),
    ]
    if of("unrated"):
        return [*steps, LossStep("unrated", of("running_s") - of("ideal_good_s")), _productive(sums)]
    return [
        *steps,
        LossStep("speed", of("running_s") - of("ideal_s")),
        LossStep("quality", of("ideal_s") - of("ideal_good_s")),
        _productive(sums),
    ]


def six_big_losses(
    sums: Sums,
    reasons: Iterable[tuple[str, str, int]],
    loss_of: Callable[[str, str], Loss | None],
) -> Mapping[Loss, int]:
    """Return nanoseconds lost to each of the six big losses.

    Args:
        sums: of the ledger.
        reasons: (state, reason, nanoseconds) of the time for which a reason was told.
        loss_of: which loss a state and reason belong to; '' stands for time without a reason.
    """
    lost: dict[Loss, int] = dict.fromkeys(
        ("breakdown", "setup", "minor-stop", "speed", "startup-reject", "process-reject"), 0
    )
    left = {state: sums.get(f"{state}_s", 0) for state in ("setup", "down", "starved", "blocked", "idle")}
    for state, reason, amount in reasons:
        loss = loss_of(state, reason)
        if state in left and loss is not None:
            lost[loss] += amount
            left[state] -= amount
    for state, amount in left.items():
        loss = loss_of(state, "")
        if loss is not None:
            lost[loss] += amount
    if not sums.get("unrated", 0):
        lost["speed"] += sums.get("running_s", 0) - sums.get("ideal_s", 0)
        rejected = sums.get("ideal_s", 0) - sums.get("ideal_good_s", 0)
        bad = sums.get("produced", 0) - sums.get("good", 0)
        startup = rejected * min(sums.get("startup_scrap", 0), bad) // bad if bad > 0 else 0
        lost["startup-reject"] += startup
        lost["process-reject"] += rejected - startup
    return lost


def _productive(sums: Sums) -> LossStep:
    return LossStep("fully-productive", sums.get("ideal_good_s", 0))
