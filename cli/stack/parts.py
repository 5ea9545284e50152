"""The parts of the stack as `stack check` asks them: each returns what works, in words, or raises what does not."""

import asyncio
import json
import queue
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, Self
from urllib.parse import quote, urlsplit

import httpx

from broker.contract.topics import PREFIX
from broker.server.mosquitto_stack import PROBE
from cli.running.stores import opened
from cli.stack.env_file import EnvFile
from cli.stack.probe import TAKEN, Device
from cli.stack.stack import LET_IN, PORTS, SECRETS, SETTINGS
from services.store.interface import Store, StoreError

NEEDED: Final = ("broker", "influxdb", "ingest", "kpi", "wall")
"""Services without which there is no stack."""
INGEST_S: Final = 10.0
LEDGER_S: Final = 15.0
_TOPIC: Final = f"{PREFIX}/{PROBE}"
_FOREIGN: Final = f"{PREFIX}/corridor/check/line-1/probe-2/telemetry/probe"
_MS: Final = 1_000_000


class Fault(Exception):  # noqa: N818  (a finding, not an error)
    """A part does not work.

    Attributes:
        reported: what was seen.
        hint: what to do.
    """

    def __init__(self, reported: str, hint: str) -> None:
        super().__init__(reported)
        self.reported, self.hint = reported, hint


class LeftOut(Exception):  # noqa: N818  (a finding, not an error)
    """A part is not there to be tested; the text is the reason."""


class Places(NamedTuple):
    """Where the parts of a stack are.

    Attributes:
        file: `.env`.
        settings: its contents.
        urls: of broker, store, wall and Grafana, without passwords but for the store's.
    """

    file: Path
    settings: dict[str, str]
    urls: dict[str, str]

    @classmethod
    def of(cls, file: EnvFile, reported: dict[str, str]) -> Self:
        """Return where the parts are by `.env`, but for those given."""
        settings = file.values()
        bound = settings.get("CORRIDOR_BIND", "")
        host = "127.0.0.1" if bound in {"", "0.0.0.0"} else bound  # noqa: S104  (everywhere is here, too)
        port = {name: settings.get(name) or str(usual) for name, usual in PORTS.items()}
        token = quote(settings.get("CORRIDOR_INFLUXDB_TOKEN", ""), safe="")
        urls = {
            "broker": f"mqtt://{host}:{port['CORRIDOR_MQTT_PORT']}",
            "store": f"influxdb://{token}@127.0.0.1:{port['CORRIDOR_INFLUXDB_PORT']}/corridor?org=corridor",
            "wall": f"http://{host}:{port['CORRIDOR_WALL_PORT']}",
            "grafana": f"http://{host}:{port['CORRIDOR_GRAFANA_PORT']}",
        }
        return cls(file.path, settings, urls | reported)

    def device(self, user: str | None, password: str = "") -> Device:
        """Return a connection to the broker."""
        at = urlsplit(self.urls["broker"])
        return Device(at.hostname or "127.0.0.1", at.port or 1883, user, password)

    def probe(self) -> Device:
        """Return the probe's connection."""
        return self.device("probe", self.settings["CORRIDOR_MQTT_PASSWORD_PROBE"])


async def settings(places: Places) -> str:
    """See that `.env` has all that the stack needs."""
    if not places.settings:
        raise Fault(f"there is no {places.file}", "./corridor stack init")
    missing = [name for name in (*SETTINGS, *SECRETS) if not places.settings.get(name)]
    if missing:
        raise Fault(f"{places.file} lacks {', '.join(missing)}", "./corridor stack init adds what is missing")
    return f"{places.file} is complete"


async def containers(places: Places) -> str:
    """See that all containers run and are healthy by their own checks."""
    if shutil.which("docker") is None:
        raise LeftOut("there is no docker command here")
    project = places.settings.get("COMPOSE_PROJECT_NAME") or re.sub(r"[^a-z0-9_-]", "", places.file.parent.name.lower())
    listed = await _docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={project}")
    states = {
        one["Config"]["Labels"]["com.docker.compose.service"]: one["State"]
        for one in (json.loads(await _docker("inspect", *listed.split())) if listed.split() else [])
    }
    missing = [service for service in NEEDED if service not in states]
    if missing:
        raise Fault(f"not there: {', '.join(missing)} (project {project})", "docker compose up -d")
    faults = {service: fault for service, state in sorted(states.items()) if (fault := _ailing(state))}
    if faults:
        reported = "; ".join(f"{service}: {fault}" for service, fault in faults.items())
        raise Fault(reported, _logs(*faults))
    return f"{len(states)} of {len(states)} healthy, or completed"


