"""The kinds of panels that pages are made of, in one style: a title, a sentence on what it means, and queries.

Each function returns a tile: the panel and its size in the grid of 24 columns, chosen to be legible on a laptop and on
a wall.
"""

from dashboards.panels.basis import NO_LEGEND, WITHOUT_TIME, by_name, by_regexp, renamed
from dashboards.panels.charts import (
    LEGIBLE,
    MANY,
    bars,
    by_period,
    histogram,
    ranking,
    ribbon,
    shares,
    trend,
    waterfall,
)
from dashboards.panels.tables import table
from dashboards.panels.values import alerts, changes, moment, number, word

__all__ = [
    "LEGIBLE",
    "MANY",
    "NO_LEGEND",
    "WITHOUT_TIME",
    "alerts",
    "bars",
    "by_name",
    "by_period",
    "by_regexp",
    "changes",
    "histogram",
    "moment",
    "number",
    "ranking",
    "renamed",
    "ribbon",
    "shares",
    "table",
    "trend",
    "waterfall",
    "word",
]
