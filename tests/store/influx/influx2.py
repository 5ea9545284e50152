"""The HTTP interface of InfluxDB 2 before a real InfluxDB 1: what is written and asked goes through to it.

Buckets, organisations and tokens are its own. It records every request, so that tests can see their form.
"""

import json
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.store.influx.influxd import Influxd

ADMIN = "adm-in=="
ORG = "0123456789abcdef"


class Request(NamedTuple):
    method: str
    path: str
    parameters: dict[str, str]
    token: str


class Influx2:
    """The stand-in; it serves until it is closed.

    Attributes:
        requests: all that have come.
        buckets: by name, as InfluxDB 2 describes them.
        authorizations: likewise.
    """

    def __init__(self, influxd: Influxd) -> None:
        self.influxd = influxd
        self.requests: list[Request] = []
        self.buckets: dict[str, dict[str, Any]] = {}
        self.authorizations: list[dict[str, Any]] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    def url(self, bucket: str, token: str = ADMIN, options: str = "") -> str:
        return f"influxdb://{token}@127.0.0.1:{self.port}/{bucket}{options}"

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        for bucket in self.buckets:
            self.influxd.query(f'DROP DATABASE "{bucket}"')

    def answer(self, request: Request, body: bytes) -> tuple[int, bytes]:
        """Answer a request with a status and a body."""
        if request.path == "/ping":
            return 204, b""
        if request.path in {"/query", "/api/v2/write"}:
            bucket = request.parameters.get("db") or request.parameters["bucket"]
            return self._pass_on(request, bucket, body)
        if request.token != ADMIN:
            return _error(401, "unauthorized access")
        return self._api(request, json.loads(body) if body else {})

    def _pass_on(self, request: Request, bucket: str, body: bytes) -> tuple[int, bytes]:
        is_write = request.path == "/api/v2/write"
        if not self._may(request.token, bucket, "write" if is_write else "read"):
            return _error(401, "unauthorized access")
        parameters = request.parameters
        if is_write:
            if request.parameters.get("orgID") != ORG and request.parameters.get("org") != "plant":
                return _error(404, "organization not found")
            if bucket not in self.buckets:
                return _error(404, f'bucket "{bucket}" not found')
            parameters = {"db": bucket, "precision": request.parameters["precision"]}
        url = f"http://127.0.0.1:{self.influxd.port}{'/write' if is_write else '/query'}"
        forwarded = urllib.request.Request(
            f"{url}?{urllib.parse.urlencode(parameters)}", body if is_write else None, method=request.method
        )
        try:
            with urllib.request.urlopen(forwarded, timeout=30) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                reported_state = json.load(error)["error"]
                return _error(422 if "partial write" in reported_state else error.code, reported_state)

    def _may(self, token: str, bucket: str, action: str) -> bool:
        if token == ADMIN:
            return True
        identity = self.buckets.get(bucket, {}).get("id")
        return any(
            permission["action"] == action and permission["resource"]["id"] == identity
            for one in self.authorizations
            if one["token"] == token
            for permission in one["permissions"]
        )

    def _api(self, request: Request, body: dict[str, Any]) -> tuple[int, bytes]:
        match request.method, request.path:
            case "GET", "/api/v2/orgs":
                return 200, json.dumps({"orgs": [{"id": ORG, "name": "plant"}]}).encode()
            case "GET", "/api/v2/buckets":
                named = self.buckets.get(request.parameters["name"])
                return 200, json.dumps({"buckets": [named] if named else []}).encode()
            case "POST", "/api/v2/buckets":
                self.buckets[body["name"]] = {"id": f"id-of-{body['name']}", **body}
                # Whatever is asked for, this one never expires it: tests write at times all over the place.
                self.influxd.query(f'CREATE DATABASE "{body["name"]}" WITH DURATION INF SHARD DURATION 10400w')
                return 201, json.dumps(self.buckets[body["name"]]).encode()
            case "GET", "/api/v2/authorizations":
                return 200, json.dumps({"authorizations": self.authorizations}).encode()
            case "POST", "/api/v2/authorizations":
                made = {**body, "id": f"a{len(self.authorizations)}", "token": f"token-{len(self.requests)}=="}
                self.authorizations.append(made)
                return 201, json.dumps(made).encode()
        if request.method == "PATCH" and (found := re.fullmatch(r"/api/v2/buckets/id-of-(.+)", request.path)):
            self.buckets[found[1]].update(body)
            return 200, json.dumps(self.buckets[found[1]]).encode()
        if request.method == "DELETE" and (found := re.fullmatch(r"/api/v2/authorizations/(.+)", request.path)):
            self.authorizations = [one for one in self.authorizations if one["id"] != found[1]]
            return 204, b""
        return _error(404, f"path not found: {request.path}")


def _error(status: int, message: str) -> tuple[int, bytes]:
    return status, json.dumps({"code": "no", "message": message}).encode()


def _handler(server: Influx2) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            url = urllib.parse.urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = self.headers.get("Authorization", "").removeprefix("Token ")
            request = Request(self.command, url.path, dict(urllib.parse.parse_qsl(url.query)), token)
            server.requests.append(request)
            status, answer = server.answer(request, body)
            self.send_response(status)
            self.send_header("X-Influxdb-Version", "v2.9.1")
            if status != 204:
                self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            if status != 204:
                self.wfile.write(answer)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_one  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Handler
