"""Statistical process control in InfluxQL: capability, control limits, moving range of measured characteristics.

The deviation within is that of successive parts, √(Σ(xᵢ − xᵢ₋₁)² / 2(n − 1)), as
`services.ledger.indicators.capability` has it. InfluxQL cannot join, but a query may take in the rows of two others:
here of the values and of their differences.
"""

from typing import Final

from dashboards.names import LEVELS
from dashboards.queries import EVERY, RANGE, grouped, scope

_BY: Final = (*LEVELS, "characteristic")
_CHOSEN: Final = '"characteristic" =~ /^${characteristic:regex}$/'
_WITHIN: Final = 'sqrt(sum("dd") / (2 * count("dd")))'
_MEAN: Final = 'mean("x")'
_FROM_START: Final = "100000h, ${__from}ms"
"""One interval that begins with the range, and is longer than any."""


def capability() -> str:
    """Ask for n, mean, limits, Cp, Cpk, Cm and Cmk of every characteristic of the machines that are picked."""
    values = _values(scope())
    columns = {
        "n": 'count("x")',
        "mean": _MEAN,
        "lower": 'last("lower")',
        "upper": 'last("upper")',
        "within": _WITHIN,
        "overall": 'stddev("x")',
    }
    inner = f"SELECT {_named(columns)} FROM ({_squares(values)}), ({values}){grouped(_BY)}"
    # min(a, b) = (a + b − |a − b|) / 2
    room = '("upper" - "lower" - abs("upper" + "lower" - 2 * "mean")) / 2'
    indices = {
        "cp": '("upper" - "lower") / (6 * "within")',
        "cpk": f'({room}) / (3 * "within")',
        "cm": '("upper" - "lower") / (6 * "overall")',
        "cmk": f'({room}) / (3 * "overall")',
    }
    wanted = f'"n", "mean", "lower", "upper", {_named(indices)}'
    return f'SELECT {wanted} FROM ({inner}) WHERE "within" > 0{grouped(_BY)}'


def unit() -> str:
    """Ask for the unit in which the chosen characteristic was measured last."""
    return f'SELECT last("unit") AS "unit" FROM "quality" WHERE {scope(more=_CHOSEN)}'


def units() -> str:
    """Ask for the unit of every characteristic of the machines that are picked."""
    return f'SELECT last("unit") AS "uom" FROM "quality" WHERE {RANGE} AND {scope()}{grouped(_BY)}'


def values() -> str:
    """Ask for the values of the chosen characteristic."""
    return f'SELECT "value" FROM "quality" WHERE {RANGE} AND {scope(more=_CHOSEN)}{grouped(_BY)}'


def individuals() -> str:
    """Ask for the values of the chosen characteristic, with the tolerance limits that were reported with them."""
    columns = '"value", "lower" AS "lower tolerance", "upper" AS "upper tolerance"'
    return f'SELECT {columns} FROM "quality" WHERE {RANGE} AND {scope(more=_CHOSEN)}{grouped(_BY)}'


def moving_range() -> str:
    """Ask for the difference of each value from the one before."""
    return (
        f'SELECT abs("d") AS "range" FROM (SELECT difference("value") AS "d" FROM "quality"'
        f" WHERE {RANGE} AND {scope(more=_CHOSEN)}{grouped(_BY)}){grouped(_BY)}"
    )


def control_limits() -> str:
    """Ask for mean and control limits of the chosen characteristic over the whole range, as level lines."""
    values_ = _values(scope(more=_CHOSEN))
    columns = {
        "mean": _MEAN,
        "lower control": f"{_MEAN} - 3 * {_WITHIN}",
        "upper control": f"{_MEAN} + 3 * {_WITHIN}",
    }
    inner = f"SELECT {_named(columns)} FROM ({_squares(values_)}), ({values_}) WHERE {RANGE}{grouped(_BY, _FROM_START)}"
    lines = _named({name: f'last("{name}")' for name in columns})
    return f"SELECT {lines} FROM ({inner}) WHERE {RANGE}{grouped(_BY, EVERY, 'previous')}"


def _values(where: str) -> str:
    return f'SELECT "value" AS "x", "lower", "upper" FROM "quality" WHERE {RANGE} AND {where}{grouped(_BY)}'


def _squares(values_: str) -> str:
    """Ask for the squares of the differences of successive values."""
    differences = f'SELECT difference("x") AS "d" FROM ({values_}){grouped(_BY)}'
    return f'SELECT "d" * "d" AS "dd" FROM ({differences}){grouped(_BY)}'


def _named(columns: dict[str, str]) -> str:
    return ", ".join(f'{expression} AS "{name}"' for name, expression in columns.items())
