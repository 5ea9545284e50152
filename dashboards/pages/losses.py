"""What was lost, as tables: the six big losses with a cumulative share, stops by reason, pieces against the plan."""

from collections.abc import Sequence
from typing import Final

from broker.contract.events import State
from broker.plant.plant import LOSSES, Loss, Plant
from dashboards import looks, panels
from dashboards.grafana import Ask, Object, Tile
from dashboards.names import LEVELS, MACHINE
from dashboards.page import link_to, link_to_wall
from dashboards.pages.parts import PLACE_PX, SPEED, STOPS
from dashboards.queries import RANGE, Cut, grouped, scope, term, total
from dashboards.targets import of_others, targets

TITLES: Final[dict[Loss, str]] = {
    "breakdown": "Breakdowns",
    "setup": "Set-up and adjustment",
    "minor-stop": "Idling and minor stops",
    "speed": "Reduced speed",
    "startup-reject": "Start-up rejects",
    "process-reject": "Process rejects",
}
_STATES: Final[tuple[State, ...]] = ("setup", "down", "starved", "blocked", "idle")
_SHARE: Final[Object] = {"unit": looks.RATIO, "decimals": 1}
_BAR: Final[Object] = _SHARE | {
    "min": 0,
    "max": 1,
    "color": looks.fixed(looks.WAIT),
    "custom.cellOptions": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
}


