"""The kiosk: a playlist that shows one page after the other. Grafana takes it by its interface only, not from files."""

from typing import Final

from dashboards.grafana import Object
from dashboards.names import ENERGY, MAINTENANCE, OVERVIEW, PLAYLIST, QUALITY, SITE

INTERVAL: Final = "30s"
FILE: Final = "playlist.json"


def playlist() -> Object:
    """Return the playlist in the form of Grafana's interface."""
    pages = (OVERVIEW, SITE, QUALITY, ENERGY, MAINTENANCE)
    return {
        "name": PLAYLIST,
        "interval": INTERVAL,
        "items": [{"type": "dashboard_by_uid", "value": page.uid} for page in pages],
    }
