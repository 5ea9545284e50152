"""What a page must know besides the live facts to draw them: titles, time zones, units, normal bands, order.

It comes with the snapshot of a stream, so that a page needs one request to be live.
"""

from typing import Any

from broker.plant.plant import Plant
from services.wall.live.live_state import LiveState
from services.wall.live.stream import Scope


def sheet(
    plant: Plant,
    live_state: LiveState,
    scope: Scope,
    broker: tuple[str, int] | None,
    *,
    login: bool = False,
    grafana: str = "",
) -> dict[str, Any]:
    """Return the sheet for a page.

    Args:
        plant: titles and bands.
        live_state: which assets there are.
        scope: what the page shows: the signals of its machines are included.
        broker: host and port at which a device can join.
        login: the broker asks for user and password.
        grafana: address of a Grafana that has our dashboards, '' if there is none.
    """
    paths = list(dict.fromkeys([*plant.machines(), *sorted(live_state.machines)]))
    groups = list(dict.fromkeys(group for path in paths for group in _above(path)))
    inside = [path for path in paths if scope.details and (path == scope.asset or path.startswith(scope.asset + "/"))]
    return {
        "name": plant.name,
        "machines": paths,
        "titles": {path: plant.title(path) for path in [*groups, *paths]},
        "zones": _zones(plant, [*groups, *paths]),
        "targets": {path: targets for path in [*groups, *paths] if (targets := plant.targets(path))},
        "reasons": {code: reason.title for code, reason in plant.reasons.items() if reason.title},
        "products": {name: product.title for name, product in plant.products.items() if product.title},
        "flows": _flows(plant),
        "signals": {path: plant.asset(path).signals for path in inside},
        "broker": None if broker is None else {"host": broker[0], "port": broker[1], "login": login},
        "grafana": grafana,
    }


def _zones(plant: Plant, paths: list[str]) -> dict[str, str]:
    """Return the time zone of each site, and of what in it has another than what it is in."""
    zones = {path: plant.time_zone_of(path) for path in paths}
    return {path: zone for path, zone in zones.items() if zones.get(path.rpartition("/")[0]) != zone}


def _flows(plant: Plant) -> dict[str, dict[str, Any]]:
    """Return the stages of machines of each line that has a flow, and the sizes of the buffers between."""
    lines = [*plant.assets, *plant.simulated_flows]
    flows = {path: (plant.stages(path), plant.flow(path).buffers) for path in lines}
    return {path: {"stages": stages, "buffers": buffers} for path, (stages, buffers) in flows.items() if stages}


def _above(path: str) -> list[str]:
    levels = path.split("/")
    return ["/".join(levels[:depth]) for depth in range(1, len(levels))]
