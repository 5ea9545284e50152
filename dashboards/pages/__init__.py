"""The pages, one file each: a function that takes the plant and returns a dashboard."""

from collections.abc import Callable
from typing import Final

from broker.plant import Plant
from dashboards.grafana import dashboard
from dashboards.pages import overview

PAGES: Final[tuple[Callable[[Plant], dashboard.Dashboard], ...]] = (overview.page_of,)
