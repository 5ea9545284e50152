"""The part `grafana` of `stack check`, on a server that answers as Grafana does."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cli.stack import parts
from cli.stack.env_file import EnvFile
from cli.stack.parts import Fault, Places

FRAME = {"data": {"values": [[1], [2]]}}


class Standin(ThreadingHTTPServer):
    """Answers what the check asks for; `rules` are its alert rules."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.rules: list[dict[str, str]] = []

    def answers(self) -> dict[str, Any]:
        return {
            "/api/health": {"database": "ok"},
            "/api/datasources": [{"uid": "corridor-raw"}],
            "/api/ds/query": {"results": {"A": {"frames": [FRAME]}}},
            "/api/prometheus/grafana/api/v1/rules": {"status": "success", "data": {"groups": [{"rules": self.rules}]}},
        }


class _Handler(BaseHTTPRequestHandler):
    server: Standin

    def do_GET(self) -> None:
        body = json.dumps(self.server.answers()[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def standin() -> Iterator[Standin]:
    with Standin() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def places(folder: Path, standin: Standin) -> Places:
    file = EnvFile(folder / ".env")
    file.set("CORRIDOR_GRAFANA_PASSWORD", "secret")
    return Places.of(file, {"grafana": f"http://127.0.0.1:{standin.server_port}"})


async def test_rules_that_grafana_could_evaluate_are_counted(standin: Standin, tmp_path: Path) -> None:
    standin.rules = [{"name": "Device offline", "health": "ok"}, {"name": "Device silent", "health": "unknown"}]
    reported = await parts.grafana(places(tmp_path, standin))
    assert reported.endswith("2 alert rules, 1 of them not evaluated yet")


async def test_a_rule_in_error_is_a_fault_that_names_it(standin: Standin, tmp_path: Path) -> None:
    standin.rules = [
        {"name": "Device offline", "health": "ok"},
        {"name": "Device silent", "health": "error", "lastError": "error parsing query: found $"},
    ]
    with pytest.raises(Fault, match=r"^1 of 2 alert rules are in error; Device silent: error parsing query: found \$"):
        await parts.grafana(places(tmp_path, standin))


async def test_no_rules_are_a_fault(standin: Standin, tmp_path: Path) -> None:
    with pytest.raises(Fault, match="no alert rules"):
        await parts.grafana(places(tmp_path, standin))
