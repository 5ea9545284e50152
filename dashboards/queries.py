"""Questions to the store, in InfluxQL, with Grafana's variables in them.

Every ratio is a sum over a sum, for whatever range and machines the viewer picks. An indicator's formula is the
ledger's own (`services.ledger`): an inner query sums the fields of its terms, an outer one divides. InfluxQL says that
anything over zero is zero; so the outer query also asks for what must hold, and where it does not there is no row:
"no data", never 0.

A range goes from its start to just before its end, as everywhere in Corridor; Grafana's own filter takes in the end.
The ledger has a row a minute, so a range counts the minutes that begin in it.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from dashboards.names import LEVELS
from services.ledger.indicators.indicator import TERM
from services.ledger.indicators.indicators import INDICATORS
from services.ledger.indicators.terms import TERMS

RANGE: Final = "$timeFilter AND time < ${__to}ms"
BEFORE: Final = "time < ${__from}ms AND time >= ${__from}ms - 30d"
"""The time before the range in which the last known value is looked for."""
UNTIL: Final = "time < ${__to}ms AND time >= ${__to}ms - 30d"
FULL_MINUTES: Final = f"{RANGE} AND time <= now() - 75s"
"""Of rows of the ledger, which bear the time at which their minute began, those of minutes that are over and complete:
the running one is no full minute."""
EVERY: Final = "$__interval"
POWER_EVERY: Final = "5m"
"""Power is shown by this at least: a meter that is read once a minute is now and then read twice in one."""
FACTOR: Final = "${co2e:raw}"
"""The variable that holds the emission factor of electricity, kg/kW·h."""

_COUNTED: Final = '("PQ" > 0 OR "GQ" + "SQ" + "RQ" <= 0)'
_RECEIVED: Final = '("PQ" > 0 OR "APT" <= 0 OR "uncounted_s" < "APT")'
_RATED: Final = '"unrated" = 0'
_VALIDATED: Final = '("GQ" > 0 OR "SQ" + "RQ" >= "PQ")'
_METERED: Final = '"E" > 0'
_SEEN: Final = '"CT" > "UT"'

_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "oee": (_COUNTED, _RECEIVED, _RATED, _VALIDATED),
    "nee": (_COUNTED, _RECEIVED, _RATED, _VALIDATED),
    "teep": (_COUNTED, _RECEIVED, _RATED, _VALIDATED),
    "effectiveness": (_COUNTED, _RECEIVED, _RATED),
    "equipment_load_ratio": (_COUNTED, _RECEIVED, _RATED),
    "quality_ratio": (_COUNTED, _VALIDATED),
    "throughput_rate": (_COUNTED, _RECEIVED),
    "scrap_ratio": (_COUNTED,),
    "rework_ratio": (_COUNTED,),
    "comprehensive_energy_consumption": (_METERED,),
    "energy_per_good_piece": (_METERED,),
    "co2e_per_good_piece": (_METERED,),
    "mean_operating_time_between_failures": (_SEEN,),
    "mean_time_to_failure": (_SEEN,),
    "mean_time_to_restoration": (_SEEN,),
}
"""What must be reported for an indicator to have a value, beside its denominators, in InfluxQL."""

_QUOTED: Final = re.compile(r'"([^"]+)"')
_DENOMINATOR: Final = re.compile(r"/ (\([^()]*\)|[^\s()]+)")


def scope(*levels: str, more: str = "") -> str:
    """Return the condition that a row belongs to what the variables of these levels (else: of all) pick."""
    conditions = [f'"{level}" =~ /^${{{level}:regex}}$/' for level in levels or LEVELS]
    return " AND ".join([*conditions, more] if more else conditions)


class Cut(NamedTuple):
    """How an answer is cut.

    Attributes:
        by: tags that are grouped by.
        every: a width of time, for an answer of each interval.
        where: which rows; else those that the variables pick.
        during: which time.
        rows: the measurement: `ledger`, by minute or (in the data source of hours) by hour, or `ledger_day`.
        zone: whose days `every` means, an IANA zone; '' for UTC.
        least_s: so much machine time an interval has at least, seconds; shorter ones, at the ends of a range, have no
            answer, for a ratio over a few minutes is none.
    """

    by: Collection[str] = ()
    every: str = ""
    where: str = ""
    during: str = RANGE
    rows: str = "ledger"
    zone: str = ""
    least_s: int = 0

    @property
    def end(self) -> str:
        """The end of a query, which says whose days are meant."""
        return f" tz('{self.zone}')" if self.zone else ""


WHOLE: Final = Cut()


def indicator(name: str, cut: Cut = WHOLE) -> str:
    """Ask for an indicator of `services.ledger`, or `coverage`; the column has its name.

    A piece without an ideal cycle leaves a line without OEE, as everywhere in Corridor. To sum over the other machines
    alone takes a third query around, for which InfluxDB needs fifty times as long.
    """
    if name == "coverage":
        return _quotient(name, '1 - "UT" / "CT"', ['"CT" > 0'], cut)
    needs = _NEEDS.get(name, ())
    if name == "quality_ratio":
        rated = _quotient(name, _expression(name), [_RATED, '"PRI×PQ" > 0', *needs], cut)
        counted = _quotient(name, '"GQ" / "PQ"', ['"PQ" > 0', '("unrated" > 0 OR "PRI×PQ" = 0)', *needs], cut)
        return f'SELECT "{name}" FROM ({rated}), ({counted}){grouped(cut.by)}{cut.end}'
    denominators = [f"{_quote(part)} > 0" for part in _DENOMINATOR.findall(INDICATORS[name].formula)]
    if any(TERMS[term].operation == "metered" for term in INDICATORS[name].terms):
        return _of_metered(name, [*denominators, *needs], cut)
    return _quotient(name, _expression(name), [*denominators, *needs], cut)


def total(columns: Mapping[str, str], cut: Cut = WHOLE) -> str:
    """Ask for sums of the ledger: label → a field, or an expression over sums such as `sum("a") + sum("b")`."""
    wanted = ", ".join(f'{_summed(expression)} AS "{label}"' for label, expression in columns.items())
    return (
        f'SELECT {wanted} FROM "{cut.rows}" WHERE {cut.during} AND {cut.where or scope()}'
        f"{grouped(cut.by, cut.every)}{cut.end}"
    )


def reasons(by: Sequence[str], states: Iterable[str], during: str = RANGE) -> str:
    """Ask for the seconds spent for each reason in one of these states; one that took none has no row."""
    chosen = scope(more=f'"state" =~ /^({"|".join(states)})$/')
    sums = f'SELECT sum("seconds") AS "seconds" FROM "ledger_reason" WHERE {during} AND {chosen}{grouped(by)}'
    return f'SELECT "seconds" FROM ({sums}) WHERE "seconds" > 0{grouped(by)}'


def current_state(
    field: str, measurement: str, by: Sequence[str] = LEVELS, *, where: str = "", often: bool = False
) -> str:
    """Ask for all values of something that lasts until it changes, and for the one that it had when the range began.

    What is reported often, whether it has changed or not, is queried by the newest value of each interval.
    """
    chosen = where or scope()
    last = f'SELECT last("{field}") AS "{field}"'
    values, every = (last, EVERY) if often else (f'SELECT "{field}"', "")
    return (
        f'SELECT "{field}" FROM'
        f' ({last} FROM "{measurement}" WHERE {BEFORE} AND {chosen}{grouped(by)}),'
        f' ({values} FROM "{measurement}" WHERE {RANGE} AND {chosen}{grouped(by, every)}){grouped(by)}'
    )


def newest(field: str, measurement: str, by: Sequence[str] = LEVELS, *, where: str = "") -> str:
    """Ask for the newest value up to the end of the range."""
    return f'SELECT last("{field}") AS "{field}" FROM "{measurement}" WHERE {UNTIL} AND {where or scope()}{grouped(by)}'


def how_many(field: str, measurement: str, condition: str) -> str:
    """Ask of how many machines the newest value meets a condition: 0 where of none; no answer where none is known."""
    met = f'SELECT count("{field}") AS "n" FROM ({newest(field, measurement)}) WHERE {condition}'
    known = f'SELECT 0 * count("{field}") AS "n" FROM "{measurement}" WHERE {UNTIL} AND {scope()}'
    return f'SELECT sum("n") AS "n" FROM ({met}), ({known})'


def power(by: Sequence[str]) -> str:
    """Ask for the mean electrical power, kW, from the energy of each full minute."""
    minutes = total({"power": 'sum("electricity_kwh") * 60'}, Cut(by, "1m"))
    return f'SELECT mean("power") AS "power" FROM ({minutes}) WHERE {FULL_MINUTES}{grouped(by, EVERY)}'


def grouped(by: Iterable[str], every: str = "", fill: str = "none") -> str:
    """Return the end of a query that groups by these tags, and by intervals of this width."""
    dimensions = [f"time({every})"] if every else []
    dimensions += [f'"{tag}"' for tag in by]
    if not dimensions:
        return ""
    return f" GROUP BY {', '.join(dimensions)}" + (f" fill({fill})" if every else "")


def last_days(days: int) -> str:
    """Return the condition of so many days up to the end of the range, whatever its beginning."""
    return f"time >= ${{__to}}ms - {days}d AND time < ${{__to}}ms"


def before(query: str) -> str:
    """Return a query about the range as one about the period before it, which is as long."""
    return query.replace(RANGE, "time >= ${__from}ms - ${__to}ms + ${__from}ms AND time < ${__from}ms")


def term(name: str) -> str:
    """Return a term of `services.ledger` as an expression over sums: `sum("running_s") + sum("setup_s")`."""
    return " + ".join(f'sum("{field}")' for field in TERMS[name].fields)


def _quotient(name: str, expression: str, needs: Iterable[str], cut: Cut) -> str:
    needs = [*needs, f'"CT" >= {cut.least_s}'] if cut.least_s else needs
    condition = " AND ".join(needs)
    terms = dict.fromkeys(_QUOTED.findall(f"{expression} {condition}"))
    sums = total({column: term(column) if column in TERMS else column for column in terms}, cut)
    return f'SELECT {expression} AS "{name}" FROM ({sums}) WHERE {condition}{grouped(cut.by)}{cut.end}'


def _of_metered(name: str, needs: Iterable[str], cut: Cut) -> str:
    """Ask for energy a piece: over the pieces of the machines that are metered, so machines are summed first."""
    terms = [term for term in _QUOTED.findall(_quote(INDICATORS[name].formula)) if term != "EF"]
    each = total({term: TERMS[term].fields[0] for term in terms}, cut._replace(by=dict.fromkeys((*LEVELS, *cut.by))))
    sums = ", ".join(f'sum("{term}") AS "{term}"' for term in terms)
    metered = f"SELECT {sums} FROM ({each}) WHERE {_METERED}{grouped(cut.by, cut.every)}{cut.end}"
    condition = " AND ".join(dict.fromkeys(needs))
    return f'SELECT {_expression(name)} AS "{name}" FROM ({metered}) WHERE {condition}{grouped(cut.by)}{cut.end}'


def _expression(name: str) -> str:
    """Return an indicator's formula over the columns of the inner query."""
    return _quote(INDICATORS[name].formula).replace('"EF"', FACTOR).replace(" × ", " * ")


def _quote(formula: str) -> str:
    return TERM.sub(lambda found: f'"{found[0]}"', formula)


def _summed(expression: str) -> str:
    return expression if "(" in expression else f'sum("{expression}")'
