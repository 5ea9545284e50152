"""A page: what every dashboard has around its panels.

Variables that filter each other (an area is chosen among those of the chosen site), links to the other pages that take
the chosen machines and the time along, a link to the live wall, and alarms as marks on every time axis.
"""

from collections.abc import Sequence
from typing import Any, Final

from dashboards import looks
from dashboards.grafana import SCHEMA_VERSION, Ask, InfluxQuery, Object, Section, dashboard, pack, source
from dashboards.names import LEDGER, LEVELS, RAW, WALL_URL, PageName
from dashboards.queries import scope
from services.ledger.indicators.terms import Context

TAG: Final = "corridor"
"""On every page: the menu of pages is made of it."""
ALL: Final = "$__all"
_EVERYTHING: Final = ".*"

Variable = dashboard.VariableModel


def page(
    name: PageName,
    says: str,
    sections: Sequence[Section],
    variables: Sequence[Variable],
    *,
    wall: str = "",
    since: str = "now-24h",
    refresh: str = "30s",
) -> dashboard.Dashboard:
    """Return a dashboard.

    Args:
        name: its uid and title.
        says: what it is for.
        sections: its panels.
        variables: what the viewer can choose; the address of the wall is added.
        wall: the path on the wall that shows the same, with variables in it.
        since: where its time range begins when it is opened.
        refresh: how often it asks again.
    """
    return dashboard.Dashboard(
        uid=name.uid,
        title=name.title,
        description=says,
        tags=[TAG],
        timezone="browser",
        editable=True,
        graph_tooltip=dashboard.DashboardCursorSync.CROSSHAIR,
        time=dashboard.DashboardDashboardTime(from_val=since, to="now"),
        refresh=refresh,
        schema_version=SCHEMA_VERSION,
        version=1,
        panels=pack(sections),
        templating=dashboard.DashboardDashboardTemplating(list_val=[*variables, wall_address()]),
        annotations=dashboard.AnnotationContainer(list_val=[_alarms()]),
        links=[_pages(), _wall(wall)],
    )


def levels(*single: str) -> list[Variable]:
    """Return the variables site, area, line, machine, each among what those above pick; of those named, one value."""
    return [
        tag_values(level, level.capitalize(), LEVELS[:place], "ledger", LEDGER, single=level in single)
        for place, level in enumerate(LEVELS)
    ]


def tag_values(
    tag: str,
    label: str,
    within: Sequence[str] = LEVELS,
    measurement: str = "",
    uid: str = RAW,
    *,
    single: bool = False,
) -> Variable:
    """Return a variable: the values of a tag on the rows that the variables `within` pick."""
    origin = f' FROM "{measurement}"' if measurement else ""
    condition = f" WHERE {scope(*within)}" if within else ""
    query = f'SHOW TAG VALUES{origin} WITH KEY = "{tag}"{condition}'
    everything = None if single else dashboard.VariableOption(selected=True, text=["All"], value=[ALL])
    return _found_by(
        query,
        uid,
        name=tag,
        label=label,
        refresh=dashboard.VariableRefresh.ON_DASHBOARD_LOAD,
        sort=dashboard.VariableSort.NATURAL_ASC,
        multi=not single,
        include_all=not single,
        all_value=None if single else _EVERYTHING,
        current=everything,
    )


def found_out(name: str, label: str, query: str, uid: str = RAW) -> Variable:
    """Return a hidden variable: the one value that a query finds, such as the unit of what is chosen."""
    return _found_by(
        query,
        uid,
        name=name,
        label=label,
        refresh=dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED,
        hide=dashboard.VariableHide.HIDE_VARIABLE,
        multi=False,
        include_all=False,
    )


def emission_factor() -> Variable:
    """Return the variable that holds the emission factor of electricity."""
    return _text("co2e", "kg CO₂e / kW·h", f"{Context().co2e_kg_per_kwh:g}", dashboard.VariableHide.DONT_HIDE)


def wall_address() -> Variable:
    """Return the variable that holds the wall's address; hidden, set by the address bar or when pages are pushed."""
    return _text("wall", "Live wall", WALL_URL, dashboard.VariableHide.HIDE_VARIABLE)


def _found_by(query: str, uid: str, **given: Any) -> Variable:
    """Return a variable whose values a query finds."""
    kind = dashboard.VariableType.QUERY
    return Variable(type_val=kind, query=query, definition=query, datasource=source(uid), **given)


def _text(name: str, label: str, value: str, hide: dashboard.VariableHide) -> Variable:
    option = dashboard.VariableOption(selected=True, text=value, value=value)
    return Variable(
        type_val=dashboard.VariableType.TEXTBOX,
        name=name,
        label=label,
        query=value,
        current=option,
        options=[option],
        hide=hide,
    )


def link_to(name: PageName, *levels_: str) -> Object:
    """Return a link from a row to a page at the same time range, where what the row is about is chosen.

    Args:
        name: the page.
        levels_: from the site on: the level, which is in the row, or `$` and the level, which is chosen on this page.
    """
    chosen = "".join(f"&var-{level.lstrip('$')}={_reported(level)}" for level in levels_)
    return {"title": name.title, "url": f"/d/{name.uid}?${{__url_time_range}}{chosen}&var-wall=${{wall}}"}


def link_to_wall(*levels_: str) -> Object:
    """Return a link from a row to the live wall's view of its line or machine; the levels are as in `link_to`."""
    view = "machine" if "machine" in levels_ else "line"
    path = "/".join(map(_reported, levels_))
    return {"title": "Live wall", "url": f"${{wall}}/{view}/{path}", "targetBlank": True}


def _reported(level: str) -> str:
    return f"${{{level[1:]}}}" if level.startswith("$") else f"${{__data.fields.{level}}}"


def _pages() -> dashboard.DashboardLink:
    return dashboard.DashboardLink(
        title="Pages",
        type_val=dashboard.DashboardLinkType.DASHBOARDS,
        icon="external link",
        tooltip="All pages of Corridor, with what is chosen here",
        tags=[TAG],
        as_dropdown=True,
        include_vars=True,
        keep_time=True,
    )


def _wall(path: str) -> dashboard.DashboardLink:
    return dashboard.DashboardLink(
        title="Live wall",
        type_val=dashboard.DashboardLinkType.LINK,
        icon="bolt",
        tooltip="The same, live to the second",
        url=f"${{wall}}/{path}",
        target_blank=True,
    )


def _alarms() -> dashboard.AnnotationQuery:
    condition = scope(more='"severity" = \'alarm\' AND "active" = 1')
    ask = Ask(f'SELECT "text", "machine", "code" FROM "event" WHERE $timeFilter AND {condition}', source=RAW)
    columns = {"textColumn": "text", "tagsColumn": "machine,code"}
    query = InfluxQuery(ask, "Alarms", {"fromAnnotations": True, "queryType": "tags", **columns})
    return dashboard.AnnotationQuery(
        name="Alarms", datasource=source(RAW), enable=True, icon_color=looks.DOWN, target=query
    )
