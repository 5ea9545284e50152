"""The pages, one file each: a function that takes the plant and returns a dashboard."""

from collections.abc import Callable
from typing import Final

from broker.plant.plant import Plant
from dashboards.grafana import dashboard
from dashboards.pages import data, energy, line, machine, maintenance, orders, overview, quality, site

PAGES: Final[tuple[Callable[[Plant], dashboard.Dashboard], ...]] = (
    overview.page_of,
    site.page_of,
    line.page_of,
    machine.page_of,
    quality.page_of,
    energy.page_of,
    maintenance.page_of,
    orders.page_of,
    data.page_of,
)