def losses(plant: Plant, *, size: tuple[int, int] = (10, 9)) -> Tile:
    """Return the six big losses of TPM as a Pareto: the greatest on top, and how much it is with those above."""
    return panels.table(
        "Six big losses",
        "What each of the six big losses of TPM took of planned time, and what it took together with those above it:"
        " the last is what OEE lacks to 100 %, but for time without an order. A stop's loss is that of its reason.",
        [Ask(six_big_losses(plant), table=True)],
        {
            "Field": ("Loss", {}),
            "Last *": ("Of planned time", _BAR | {"custom.width": 160}),
            "cumulative": ("With those above", _SHARE | {"custom.width": 150}),
        },
        more=[
            {
                "id": "reduce",
                "options": {"mode": "seriesToRows", "reducers": ["lastNotNull"], "includeTimeField": False},
            },
            {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": "Last *", "desc": True}]}},
            {
                "id": "calculateField",
                "options": {
                    "mode": "cumulativeFunctions",
                    "cumulative": {"field": "Last *", "reducer": "sum"},
                    "alias": "cumulative",
                    "replaceFields": False,
                },
            },
        ],
        size=size,
    )


def six_big_losses(plant: Plant) -> str:
    """Ask for each of the six big losses as a share of planned time, one column each."""
    sums = total(
        {
            "breakdown": "down_s",
            "setup": "setup_s",
            "minor-stop": 'sum("starved_s") + sum("blocked_s") + sum("idle_s")',
            "speed": SPEED,
            "rejects": 'sum("ideal_s") - sum("ideal_good_s")',
            "startup": "startup_scrap",
            "bad": 'sum("produced") - sum("good")',
            "PBT": term("PBT"),
        }
    )
    names = ("breakdown", "setup", "minor-stop", "speed", "rejects", "startup", "bad", "PBT")
    together = ", ".join(f'sum("{name}") AS "{name}"' for name in names)
    sources = ", ".join(f"({source})" for source in (sums, *_moved(plant)))
    shares: dict[Loss, str] = {loss: f'"{loss}" / "PBT"' for loss in LOSSES}
    shares["startup-reject"] = '"rejects" * "startup" / "bad" / "PBT"'
    shares["process-reject"] = '"rejects" / "PBT" - "rejects" * "startup" / "bad" / "PBT"'
    wanted = ", ".join(f'{shares[loss]} AS "{title}"' for loss, title in TITLES.items())
    return f'SELECT {wanted} FROM (SELECT {together} FROM {sources}) WHERE "PBT" > 0'


def _moved(plant: Plant) -> list[str]:
    """Return queries that take the time of reasons away from the loss of their state and add it to their own."""
    found = []
    for state in _STATES:
        usual = plant.loss_of(state, "")
        for loss in LOSSES:
            codes = [code for code in plant.reasons if loss != usual and plant.loss_of(state, code) == loss]
            if codes and usual:
                chosen = scope(more=f'"state" = \'{state}\' AND "reason" =~ /^({"|".join(sorted(codes))})$/')
                found.append(
                    f'SELECT sum("seconds") AS "{loss}", -1 * sum("seconds") AS "{usual}" FROM "ledger_reason"'
                    f" WHERE {RANGE} AND {chosen}"
                )
    return found


def stops(plant: Plant, places: Sequence[str], *, size: tuple[int, int] = (14, 9)) -> Tile:
    """Return stops by machine and reason: how long, how often, how long each.

    Args:
        plant: titles of reasons.
        places: the levels that are not chosen on the page, which distinguish its machines.
        size: in the grid.
    """
    by = (*places, "state", "reason")
    chosen = scope(more=f'"state" =~ /^({"|".join(STOPS)})$/')
    sums = (
        'SELECT sum("seconds") AS "seconds", sum("entries") AS "entries" FROM "ledger_reason"'
        f" WHERE {RANGE} AND {chosen}{grouped(by)}"
    )
    query = (
        f'SELECT "seconds", "entries", "seconds" / "entries" AS "each" FROM ({sums}) WHERE "seconds" > 0{grouped(by)}'
    )
    return panels.table(
        "Stops",
        "How long and how often machines stood still, by state and reported reason, the longest on top.",
        [Ask(query, table=True)],
        {
            **{level: (level.capitalize(), {"custom.width": PLACE_PX[level]}) for level in places},
            "state": ("State", {"mappings": looks.as_list(looks.states()), "custom.width": 80}),
            "reason": ("Reason", {"mappings": looks.as_list(looks.reasons(plant))}),
            "seconds": ("Time", {"unit": looks.SECONDS, "custom.width": 110}),
            "entries": ("Stops", {"unit": looks.PIECES, "decimals": 0, "custom.width": 65}),
            "each": ("Each", {"unit": looks.SECONDS, "custom.width": 90}),
        },
        sort=("Time", True),
        size=size,
    )


def plan(plant: Plant, *, size: tuple[int, int] = (24, 8)) -> Tile:
    """Return good pieces of each machine against those that its target plans in the time that it had."""
    cut = Cut(LEVELS)
    asks = []
    for target in targets(plant, "oee", "machine") or [of_others(plant, "oee", "machine")]:
        sums = total(
            {"good": "good", "PBT": term("PBT"), "PQ": term("PQ"), "ideal": "ideal_s"},
            cut._replace(where=scope(more=target.where)),
        )
        planned = f'{target.value} * "PBT" * "PQ" / "ideal"'
        asks.append(
            Ask(
                f'SELECT "good", {planned} AS "planned", "good" - {planned} AS "difference",'
                f' "ideal" / "PQ" AS "cycle" FROM ({sums}) WHERE "ideal" > 0{grouped(LEVELS)}',
                table=True,
            )
        )
    count: Object = {"unit": looks.PIECES, "decimals": 0}
    behind = looks.as_object(looks.thresholds(((None, looks.WAIT), (0, looks.PLAIN))))
    return panels.table(
        "Plan against actual",
        "Good pieces against those that the target OEE plans: target x planned time with known state / ideal cycle.",
        asks,
        {
            "site": ("Site", {}),
            "area": ("Area", {}),
            "line": ("Line", {}),
            "machine": ("Machine", {"links": [link_to(MACHINE, *LEVELS), link_to_wall(*LEVELS)]}),
            "planned": ("Planned", count),
            "good": ("Good", count),
            "difference": (
                "Difference",
                count | {"thresholds": behind, "custom.cellOptions": {"type": "color-text"}},
            ),
            "cycle": ("Ideal cycle", {"unit": looks.CYCLE, "decimals": 0}),
        },
        sort=("Difference", False),
        size=size,
    )
