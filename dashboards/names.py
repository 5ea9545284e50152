"""Names that dashboards, provisioning and other programs share: they change only by adding."""

from typing import Final, NamedTuple

RAW: Final = "corridor-raw"
"""Data source: events as they were, rejected messages, what is known of signals."""
LEDGER: Final = "corridor-ledger"
"""Data source: the ledger by minute."""
HOUR: Final = "corridor-hour"
"""Data source: the ledger by hour and by day."""
SOURCES: Final = (RAW, LEDGER, HOUR)

FOLDER: Final = "corridor"
"""The folder in Grafana, its uid."""
FOLDER_TITLE: Final = "Corridor"
CONTACT: Final = "corridor"
"""The contact point of the alert rules that come from files, its name."""

LEVELS: Final = ("site", "area", "line", "machine")
"""The levels of an asset path: tags of every row, and variables of the pages."""


class PageName(NamedTuple):
    """A page: its uid, which is the end of its address and the name of its file, and its title."""

    uid: str
    title: str


OVERVIEW: Final = PageName("corridor-overview", "Corridor overview")
SITE: Final = PageName("corridor-site", "Site")
LINE: Final = PageName("corridor-line", "Line")
MACHINE: Final = PageName("corridor-machine", "Machine")
QUALITY: Final = PageName("corridor-quality", "Quality")
ENERGY: Final = PageName("corridor-energy", "Energy and carbon")
MAINTENANCE: Final = PageName("corridor-maintenance", "Maintenance")
ORDERS: Final = PageName("corridor-orders", "Orders and shifts")
DATA: Final = PageName("corridor-data", "Data quality")
PAGES: Final = (OVERVIEW, SITE, LINE, MACHINE, QUALITY, ENERGY, MAINTENANCE, ORDERS, DATA)

PLAYLIST: Final = "Corridor kiosk"
WALL_URL: Final = "http://localhost:8080"
"""Where the live wall is by default: the variable `wall` of every page."""
