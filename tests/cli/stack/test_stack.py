"""`corridor stack init` and `stack broker-files`, and that docker-compose.yml asks for what they give."""

import json
import os
import re
import shutil
import socket
import ssl
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from broker.server.mosquitto_stack import INSIDE, SERVICES
from cli.stack.certificate import AUTHORITY, AUTHORITY_KEY
from cli.stack.env_file import EnvFile
from cli.stack.stack import PORTS, SECRETS, SETTINGS
from cli.stack.tls import context
from dashboards.names import WALL_URL
from edge.simulation import districts
from edge.simulation.planning.plan import read as read_plan
from tests.cli.conftest import Corridor

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
DEVICE = "york/barn/line-1/lathe-9"
NEEDS_OPENSSL = pytest.mark.skipif(
    shutil.which("openssl") is None and os.environ.get("CI") != "true", reason="needs openssl"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "stack").mkdir()
    return tmp_path / "stack"


def values(folder: Path) -> dict[str, str]:
    return EnvFile(folder / ".env").values()


def test_secrets_are_made_once_stored_and_never_shown(corridor: Corridor, folder: Path) -> None:
    status, out, reported = corridor("stack", "init", "--folder", str(folder))
    assert status == 0
    first = values(folder)
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    assert len({first[name] for name in SECRETS}) == len(SECRETS)
    assert all(len(first[name]) >= 32 for name in SECRETS)
    assert not [name for name in SECRETS if first[name] in out + reported]
    assert "http://localhost:" in out
    status, out, _ = corridor("stack", "init", "--folder", str(folder), "--json")
    assert json.loads(out)["added"] == []
    assert values(folder) == first


def test_what_is_missing_is_added_and_what_the_user_wrote_stays(corridor: Corridor, folder: Path) -> None:
    mine = "# mine\nCORRIDOR_BIND=0.0.0.0\nCORRIDOR_WALL_PASSWORD=my own\n\nOTHER=1\n"
    (folder / ".env").write_text(mine)
    status, out, _ = corridor("stack", "init", "--folder", str(folder), "--json")
    assert status == 0
    assert set(json.loads(out)["added"]) == set(SECRETS) - {"CORRIDOR_WALL_PASSWORD"}
    assert (folder / ".env").read_text().startswith(mine)


def test_a_port_that_is_taken_is_left_to_who_has_it(corridor: Corridor, folder: Path) -> None:
    with socket.socket() as other:
        try:
            other.bind(("127.0.0.1", PORTS["CORRIDOR_MQTTS_PORT"]))
        except OSError:
            pass  # somebody else has it already
        else:
            other.listen()
        corridor("stack", "init", "--folder", str(folder))
    assert int(values(folder)["CORRIDOR_MQTTS_PORT"]) > PORTS["CORRIDOR_MQTTS_PORT"]


def test_profiles_are_remembered(corridor: Corridor, folder: Path) -> None:
    profiles = []
    for options in ([], ["--no-simulator"], [], ["--simulator"]):
        corridor("stack", "init", "--folder", str(folder), *options)
        profiles.append((values(folder)["COMPOSE_PROFILES"], values(folder).get("CORRIDOR_PLANT")))
    assert profiles == [
        ("simulator", None),
        ("no-simulator", ""),
        ("no-simulator", ""),
        ("simulator", "/plants/corridor.toml"),
    ]
    used = {profile for service in COMPOSE["services"].values() for profile in service.get("profiles", ())}
    assert used | {"no-simulator"} == {"simulator", "no-simulator", "tls", "no-simulator-tls", "gateway"}


def test_a_profile_beside_the_variant_stays(corridor: Corridor, folder: Path) -> None:
    corridor("stack", "init", "--folder", str(folder))
    file = folder / ".env"
    file.write_text(file.read_text().replace("COMPOSE_PROFILES=simulator", "COMPOSE_PROFILES=simulator,gateway"))
    corridor("stack", "init", "--folder", str(folder), "--no-simulator")
    assert values(folder)["COMPOSE_PROFILES"] == "no-simulator,gateway"


