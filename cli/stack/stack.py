"""`corridor stack init`: the secrets of the compose stack; and `stack broker-files`, which the stack itself runs."""

import base64
import json
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from broker.contract.topics import PREFIX
from broker.plant.plant_file import load
from broker.server import mosquitto_stack
from broker.server.mosquitto import hash_password
from cli.invocation import checkout, options
from cli.invocation.errors import CommandError
from cli.stack import certificate as stack_certificate
from cli.stack import devices
from cli.stack.env_file import EnvFile
from edge.simulation import plan

FILE_NAME: Final = ".env"
PROFILES: Final = "COMPOSE_PROFILES"
PLANT: Final = "CORRIDOR_PLANT"
CERTIFICATE, KEY = "CORRIDOR_TLS_CERTIFICATE", "CORRIDOR_TLS_KEY"

SETTINGS: Final[dict[str, tuple[str, str]]] = {
    "CORRIDOR_IMAGE": ("corridor:local", "the image of our services, built by Compose"),
    "CORRIDOR_BIND": ("127.0.0.1", "where broker, wall and Grafana listen: 0.0.0.0 lets other computers in"),
    "CORRIDOR_HOST": ("localhost", "what others call this computer: for the links between wall and Grafana"),
}
"""The initial contents of `.env`, which may be changed there."""

PORTS: Final = {
    "CORRIDOR_MQTT_PORT": 1883,
    "CORRIDOR_MQTTS_PORT": 8883,
    "CORRIDOR_WALL_PORT": 8080,
    "CORRIDOR_GRAFANA_PORT": 3000,
    "CORRIDOR_INFLUXDB_PORT": 8086,
}
_TRIES: Final = 50

LET_IN: Final = "docker compose run --rm broker-setup && docker compose kill -s HUP broker"
"""Makes a running broker know new devices; nobody is disconnected."""

SECRETS: Final[dict[str, str]] = {
    **{f"CORRIDOR_MQTT_PASSWORD_{user.upper()}": f"broker: user {user}" for user in mosquitto_stack.SERVICES},
    "CORRIDOR_INFLUXDB_PASSWORD": "InfluxDB: user corridor, for its own pages",
    "CORRIDOR_INFLUXDB_TOKEN": "InfluxDB: may do everything; makes the accounts of services and Grafana",
    "CORRIDOR_WALL_PASSWORD": "wall: any user name",
    "CORRIDOR_GRAFANA_PASSWORD": "Grafana: user corridor",
    "CORRIDOR_GRAFANA_SECRET_KEY": "Grafana: what it encrypts its own secrets with",
}
"""What there must be in `.env`, and what for."""

_PROFILE_OF: Final = {
    (True, False): "simulator",
    (False, False): "no-simulator",
    (True, True): "tls",
    (False, True): "no-simulator-tls",
}
"""Compose's profile, by whether machines are simulated and whether devices come in by TLS."""

Folder = Annotated[
    Path,
    typer.Option(
        "--folder",
        metavar="DIR",
        help="Where docker-compose.yml and .env are.",
        default_factory=lambda: checkout.find() or Path.cwd(),
    ),
]


def init(
    *,
    folder: Folder,
    device: Annotated[
        list[str] | None,
        typer.Option(metavar="SITE/AREA/LINE/MACHINE", help="Add a device: prints its user and new password."),
    ] = None,
    simulator: Annotated[bool | None, typer.Option(help="With simulated machines, or without.")] = None,
    tls: Annotated[bool | None, typer.Option(help="Accept devices by TLS as well, on port 8883.")] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST", help="A name or address of this computer for the TLS certificate."),
    ] = None,
    json_: options.Json = False,
) -> None:
    """Generate the stack's secrets into .env. It may be repeated: existing ones stay, missing ones are added."""
    file = EnvFile(folder / FILE_NAME)
    before = file.values()
    asked = [devices.machine(path) for path in device or []]
    if not before:
        _choose_ports(file)
    for setting, (value, about) in SETTINGS.items():
        if not before.get(setting):
            file.set(setting, value, about)
    added = [secret for secret in SECRETS if not before.get(secret)]
    for secret in added:
        file.set(secret, secrets.token_hex(20), SECRETS[secret])
    _choose_profile(file, simulator, tls)
    if "tls" in file.values()[PROFILES] and (name or not before.get(CERTIFICATE)):
        made = stack_certificate.make(folder, [*stack_certificate.own_names(), *(name or [])])
        file.set(CERTIFICATE, base64.b64encode(made.certificate).decode(), "TLS: certificate and key, base64")
        file.set(KEY, base64.b64encode(made.key).decode())
    let_in = devices.add(file, asked)
    file.write()
    if json_:
        port = int(file.values().get("CORRIDOR_MQTT_PORT") or 1883)
        added_devices = [{"user": asset, "password": word, "port": port} for asset, word in let_in.items()]
        typer.echo(json.dumps({"file": str(file.path), "added": added, "devices": added_devices}))
        return
    for line in _reported(file, added, let_in):
        typer.echo(line)


