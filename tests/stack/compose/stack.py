"""The compose stack with a project name, secrets and ports of its own: nothing of the user's is touched."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from cli.stack.env_file import EnvFile
from tests.stack.compose import standins
from tests.stack.running import free_port

ROOT: Final = standins.ROOT
DEVICE: Final = "york/barn/line-1/lathe-9"
PORTS: Final = ("MQTT", "MQTTS", "WALL", "GRAFANA", "INFLUXDB")
PATIENCE_S: Final = 120.0


class Stack:
    """A stack in a folder, not yet up.

    Attributes:
        secrets: what `.env` says, by name without `CORRIDOR_`.
        password: of the device `DEVICE`.
    """

    def __init__(self, folder: Path, project: str) -> None:
        self.folder, self.project = folder, project
        self.has_standins = standins.provide()
        reported = json.loads(
            self.corridor("stack", "init", "--folder", str(folder), "--tls", "--device", DEVICE, "--json")
        )
        self.password: str = reported["devices"][0]["password"]
        file = EnvFile(folder / ".env")
        for name in PORTS:
            file.set(f"CORRIDOR_{name}_PORT", str(free_port()))
        file.set("COMPOSE_PROJECT_NAME", project)
        file.set("CORRIDOR_PAST", "4h")
        file.set("CORRIDOR_IMAGE", f"corridor:{project}")
        file.write()
        self.secrets = {name.removeprefix("CORRIDOR_"): value for name, value in file.values().items()}

    def port(self, name: str) -> int:
        return int(self.secrets[f"{name}_PORT"])

    def corridor(self, *words: str) -> str:
        """Run a command of ours; return what it printed."""
        command = [sys.executable, "-P", "-m", "cli.main", *words]
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def compose(self, *words: str, env_file: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run Compose, 1.29 or 2, whichever is there."""
        program = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
        files = ["docker-compose.yml", *(["tests/stack/compose/standins.yml"] if self.has_standins else [])]
        options = ["--project-name", self.project, "--env-file", str(env_file or self.folder / ".env")]
        command = [*program, *options, *(word for file in files for word in ("-f", file)), *words]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CORRIDOR_")}
        return subprocess.run(
            command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=600
        )

    def done(self, *words: str) -> str:
        """Run Compose, which has to succeed; return what it printed."""
        ran = self.compose(*words)
        assert ran.returncode == 0, f"{words}: {ran.stdout[-3_000:]}{ran.stderr[-3_000:]}"
        return ran.stdout

    def shell(self, lines: str) -> None:
        """Run lines of a page, which are about the stack under its usual name."""
        (self.folder / "backup").mkdir(exist_ok=True)
        lines = lines.replace('"corridor_$', f'"{self.project}_$').replace("corridor:local", self.secrets["IMAGE"])
        ran = subprocess.run(["/bin/sh", "-ec", lines], cwd=self.folder, check=False, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr

    def check(self) -> list[dict[str, str]]:
        """Return what `stack check` finds, which has to be no fault."""
        grafana = ["--grafana", "none"] if self.has_standins else []
        where = ["--folder", str(self.folder), "--store", self.store]
        findings: list[dict[str, str]] = json.loads(self.corridor("stack", "check", "--json", *where, *grafana))
        return findings

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return the state of each container by its service."""
        ids = self.done("ps", "-q").split() or [""]
        reported = json.loads(
            subprocess.run(["docker", "inspect", *ids], check=True, capture_output=True, text=True).stdout
        )
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in reported}

    def is_healthy(self) -> bool:
        """Return whether all that runs is healthy by its own check, and all that set something up has ended well."""
        for one in self.containers().values():
            state = one["State"]
            health = state.get("Health", {}).get("Status", "healthy")
            if not (health == "healthy" if state["Running"] else state["ExitCode"] == 0):
                return False
        return True

    def api(self, path: str) -> Any:
        """Ask the wall."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port('WALL')}/api/v1/{path}")
        manager = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        manager.add_password(None, request.full_url, "test", self.secrets["WALL_PASSWORD"])
        opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(manager))
        with opener.open(request, timeout=60) as answer:
            return json.load(answer)

    @property
    def store(self) -> str:
        """The store's URL from outside, with an account that may do everything."""
        at = f"127.0.0.1:{self.port('INFLUXDB')}/corridor"
        if self.has_standins:
            return f"influxdb1://corridor:{self.secrets['INFLUXDB_PASSWORD']}@{at}"
        return f"influxdb://{self.secrets['INFLUXDB_TOKEN']}@{at}?org=corridor"


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds; what is not there yet may fail meanwhile."""
    deadline = time.monotonic() + PATIENCE_S
    failure: Exception | None = None
    while time.monotonic() < deadline:
        try:
            if holds():
                return
            failure = None
        except (OSError, ValueError, LookupError) as error:
            failure = error
        time.sleep(0.5)
    raise AssertionError(f"{what}: not within {PATIENCE_S:g} s") from failure