async def broker(places: Places) -> str:
    """See that nobody connects without a password, and that the probe may write its own topics and no others."""
    return await asyncio.to_thread(_broker, places)


async def store(places: Places) -> str:
    """See that the store answers."""
    async with _opened(places) as stored:
        machines = await stored.machines()
    return f"it answers, and has {len(machines)} machine{'s' * (len(machines) != 1)}"


async def ingest(places: Places) -> str:
    """See that a reading of the probe gets into the store."""
    sent = time.time_ns() // _MS
    await asyncio.to_thread(_publish, places, "telemetry/probe", {"ts": sent, "value": sent % 1_000})
    async with _opened(places) as stored:
        began = time.monotonic()
        while not await stored.events(("telemetry",), PROBE, sent * _MS, sent * _MS + 1):
            if time.monotonic() - began > INGEST_S:
                reported = f"a reading was acknowledged by the broker, and is not in the store after {INGEST_S:g} s"
                raise Fault(reported, _logs("ingest"))
            await asyncio.sleep(0.2)
    return f"a reading was in the store after {time.monotonic() - began:.1f} s"


async def ledger(places: Places) -> str:
    """See that a meter of the probe changes its indicators, which the KPI service publishes."""
    waited = await asyncio.to_thread(_ledger, places)
    if waited is None:
        raise Fault(f"a meter was read, and no indicators were published within {LEDGER_S:g} s", _logs("kpi"))
    return f"indicators were published {waited:.1f} s after an event"


async def wall(places: Places) -> str:
    """See that the wall is connected to the broker and lets in who has its password."""
    url, hint = places.urls["wall"], _logs("wall")
    async with httpx.AsyncClient(base_url=url, timeout=5) as client:
        reported = await _get(client, "/healthz", f"the wall at {url}", hint, also=httpx.codes.SERVICE_UNAVAILABLE)
        if problems := reported.get("problems"):
            raise Fault(f"the wall at {url}: {'; '.join(problems)}", hint)
        if not reported.get("broker_connected"):
            raise Fault(f"the wall at {url} is not connected to the broker", hint)
        if (await client.get("/api/v1/assets")).status_code != httpx.codes.UNAUTHORIZED:
            raise Fault(f"the wall at {url} needs no password", "set CORRIDOR_WALL_PASSWORD: ./corridor stack init")
        client.auth = httpx.BasicAuth("check", places.settings["CORRIDOR_WALL_PASSWORD"])
        assets = await _get(
            client, "/api/v1/assets", f"the wall at {url}", "docker compose up -d wall, if .env changed"
        )
    return f"{url} shows {sum(asset['level'] == 'machine' for asset in assets)} machines"


async def grafana(places: Places) -> str:
    """See that Grafana works, its data sources answer with the probe's reading, and no alert rule is in error."""
    url, hint = places.urls["grafana"], _logs("grafana")
    if url == "none":
        raise LeftOut("there is none")
    password = places.settings["CORRIDOR_GRAFANA_PASSWORD"]
    async with httpx.AsyncClient(base_url=url, timeout=10, auth=("corridor", password)) as client:
        health = await _get(client, "/api/health", f"Grafana at {url}", hint)
        if health.get("database") != "ok":
            raise Fault(f"Grafana's own database is {health.get('database')}", hint)
        reset = "docker compose exec grafana grafana cli admin reset-admin-password NEW"
        first = f"its password is that of its first start, or: {reset}"
        sources = await _get(client, "/api/datasources", f"Grafana at {url}", first)
        ours = [source["uid"] for source in sources if source["uid"].startswith("corridor-")]
        if not ours:
            raise Fault("Grafana has none of our data sources", "docker compose up -d --force-recreate grafana")
        query = {
            "refId": "A",
            "datasource": {"uid": "corridor-raw", "type": "influxdb"},
            "rawQuery": True,
            "resultFormat": "table",
            "query": 'SELECT last("value") FROM "telemetry" WHERE "machine" = \'probe-1\' AND time > now() - 5m',
        }
        asked = await client.post("/api/ds/query", json={"queries": [query], "from": "now-5m", "to": "now"})
        result = asked.json().get("results", {}).get("A", {})
        if asked.is_error or result.get("error"):
            error = result.get("error") or asked.text[:200]
            raise Fault(
                f"its data source answers: {error}", "docker compose restart grafana: it reads its token at start"
            )
        if not any(frame["data"]["values"] for frame in result.get("frames", [])):
            raise Fault("its data source does not have the probe's reading", "docker compose restart grafana")
        rules = await _alert_rules(client, f"Grafana at {url}", hint)
    return f"{url}: {len(ours)} data sources, the probe's reading is there, {rules}"


