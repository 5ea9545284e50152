"""`corridor stack init`: the secrets of the compose stack; and `stack broker-files`, which the stack itself runs."""

import asyncio
import base64
import json
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from broker import private_files
from broker.contract.topics import PREFIX
from broker.plant.plant import NO_PLANT
from broker.plant.plant_file import load
from broker.server import mosquitto_stack
from broker.server.credentials.dynamic_security import DynamicSecurity
from broker.server.credentials.registrar import CredentialError, new_password
from cli.invocation import checkout, options
from cli.invocation.errors import CommandError
from cli.running import loop
from cli.stack import certificate as stack_certificate
from cli.stack import devices
from cli.stack.env_file import EnvFile
from edge.simulation.planning import plan

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

DEVICE_PORT: Final = ("CORRIDOR_MQTT_PORT", PORTS["CORRIDOR_MQTT_PORT"])
NEXT_START: Final = "docker compose up -d"
LET_IN: Final = "docker compose up -d broker-setup && docker compose restart broker"
"""Makes a running broker take users and rights from `.env` again."""

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
    let_in = {asset: new_password() for asset in asked}
    devices.put(file, let_in)
    file.write()
    loop.log_to_stderr()
    is_known = bool(let_in) and asyncio.run(_at_the_running_broker(file, let_in))
    if json_:
        port = int(file.values().get("CORRIDOR_MQTT_PORT") or 1883)
        added_devices = [{"user": asset, "password": word, "port": port} for asset, word in let_in.items()]
        typer.echo(json.dumps({"file": str(file.path), "added": added, "devices": added_devices}))
        return
    for line in _reported(file, added, let_in, is_known=is_known):
        typer.echo(line)


def broker_files(
    *,
    folder: Annotated[Path, typer.Option("--folder", metavar="DIR", help="Where to write them.")],
    devices_folder: Annotated[
        Path,
        typer.Option("--devices-folder", metavar="DIR", help="Where the broker stores its devices; the files' folder."),
    ] = Path(),
    plant: Annotated[
        Path | None,
        typer.Option("--plant", metavar="FILE", help="The plant whose simulated machines the simulator may publish."),
    ] = None,
) -> None:
    """Write Mosquitto's configuration, users and rights, from the environment (the stack runs this)."""
    missing = [name for name in map(_password_variable, mosquitto_stack.SERVICES) if not os.environ.get(name)]
    if missing:
        raise CommandError(f"{missing[0]} is not set", "run ./corridor stack init first")
    given = {user: os.environ[_password_variable(user)] for user in mosquitto_stack.SERVICES}
    home = folder if devices_folder == Path() else devices_folder
    listed = devices.read(os.environ.get(devices.DEVICES, ""))
    known = devices.carry_over(home, mosquitto_stack.beside_devices(given), listed)
    described = load(plant) if plant else NO_PLANT
    simulated = plan.published(described, plan.read(described.simulate, str(plant)))
    for name, text in {
        mosquitto_stack.SERVICE_PASSWORDS: mosquitto_stack.passwords(given),
        "rights": mosquitto_stack.rights(simulated),
        "mosquitto.conf": mosquitto_stack.configuration(str(folder), str(home)),
    }.items():
        private_files.replace(folder / name, text.encode())
    typer.echo(f"{folder}: {len(given)} service users, {known} devices", err=True)


async def _at_the_running_broker(file: EnvFile, passwords: Mapping[str, str]) -> bool:
    """Let devices in at once where the broker runs; return whether it does."""
    url = devices.registrar_url(file.values(), int(file.values().get(DEVICE_PORT[0]) or DEVICE_PORT[1]))
    broker = DynamicSecurity(url)
    try:
        for asset, password in passwords.items():
            await broker.put(asset, password)
    except CredentialError:
        return False
    return True


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


def _reported(file: EnvFile, added: list[str], let_in: dict[str, str], *, is_known: bool) -> Iterator[str]:
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
    yield "\nthe running broker lets it in already" if is_known else f"\nnext: {NEXT_START}"
