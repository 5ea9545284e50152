"""Alert rules: OEE below target, devices silent or offline, messages rejected, lag, the store full.

A rule asks, reduces each series to one number, and compares it. Ledger and events are asked over a time that ends now;
a series that stops would merely vanish from the answer, so silence is asked for as a count that is zero.
"""

import zlib
from collections.abc import Iterator
from typing import Any, Final

from broker.plant.plant import Plant
from broker.server.mosquitto_stack import PROBE
from dashboards import looks
from dashboards.grafana import EXPRESSION, Ask, InfluxQuery, Object, alerting
from dashboards.names import FOLDER, LEDGER, LEVELS, RAW
from dashboards.queries import Cut, grouped, indicator

_PERIOD: Final = "$timeFilter"
_HOUR_S: Final = 3_600
_DAY_S: Final = 24 * _HOUR_S
_LINE: Final = ("site", "area", "line")
_FULL_PERCENT: Final = 90
_LONGEST_UID: Final = 40
_NOT_THE_PROBE: Final = " OR ".join(
    f"\"{level}\" != '{name}'" for level, name in zip(LEVELS, PROBE.split("/"), strict=True)
).join("()")
"""`stack check` publishes for a moment, and then is silent by right."""
_PLACE: Final = "/".join(f"{{{{ $labels.{level} }}}}" for level in LEVELS)


def rules(plant: Plant) -> list[alerting.RuleGroup]:
    """Return all rules, in groups that are evaluated once a minute."""
    return [
        _group("Corridor production", list(_below_target(plant))),
        _group("Corridor data", [_offline(), _silent(), _rejected(), _lag(), _ledger_lag(), _full()]),
    ]


def _below_target(plant: Plant) -> Iterator[alerting.Rule]:
    """Yield a rule for each line of the plant file with its own target, and one for all other lines."""
    others: list[str] = []
    for path in plant.lines():
        if "oee" not in plant.targets(path):
            continue
        levels = dict(zip(_LINE, path.split("/"), strict=True))
        where = " AND ".join(f"\"{level}\" = '{value}'" for level, value in levels.items())
        others.append("(" + " OR ".join(f"\"{level}\" != '{value}'" for level, value in levels.items()) + ")")
        yield _oee(f"OEE of {path} below target", path.replace("/", "-"), where, looks.target_of(plant, "oee", path))
    where = " AND ".join(others) or "\"site\" != ''"
    yield _oee("OEE below target", "other-lines", where, looks.target_of(plant, "oee"))


def _oee(title: str, name: str, where: str, target: float) -> alerting.Rule:
    return _rule(
        f"oee-{name}",
        title,
        Ask(indicator("oee", Cut(_LINE, where=where, during=_PERIOD))),
        ("lt", target),
        over_s=_HOUR_S,
        for_="15m",
        summary="OEE of {{ $labels.site }}/{{ $labels.area }}/{{ $labels.line }} over the last hour is"
        f" {{{{ humanizePercentage $values.B.Value }}}}; its target is {target:.0%}.",
    )


def _offline() -> alerting.Rule:
    query = f'SELECT last("online") AS "online" FROM "status" WHERE {_PERIOD}{grouped(LEVELS)}'
    return _rule(
        "offline",
        "Device offline",
        Ask(query, source=RAW),
        ("lt", 1),
        over_s=30 * _DAY_S,
        for_="5m",
        summary=f"{_PLACE} is not connected, as it or its last will reported.",
    )


def _silent() -> alerting.Rule:
    return _rule(
        "silent",
        "Device silent",
        Ask(_samples_within("10m", LEVELS), source=RAW),
        ("lt", 1),
        over_s=_DAY_S,
        for_="5m",
        summary=f"{_PLACE} sent samples in the last day, and none in the last 10 minutes.",
    )


def _rejected() -> alerting.Rule:
    return _rule(
        "refused",
        "Messages rejected",
        Ask(f'SELECT sum("count") AS "refused" FROM "rejected" WHERE {_PERIOD}', source=RAW),
        ("gt", 0),
        over_s=_HOUR_S // 6,
        for_="0s",
        summary="{{ $values.B.Value }} messages of the last 10 minutes could not be understood; the page Data quality"
        " shows which, and why.",
    )