@pytest.mark.slow
def test_a_device_gets_a_password_that_is_shown_once(
    corridor: Corridor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported = {}
    for device in (DEVICE, "york/barn/line-1/lathe-10"):
        _, out, _ = corridor("stack", "init", "--folder", str(folder), "--device", device, "--json")
        (one,) = json.loads(out)["devices"]
        reported[one["user"]] = one["password"]
    text = (folder / ".env").read_text()
    assert set(reported) == {DEVICE, "york/barn/line-1/lathe-10"}
    assert not [word for word in reported.values() if word in text]
    assert "$" not in text  # Compose would read it as a variable

    for name, value in values(folder).items():
        monkeypatch.setenv(name, value)
    files = folder / "files"
    files.mkdir()
    status, _, reported_state = corridor("stack", "broker-files", "--folder", str(files), "--plant", str(plant(folder)))
    assert (status, reported_state) == (0, f"{files}: 8 service users, 2 devices\n")
    services = dict(line.split(":", 1) for line in (files / "passwords-services").read_text().splitlines())
    assert set(services) == set(INSIDE)
    assert all(re.fullmatch(r"\$7\$\d+\$[\w+/]+=*\$[\w+/]+=*", hashed) for hashed in services.values())
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files.iterdir())
    document = json.loads((files / "dynamic-security.json").read_text())
    assert {client["username"] for client in document["clients"]} == {*SERVICES, *reported} - set(INSIDE)
    rights = {role["rolename"]: [acl["topic"] for acl in role["acls"]] for role in document["roles"]}
    assert set(rights[DEVICE]) == {f"corridor/v1/{DEVICE}/#", f"corridor/v1/{DEVICE}/kpi/#"}
    assert {topic for user, topics in rights.items() for topic in topics if topic.startswith("$CONTROL")} == {
        topic for topic in rights["registrar"] if topic.startswith("$CONTROL")
    }
    for machine in read_plan(districts.plant(districts.names()).simulate).assets:
        assert f"topic readwrite corridor/v1/{machine}/#\n" in (files / "rights").read_text()

    before = (files / "dynamic-security.json").read_bytes()
    corridor("stack", "broker-files", "--folder", str(files), "--plant", str(plant(folder)))
    assert (files / "dynamic-security.json").read_bytes() == before, "the broker may be running"


def plant(folder: Path) -> Path:
    file = folder / "corridor.toml"
    file.write_text(districts.plant(districts.names()).text, encoding="utf-8")
    return file


def test_the_device_is_shown_how_to_connect(corridor: Corridor, folder: Path) -> None:
    _, out, _ = corridor("stack", "init", "--folder", str(folder), "--device", DEVICE)
    port = values(folder)["CORRIDOR_MQTT_PORT"]
    assert f"user      {DEVICE}\n" in out
    assert f"mosquitto_pub -h localhost -p {port} -u {DEVICE} -P " in out
    assert "next: docker compose up -d\n" in out


@pytest.mark.parametrize(
    ("device", "problem"),
    [
        ("york/barn/line-1", "is no machine"),
        ("York/barn/line-1/lathe-9", "is not a name"),
        ("york/barn/line-1/#", "is not a name"),
        ("york/barn/line-1/kpi", "is not called kpi"),
    ],
)
def test_what_is_no_device_is_rejected_and_nothing_is_written(
    corridor: Corridor, folder: Path, device: str, problem: str
) -> None:
    status, _, reported = corridor("stack", "init", "--folder", str(folder), "--device", device)
    assert status == 1
    assert problem in reported
    assert not (folder / ".env").exists()


@NEEDS_OPENSSL
def test_certificates_may_be_made_again_and_devices_trust_them_still(corridor: Corridor, folder: Path) -> None:
    corridor("stack", "init", "--folder", str(folder), "--tls")
    first, authority = values(folder), (folder / AUTHORITY).read_bytes()
    assert stat.S_IMODE((folder / AUTHORITY_KEY).stat().st_mode) == 0o600
    assert first["COMPOSE_PROFILES"] == "tls"
    corridor("stack", "init", "--folder", str(folder))
    assert values(folder) == first
    corridor("stack", "init", "--folder", str(folder), "--name", "plant.example", "--name", "192.0.2.7")
    second = values(folder)
    assert second["CORRIDOR_TLS_CERTIFICATE"] != first["CORRIDOR_TLS_CERTIFICATE"]
    assert (folder / AUTHORITY).read_bytes() == authority
    for name in ("plant.example", "192.0.2.7", "localhost"):
        assert shakes_hands(folder, second, name)
    assert not shakes_hands(folder, second, "other.example")


