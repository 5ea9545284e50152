"""Putting the pages, alert rules and playlist into a Grafana that is already there, and seeing what changed in it.

By Grafana's HTTP interface, with a token of a service account. What is put there is what provisioning would: the same
uids in a folder of its own, so pushing again renews it and touches nothing else. Where the data sources have other
uids, they are put in their place.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import httpx

from dashboards import provisioned
from dashboards.names import FOLDER, FOLDER_TITLE, SOURCES, WALL_URL
from dashboards.provisioned import Object

PATIENCE_S: Final = 30.0
_MOST: Final = 20
"""So many differences of a page are reported."""


class PushError(Exception):
    """Grafana did not do what was asked; the text is what, and how to fix it."""


class Placing(NamedTuple):
    """How the files are fitted to a Grafana.

    Attributes:
        sources: by the uid of a data source in the files, its uid there.
        wall: the address of the live wall.
    """

    sources: Mapping[str, str]
    wall: str = WALL_URL


class Drift(NamedTuple):
    """Where a page in Grafana is not what was pushed: how often it differs, and the first places, with both values."""

    page: str
    differences: int
    places: list[str]


class Grafana:
    """A running Grafana.

    Args:
        url: its address.
        token: of a service account with the role Admin (Editor does for the pages alone).
        transport: how requests are sent, if not over the network.
    """

    def __init__(self, url: str, token: str, transport: httpx.BaseTransport | None = None) -> None:
        self._url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=self._url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=PATIENCE_S,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def push(self, placing: Placing, root: Path = provisioned.ROOT) -> Iterator[str]:
        """Put everything there that is in a folder; yield a line for each thing as it is done.

        Raises:
            PushError: it could not be done; what was yielded before is done.
        """
        self._see_sources(placing)
        self._ask("POST", "/api/folders", {"uid": FOLDER, "title": FOLDER_TITLE}, but=(409, 412))
        yield f"folder {FOLDER_TITLE}"
        for page in provisioned.pages(root):
            body = {"dashboard": fitted(page, placing), "folderUid": FOLDER, "overwrite": True}
            self._ask("POST", "/api/dashboards/db", body)
            yield f"page {page['title']}, {self._url}/d/{page['uid']}"
        for group in provisioned.rule_groups(root):
            path = f"/api/v1/provisioning/folder/{FOLDER}/rule-groups/{group['title']}"
            self._ask("PUT", path, fitted(group, placing), headers={"X-Disable-Provenance": "true"})
            yield f"alert rules {group['title']}, {len(group['rules'])} of them"
        yield self._push_playlist(provisioned.playlist(root))

    def drift(self, placing: Placing, root: Path = provisioned.ROOT) -> Iterator[Drift]:
        """Yield each page of a folder that is not there as it was pushed.

        Raises:
            PushError: Grafana does not answer, or rejects.
        """
        for page in provisioned.pages(root):
            answer = self._ask("GET", f"/api/dashboards/uid/{page['uid']}", but=(404,))
            if "dashboard" not in answer:
                yield Drift(page["title"], 1, ["it is not there"])
                continue
            found = list(_differences(fitted(page, placing), answer["dashboard"], ""))
            if found:
                yield Drift(page["title"], len(found), found[:_MOST])

    def _see_sources(self, placing: Placing) -> None:
        for name in SOURCES:
            uid = placing.sources[name]
            answer = self._ask("GET", f"/api/datasources/uid/{uid}", but=(404,))
            if answer.get("uid") != uid:
                option = name.removeprefix("corridor-")
                raise PushError(
                    f"{self._url} has no data source with the uid {uid!r}; make it as docs/how-to/grafana.md says, or"
                    f" give the uid of yours with --{option}"
                )
            if answer.get("type") != "influxdb":
                raise PushError(f"the data source {uid!r} in {self._url} is of {answer.get('type')}, not of InfluxDB")

    def _push_playlist(self, playlist: Object) -> str:
        there = self._ask("GET", "/api/playlists", but=(404,))
        if not isinstance(there, list):
            return "no playlist: this Grafana has no /api/playlists; make one of the pages by hand"
        same = next((one for one in there if one["name"] == playlist["name"]), None)
        if same is None:
            self._ask("POST", "/api/playlists", playlist)
        else:
            self._ask("PUT", f"/api/playlists/{same['uid']}", playlist)
        return f"playlist {playlist['name']}, {self._url}/playlists"

    def _ask(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        but: tuple[int, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send a request; return the answer, {} if it is one of the statuses `but`."""
        try:
            response = self._http.request(method, path, json=body, headers=dict(headers or {}))
        except httpx.HTTPError as error:
            raise PushError(f"Grafana at {self._url} does not answer: {str(error) or type(error).__name__}") from error
        if response.status_code in but:
            return {}
        if response.status_code in {401, 403}:
            raise PushError(
                f"Grafana at {self._url} rejects the token for {method} {path} ({response.status_code}): make a service"
                " account with the role Admin, and give its token with CORRIDOR_GRAFANA_TOKEN"
            )
        if response.is_error or response.is_redirect:
            raise PushError(
                f"Grafana at {self._url}: {method} {path} gave {response.status_code}: {response.text[:300]}"
            )
        try:
            return response.json()
        except json.JSONDecodeError as error:
            raise PushError(f"{self._url} answers, but not as Grafana does: is that its address?") from error


def fitted(document: Object, placing: Placing) -> Object:
    """Return a page or group of rules with the data sources and the wall of a certain Grafana."""
    return _fitted(document, placing)  # type: ignore[no-any-return]  # a dict stays a dict


def _fitted(value: Any, placing: Placing) -> Any:
    match value:
        case {"type": "textbox", "name": "wall"}:
            option = {"selected": True, "text": placing.wall, "value": placing.wall}
            return value | {"query": placing.wall, "current": option, "options": [option]}
        case dict():
            return {key: _fitted_part(key, part, placing) for key, part in value.items()}
        case list():
            return [_fitted(part, placing) for part in value]
        case _:
            return value


def _fitted_part(key: str, part: Any, placing: Placing) -> Any:
    if key in {"uid", "datasourceUid"} and isinstance(part, str):
        return placing.sources.get(part, part)
    return _fitted(part, placing)


def _differences(ours: Any, theirs: Any, place: str) -> Iterator[str]:
    """Yield where `theirs` differs in what `ours` says; what Grafana adds by itself does not count."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            if place or key not in {"id", "version"}:
                yield from _differences(value, theirs.get(key), f"{place}.{key}" if place else key)
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            yield f"{place}: {len(ours)} of them were pushed, {len(theirs)} are there"
        for number, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            yield from _differences(one, other, f"{place}[{_called(one, number)}]")
    elif ours != theirs and not (theirs is None and not ours):
        yield f"{place}: {_short(ours)} was pushed, {_short(theirs)} is there"


def _called(value: Any, number: int) -> str:
    """Return what a panel or variable is called, for people."""
    if isinstance(value, dict):
        for key in ("title", "name", "refId"):
            if value.get(key):
                return repr(value[key])
    return str(number)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