def _lag() -> alerting.Rule:
    return _rule(
        "lag",
        "Samples are not stored",
        Ask(_samples_within("2m", ()), source=RAW),
        ("lt", 1),
        over_s=_DAY_S,
        for_="2m",
        summary="No sample of the last 2 minutes is in the store: ingest, broker or store stands still.",
    )


def _ledger_lag() -> alerting.Rule:
    known = f'SELECT 0 * last("running_s") AS "n" FROM "ledger" WHERE {_PERIOD}'
    recent = 'SELECT count("running_s") AS "n" FROM "ledger" WHERE time > now() - 4m'
    return _rule(
        "ledger-lag",
        "The ledger stands still",
        Ask(f'SELECT sum("n") AS "n" FROM ({known}), ({recent})', source=LEDGER),
        ("lt", 1),
        over_s=_DAY_S,
        for_="2m",
        summary="The ledger has no row of the last 4 minutes: the kpi service stands still, or no device is known.",
    )


def _full() -> alerting.Rule:
    query = (
        f'SELECT last("value") AS "used" FROM "telemetry" WHERE {_PERIOD} AND "signal" = \'disk-used\'{grouped(LEVELS)}'
    )
    return _rule(
        "store-full",
        "Store full",
        Ask(query, source=RAW),
        ("gt", _FULL_PERCENT),
        over_s=_HOUR_S,
        for_="10m",
        summary=f'The disk of {_PLACE} is {{{{ printf "%.0f" $values.B.Value }}}} % full; when it is full, nothing'
        " more is stored. Shorten the retention, or give it more room.",
    )


def _samples_within(period: str, by: tuple[str, ...]) -> str:
    """Ask how many samples came within a period that ends now: 0 from who sent some before, no answer from others."""
    known = f'SELECT 0 * last("value") AS "n" FROM "telemetry" WHERE {_PERIOD} AND {_NOT_THE_PROBE}{grouped(by)}'
    recent = f'SELECT count("value") AS "n" FROM "telemetry" WHERE time > now() - {period}{grouped(by)}'
    return f'SELECT sum("n") AS "n" FROM ({known}), ({recent}){grouped(by)}'


def _group(title: str, members: list[alerting.Rule]) -> alerting.RuleGroup:
    for rule in members:
        rule.rule_group, rule.folder_uid, rule.org_id = title, FOLDER, 1
    return alerting.RuleGroup(title=title, folder_uid=FOLDER, interval=60, rules=members)


def _rule(
    name: str, title: str, ask: Ask, compare: tuple[str, float], *, over_s: int, for_: str, summary: str
) -> alerting.Rule:
    """Return a rule: ask (A), reduce each series to its last number (B), compare (C)."""
    evaluator = {"type": compare[0], "params": [compare[1]]}
    return alerting.Rule(
        uid=_uid(name),
        title=title,
        condition="C",
        for_val=for_,
        no_data_state="OK",
        exec_err_state="Error",
        data=[
            _step("A", ask.source, InfluxQuery(ask, "A", {"intervalMs": 60_000, "maxDataPoints": 43_200}), over_s),
            _step("B", EXPRESSION, _Expression("B", {"type": "reduce", "expression": "A", "reducer": "last"})),
            _step(
                "C",
                EXPRESSION,
                _Expression("C", {"type": "threshold", "expression": "B", "conditions": [{"evaluator": evaluator}]}),
            ),
        ],
        labels={"corridor": "yes"},
        annotations={"summary": summary},
    )


def _uid(name: str) -> str:
    """Return a rule's uid, which may have 40 characters."""
    uid = f"corridor-{name}"
    return uid if len(uid) <= _LONGEST_UID else f"{uid[: _LONGEST_UID - 9]}-{zlib.crc32(name.encode()):08x}"


class _Expression(InfluxQuery):
    """A step that Grafana works out by itself."""

    def __init__(self, name: str, model: Object) -> None:
        super().__init__(Ask(""), name)
        self._model = model

    def to_json(self) -> dict[str, object]:
        """Return the step as JSON has it."""
        return {"refId": self._name, "datasource": {"type": EXPRESSION, "uid": EXPRESSION}, **self._model}


def _step(name: str, uid: str, model: Any, over_s: int = 0) -> alerting.Query:
    return alerting.Query(
        ref_id=name,
        datasource_uid=uid,
        model=model,
        relative_time_range=alerting.RelativeTimeRange(from_val=over_s, to=0),
    )