def shakes_hands(folder: Path, settings: dict[str, str], name: str) -> bool:
    """Return whether a client that trusts the authority alone accepts the server as `name`; no socket is needed."""
    trusting = ssl.create_default_context(cafile=str(folder / AUTHORITY))
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    serving = context(settings["CORRIDOR_TLS_CERTIFICATE"], settings["CORRIDOR_TLS_KEY"])
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(back, there, server_hostname=name)
    server = serving.wrap_bio(there, back, server_side=True)
    for _ in range(3):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLCertVerificationError:
                return False
    return client.version() is not None


@NEEDS_OPENSSL
@pytest.mark.parametrize("name", ["a,IP:192.0.2.1", "plant example", "-x", ""])
def test_a_name_that_is_none_is_rejected(corridor: Corridor, folder: Path, name: str) -> None:
    status, _, reported = corridor("stack", "init", "--folder", str(folder), "--tls", f"--name={name}")
    assert status == 1
    assert "neither a host's name nor an address" in reported
    assert not (folder / ".env").exists()


def test_broker_files_need_all_passwords(corridor: Corridor, folder: Path) -> None:
    status, _, reported = corridor("stack", "broker-files", "--folder", str(folder))
    assert (status, reported) == (
        1,
        "corridor: CORRIDOR_MQTT_PASSWORD_HEALTH is not set; run ./corridor stack init first\n",
    )


def test_compose_asks_for_what_init_gives() -> None:
    required = set(re.findall(r"\$\{(\w+):\?run \./corridor stack init first\}", TEXT))
    assert required == {*SECRETS, "CORRIDOR_IMAGE"}
    mentioned = set(re.findall(r"\$\{(\w+)", TEXT))
    assert set(SETTINGS) | set(PORTS) <= mentioned
    optional = mentioned - required
    assert not [name for name in optional if re.search("PASSWORD|TOKEN|SECRET", name)]  # none has a default


def test_grafana_is_given_where_the_wall_is() -> None:
    assert f"s|{WALL_URL}|$$WALL|g" in COMPOSE["services"]["grafana"]["command"][0]


def test_one_service_alone_builds_our_image() -> None:
    ours = [name for name, service in COMPOSE["services"].items() if "CORRIDOR_IMAGE" in service["image"]]
    assert [name for name in ours if "build" in COMPOSE["services"][name]] == ["broker-setup"]
    assert {COMPOSE["services"][name]["pull_policy"] for name in ours if name != "broker-setup"} == {"never"}


def test_every_service_is_bounded_and_guarded() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert re.fullmatch(r"\d+[mg]", service["mem_limit"]), name
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}, name
        assert service["image"] == "${CORRIDOR_IMAGE:?run ./corridor stack init first}" or ":" in service["image"], name
        assert "healthcheck" in service or service["restart"] == "no", name
        assert service["read_only"], name
        assert service["pids_limit"] == 256, name
        for port in service.get("ports", ()):
            assert port.startswith(("${CORRIDOR_BIND:-127.0.0.1}:", "127.0.0.1:")), name


def test_each_side_has_a_network_and_what_people_open_does_not_reach_what_devices_do() -> None:
    networks = {name: set(service.get("networks", ())) for name, service in COMPOSE["services"].items()}
    assert COMPOSE["services"]["broker-setup"]["network_mode"] == "none"
    assert all(on for name, on in networks.items() if name != "broker-setup")  # none is on the one that all are on

    def members(network: str) -> set[str]:
        return {name for name, on in networks.items() if network in on}

    assert members("devices") == {"broker", "tls"}
    assert members("messages") == {"broker", "ingest", "kpi", "wall", "simulator", "gateway"}
    assert members("gateways") == {"gateway"}
    assert members("data") == {"influxdb", "store-setup", "ingest", "kpi", "wall", "simulator", "grafana"}
    assert members("pages") == {"wall", "grafana"}
    assert set(COMPOSE["networks"]) == set().union(*networks.values())
    inside = {name for name, network in COMPOSE["networks"].items() if network}
    published = {name for name, service in COMPOSE["services"].items() if "ports" in service}
    assert not [name for name in published if networks[name] <= inside]  # a port is not published from inside


def test_no_password_is_on_a_command_line() -> None:
    for name, service in COMPOSE["services"].items():
        reported_state = json.dumps([service.get("command"), service.get("healthcheck")])
        assert not re.search(r"\$\{\w*(PASSWORD|TOKEN|SECRET)", reported_state), name
        # The shell's own printf is no program; what it writes goes into a file.
        checked = re.sub(r"printf [^>]*> /tmp/\w+", "", json.dumps(service.get("healthcheck")))
        assert not re.search("PASSWORD|TOKEN|SECRET", checked), name