async def _alert_rules(client: httpx.AsyncClient, who: str, hint: str) -> str:
    """See that there are alert rules, and that Grafana could evaluate them; return how many there are, in words."""
    answer = await _get(client, "/api/prometheus/grafana/api/v1/rules", who, hint)
    rules = [rule for group in answer["data"]["groups"] for rule in group["rules"]]
    if not rules:
        raise Fault("Grafana has no alert rules", hint)
    errors = [f"{rule['name']}: {rule.get('lastError', '')[:200]}" for rule in rules if rule.get("health") == "error"]
    if errors:
        raise Fault(f"{len(errors)} of {len(rules)} alert rules are in error; {errors[0]}", hint)
    waiting = sum(rule.get("health") == "unknown" for rule in rules)
    return f"{len(rules)} alert rules" + (f", {waiting} of them not evaluated yet" if waiting else "")


def _broker(places: Places) -> str:
    url, hint = places.urls["broker"], _logs("broker")
    try:
        with places.device(None):
            raise Fault(
                f"the broker at {url} accepts connections without a password",
                "docker compose up -d broker-setup broker",
            )
    except ConnectionRefusedError as rejected:
        if "uthori" not in str(rejected):
            raise Fault(f"the broker at {url} cannot be reached: {rejected}", hint) from rejected
    except OSError as error:
        raise Fault(f"the broker at {url} cannot be reached: {error}", hint) from error
    try:
        with places.probe() as probe:
            own = probe.publish(f"{_TOPIC}/telemetry/probe", "0")
            others = probe.publish(_FOREIGN, "0")
    except ConnectionRefusedError as rejected:
        raise Fault(f"the broker rejects the user probe: {rejected}", LET_IN) from rejected
    except OSError as error:
        raise Fault(f"the broker at {url}: {error}", hint) from error
    if own not in TAKEN:
        raise Fault(f"the probe may not write its own topics: {own}", LET_IN)
    if others in TAKEN:
        raise Fault("a device may write the topics of others", LET_IN)
    return f"{url} rejects strangers, and devices on the topics of others"


def _publish(places: Places, kind: str, payload: dict[str, object]) -> None:
    with places.probe() as probe:
        probe.publish(f"{_TOPIC}/{kind}", json.dumps(payload))


def _ledger(places: Places) -> float | None:
    """Read the probe's meter, and wait for its indicators; return for how long, seconds."""
    with places.probe() as probe:
        probe.subscribe(f"{_TOPIC}/kpi/hour")
        sent, began = time.time_ns() // _MS, time.monotonic()
        # So little air that it can be seen in no sum that anyone looks at.
        reading = {"ts": sent, "total": sent / 1e15, "unit": "m3"}
        probe.publish(f"{_TOPIC}/meter/compressed-air", json.dumps(reading))
        while (left := began + LEDGER_S - time.monotonic()) > 0:
            try:
                topic, payload = probe.received.get(timeout=left)
            except queue.Empty:
                break
            if topic.endswith("/kpi/hour") and payload and json.loads(payload)["ts"] >= sent:
                return time.monotonic() - began
    return None


@asynccontextmanager
async def _opened(places: Places) -> AsyncIterator[Store]:
    try:
        async with opened(places.urls["store"]) as stored:
            yield stored
    except StoreError as error:
        raise Fault(str(error), _logs("influxdb", "store-setup")) from error


def _logs(*services: str) -> str:
    return f"docker compose logs --tail 20 {' '.join(services)}"


async def _get(client: httpx.AsyncClient, path: str, who: str, hint: str, also: int = httpx.codes.OK) -> Any:
    try:
        answer = await client.get(path)
        if answer.status_code != also:
            answer.raise_for_status()
        return answer.json()
    except httpx.HTTPStatusError as error:
        raise Fault(f"{who} answers {path} with {error.response.status_code}", hint) from error
    except (httpx.HTTPError, ValueError) as error:
        raise Fault(f"{who} cannot be reached: {str(error) or type(error).__name__}", hint) from error


async def _docker(*words: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "docker", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, complaint = await process.communicate()
    if process.returncode:
        raise LeftOut(f"docker: {complaint.decode().strip()[:200]}")
    return output.decode()


def _ailing(state: dict[str, Any]) -> str:
    """Return what ails a container; '' if nothing does."""
    if not state["Running"]:
        return "" if state["ExitCode"] == 0 else f"ended with {state['ExitCode']}"
    health = state.get("Health")
    if health is None or health["Status"] == "healthy":
        return ""
    output = (health.get("Log") or [{}])[-1].get("Output", "").strip()
    return f"{health['Status']}{f' ({output[:120]})' if output else ''}"