def broker_files(
    *,
    folder: Annotated[Path, typer.Option("--folder", metavar="DIR", help="Where to write them.")],
    plant: Annotated[
        Path | None,
        typer.Option("--plant", metavar="FILE", help="The plant whose simulated machines the simulator may publish."),
    ] = None,
) -> None:
    """Write Mosquitto's configuration, users and rights, from the environment (the stack runs this)."""
    missing = [name for name in map(_password_variable, mosquitto_stack.SERVICES) if not os.environ.get(name)]
    if missing:
        raise CommandError(f"{missing[0]} is not set", "run ./corridor stack init first")
    hashes = {user: hash_password(os.environ[_password_variable(user)]) for user in mosquitto_stack.SERVICES}
    known = devices.read(os.environ.get(devices.DEVICES, ""))
    simulated = plan.read(load(plant).simulate, str(plant)).assets if plant else ()
    for name, text in {
        **mosquitto_stack.passwords(hashes | known),
        "rights": mosquitto_stack.rights(known, simulated),
        "mosquitto.conf": mosquitto_stack.configuration(str(folder)),
    }.items():
        file = folder / name
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(text)
    typer.echo(f"{folder}: {len(hashes)} service users, {len(known)} devices", err=True)


def _choose_profile(file: EnvFile, simulator: bool | None, tls: bool | None) -> None:
    """Set the profile: what is None stays as it was, at first with simulated machines and without TLS."""
    variant, *beside = (file.values().get(PROFILES) or "").split(",")
    was = next((key for key, name in _PROFILE_OF.items() if name == variant), (True, False))
    chosen = (was[0] if simulator is None else simulator, was[1] if tls is None else tls)
    profiles = ",".join([_PROFILE_OF[chosen], *beside])
    file.set(PROFILES, profiles, "simulator, no-simulator, tls (and simulator), no-simulator-tls")
    if not chosen[0] and simulator is not None:
        file.set(PLANT, "", "a plant description in /plants, which is the folder CORRIDOR_PLANTS; empty: none")
    elif simulator and file.values().get(PLANT) == "":
        file.set(PLANT, "/plants/corridor.toml")


def _choose_ports(file: EnvFile) -> None:
    """Choose the ports, in a new file: the usual ones, or the next that no other program listens on."""
    about = "ports on this computer; a change takes `docker compose up -d`"
    for name, usual in PORTS.items():
        port = next((port for port in range(usual, usual + _TRIES) if _is_free(port)), usual)
        if port != usual:
            typer.echo(f"port {usual} is in use by another program; {name} is {port}", err=True)
        file.set(name, str(port), about)
        about = ""


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _password_variable(user: str) -> str:
    return f"CORRIDOR_MQTT_PASSWORD_{user.upper()}"


def _reported(file: EnvFile, added: list[str], let_in: dict[str, str]) -> Iterator[str]:
    """Yield what there is to know: addresses, where the passwords are, and once the passwords of new devices."""
    now = file.values()
    host, bound = now["CORRIDOR_HOST"], now["CORRIDOR_BIND"]
    port = {name: now.get(name) or str(usual) for name, usual in PORTS.items()}
    mqtt, mqtts = port["CORRIDOR_MQTT_PORT"], port["CORRIDOR_MQTTS_PORT"]
    yield f"{file.path} holds all secrets, {len(added)} of them new; back it up, and keep it private"
    yield f"  wall     http://{host}:{port['CORRIDOR_WALL_PORT']}/   any user, CORRIDOR_WALL_PASSWORD"
    yield f"  Grafana  http://{host}:{port['CORRIDOR_GRAFANA_PORT']}/   user corridor, CORRIDOR_GRAFANA_PASSWORD"
    yield f"  broker   mqtt://{host}:{mqtt}   a user for each device: --device SITE/AREA/LINE/MACHINE"
    if "tls" in now[PROFILES]:
        yield f"  TLS      mqtts://{host}:{mqtts}   devices trust {file.path.with_name(stack_certificate.AUTHORITY)}"
    if bound == "127.0.0.1":
        yield "Only this computer reaches them. For others set CORRIDOR_BIND and CORRIDOR_HOST in that file."
    for asset, word in let_in.items():
        yield f"\n{asset} may connect; its password is shown only once, as only its hash is stored:"
        yield f"  host      {host}, port {mqtt}" + (f", by TLS port {mqtts}" if "tls" in now[PROFILES] else "")
        yield f"  user      {asset}"
        yield f"  password  {word}"
        yield f"  topics    {PREFIX}/{asset}/…"
        yield f"  try       mosquitto_pub -h {host} -p {mqtt} -u {asset} -P {word} -q 1 \\"
        yield f"              -t {PREFIX}/{asset}/telemetry/temperature -m 21.5"
    yield "\nnext: docker compose up -d"
    if let_in:
        yield f"or, where the stack runs: {LET_IN}"
