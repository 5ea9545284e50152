"""Pages, rules and playlist put into a Grafana: a small one of our own, that keeps what it is given."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cli import main
from dashboards import provisioned
from dashboards.names import PAGES, SOURCES
from dashboards.pushing import Grafana, Placing, PushError

TOKEN = "glsa_test"
OURS = Placing({name: name for name in SOURCES})
THEIRS = Placing({name: f"their-{name}" for name in SOURCES}, wall="https://wall.example")


class FakeGrafana(ThreadingHTTPServer):
    """Keeps folders, pages, rules and playlists, as far as pushing needs it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.sources = {uid: "influxdb" for placing in (OURS, THEIRS) for uid in placing.sources.values()}
        self.folders: dict[str, str] = {}
        self.pages: dict[str, Any] = {}
        self.rules: dict[str, Any] = {}
        self.playlists: dict[str, Any] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: FakeGrafana

    def do_GET(self) -> None:
        match self._words():
            case ["api", "datasources", "uid", uid] if uid in self.server.sources:
                self._say(200, {"uid": uid, "type": self.server.sources[uid]})
            case ["api", "dashboards", "uid", uid] if uid in self.server.pages:
                self._say(200, {"dashboard": self.server.pages[uid], "meta": {"folderUid": "corridor"}})
            case ["api", "playlists"]:
                self._say(200, [{"uid": uid, **one} for uid, one in self.server.playlists.items()])
            case _:
                self._say(404, {"message": "not found"})

    def do_POST(self) -> None:
        body = self._body()
        match self._words():
            case ["api", "folders"]:
                status = 412 if body["uid"] in self.server.folders else 200
                self.server.folders[body["uid"]] = body["title"]
                self._say(status, {"uid": body["uid"]})
            case ["api", "dashboards", "db"]:
                page = body["dashboard"]
                assert body["folderUid"] in self.server.folders
                version = self.server.pages.get(page["uid"], {"version": 0})["version"] + 1
                self.server.pages[page["uid"]] = page | {"id": 7, "version": version, "iteration": 1}
                self._say(200, {"status": "success", "uid": page["uid"]})
            case ["api", "playlists"]:
                uid = f"p{len(self.server.playlists)}"
                self.server.playlists[uid] = body
                self._say(200, {"uid": uid})
            case _:
                self._say(404, {"message": "not found"})

    def do_PUT(self) -> None:
        body = self._body()
        match self._words():
            case ["api", "v1", "provisioning", "folder", "corridor", "rule-groups", group]:
                assert self.headers["X-Disable-Provenance"] == "true"
                self.server.rules[group.replace("%20", " ")] = body
                self._say(200, body)
            case ["api", "playlists", uid] if uid in self.server.playlists:
                self.server.playlists[uid] = body
                self._say(200, {"uid": uid})
            case _:
                self._say(404, {"message": "not found"})

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _words(self) -> list[str]:
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return []
        return self.path.strip("/").split("/")

    def _body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _say(self, status: int, body: Any) -> None:
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            status, body = 401, {"message": "Invalid API key"}
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def server() -> Iterator[FakeGrafana]:
    fake = FakeGrafana()
    thread = threading.Thread(target=fake.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield fake
    fake.shutdown()
    thread.join()
    fake.server_close()


@pytest.mark.slow
def test_pushing_twice_leaves_everything_there_once_and_without_drift(server: FakeGrafana) -> None:
    with Grafana(server.url, TOKEN) as grafana:
        reported_state = list(grafana.push(OURS))
        assert list(grafana.push(OURS)) == reported_state
        assert list(grafana.drift(OURS)) == []
    assert set(server.pages) == {page.uid for page in PAGES}
    assert server.folders == {"corridor": "Corridor"}
    assert set(server.rules) == {"Corridor production", "Corridor data"}
    assert [one["name"] for one in server.playlists.values()] == ["Corridor kiosk"]
    assert f"page Line, {server.url}/d/corridor-line" in reported_state


@pytest.mark.slow
def test_rules_are_pushed_with_single_dollar_signs(server: FakeGrafana) -> None:
    with Grafana(server.url, TOKEN) as grafana:
        list(grafana.push(OURS))
    pushed = json.dumps(server.rules)
    assert "$timeFilter" in pushed
    assert "$$" not in pushed
    assert server.rules["Corridor data"] == provisioned.rule_groups()[1]


@pytest.mark.slow
def test_the_sources_and_the_wall_of_that_grafana_are_put_in(server: FakeGrafana) -> None:
    with Grafana(server.url, TOKEN) as grafana:
        list(grafana.push(THEIRS))
        assert list(grafana.drift(THEIRS)) == []
        assert {drift.page for drift in grafana.drift(OURS)} == {page.title for page in PAGES}
    for stored in (*server.pages.values(), *server.rules.values()):
        text = json.dumps(stored)
        assert not any(f'"{name}"' in text for name in SOURCES)
    overview = server.pages["corridor-overview"]
    (wall,) = (one for one in overview["templating"]["list"] if one["name"] == "wall")
    assert wall["query"] == wall["current"]["value"] == wall["options"][0]["value"] == "https://wall.example"


@pytest.mark.slow
def test_a_page_that_was_changed_or_taken_away_is_reported(server: FakeGrafana) -> None:
    with Grafana(server.url, TOKEN) as grafana:
        list(grafana.push(OURS))
        oee = next(panel for panel in server.pages["corridor-line"]["panels"] if panel["title"] == "OEE")
        oee["fieldConfig"]["defaults"]["unit"] = "none"
        del server.pages["corridor-site"]
        found = {drift.page: drift.places for drift in grafana.drift(OURS)}
    assert found == {
        "Line": ['panels[\'OEE\'].fieldConfig.defaults.unit: "percentunit" was pushed, "none" is there'],
        "Site": ["it is not there"],
    }


def test_a_source_that_is_not_there_is_reported_before_anything_is_pushed(server: FakeGrafana) -> None:
    del server.sources["corridor-hour"]
    with (
        Grafana(server.url, TOKEN) as grafana,
        pytest.raises(PushError, match=r"uid 'corridor-hour'.* with --hour"),
    ):
        list(grafana.push(OURS))
    assert not server.pages


def test_a_source_of_another_kind_is_reported(server: FakeGrafana) -> None:
    server.sources["corridor-raw"] = "prometheus"
    with Grafana(server.url, TOKEN) as grafana, pytest.raises(PushError, match="is of prometheus, not of InfluxDB"):
        list(grafana.push(OURS))


def test_a_wrong_token_is_reported_with_a_hint(server: FakeGrafana) -> None:
    with Grafana(server.url, "guessed") as grafana, pytest.raises(PushError, match="CORRIDOR_GRAFANA_TOKEN"):
        list(grafana.push(OURS))


@pytest.mark.slow
def test_the_commands_push_and_pull(
    server: FakeGrafana, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CORRIDOR_GRAFANA_TOKEN", TOKEN)
    with pytest.raises(SystemExit) as pushed:
        main.run(["dashboards", "push", "--url", server.url])
    with pytest.raises(SystemExit) as same:
        main.run(["dashboards", "pull", "--url", server.url])
    server.pages["corridor-line"]["title"] = "My line"
    capsys.readouterr()
    with pytest.raises(SystemExit) as drifted:
        main.run(["dashboards", "pull", "--url", server.url, "--json"])
    assert (pushed.value.code, same.value.code, drifted.value.code) == (0, 0, 1)
    (drift,) = json.loads(capsys.readouterr().out)["drift"]
    assert drift == {"page": "Line", "differences": 1, "places": ['title: "Line" was pushed, "My line" is there']}


@pytest.mark.slow
def test_the_pages_of_another_plant_are_pushed_from_the_folder_in_which_they_were_built(
    server: FakeGrafana, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CORRIDOR_GRAFANA_TOKEN", TOKEN)
    plant = tmp_path / "plant.toml"
    plant.write_text('[asset."leeds/shop/line-1"]\ntargets = { oee = 0.42 }\n', encoding="utf-8")
    folder = str(tmp_path / "grafana")
    given = ["--url", server.url, "--from", folder]
    with pytest.raises(SystemExit) as too_early:
        main.run(["dashboards", "push", *given])
    with pytest.raises(SystemExit) as built:
        main.run(["dashboards", "build", "--plant", str(plant), "--out", folder])
    with pytest.raises(SystemExit) as pushed:
        main.run(["dashboards", "push", *given])
    with pytest.raises(SystemExit) as same:
        main.run(["dashboards", "pull", *given])
    assert [one.value.code for one in (too_early, built, pushed, same)] == [1, 0, 0, 0]
    titles = [rule["title"] for rule in server.rules["Corridor production"]["rules"]]
    assert titles == ["OEE of leeds/shop/line-1 below target", "OEE below target"]
