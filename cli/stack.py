"""`corridor stack init`: the secrets of the compose stack; and `stack broker-files`, which the stack itself runs."""

import base64
import json
import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer

from broker import mosquitto_stack
from broker.errors import ContractError
from broker.mosquitto import hash_password
from broker.plant import load
from broker.topics import PREFIX, check_asset
from cli import checkout, options
from cli.env_file import EnvFile
from cli.errors import CommandError
from edge import plan

FILE_NAME: Final = ".env"
DEVICES: Final = "CORRIDOR_MQTT_DEVICES"
PROFILES: Final = "COMPOSE_PROFILES"
PLANT: Final = "CORRIDOR_PLANT"
CERTIFICATE, KEY = "CORRIDOR_TLS_CERTIFICATE", "CORRIDOR_TLS_KEY"
CERTIFICATE_FILE: Final = "corridor-ca.pem"
_SELF_SIGNED: Final = (
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj".split()  # noqa: SIM905
)

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
        typer.Option(metavar="SITE/AREA/LINE/MACHINE", help="Let a device in: prints its user and new password."),
    ] = None,
    simulator: Annotated[bool | None, typer.Option(help="With simulated machines, or without.")] = None,
    tls: Annotated[bool | None, typer.Option(help="Devices come in by TLS as well, on port 8883.")] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST", help="A name or address that devices call this computer by, for TLS."),
    ] = None,
    json_: options.Json = False,
) -> None:
    """Make the secrets of the stack, in .env; may be repeated: what is there stays, what is missing is added."""
    file = EnvFile(folder / FILE_NAME)
    before = file.values()
    added = [secret for secret in SECRETS if not before.get(secret)]
    for secret in added:
        file.set(secret, secrets.token_urlsafe(24), SECRETS[secret])
    _choose_profile(file, simulator, tls)
    if "tls" in file.values()[PROFILES] and (name or not before.get(CERTIFICATE)):
        _make_certificate(file, folder, name or ["localhost", "127.0.0.1"])
    let_in = {asset: secrets.token_urlsafe(18) for asset in map(_machine, device or [])}
    if let_in:
        hashes = _devices(before.get(DEVICES, "")) | {asset: hash_password(word) for asset, word in let_in.items()}
        file.set(
            DEVICES, _device_list(hashes), "broker: devices, each by its asset path, with the hash of its password"
        )
    file.write()
    port = int(file.values().get("CORRIDOR_MQTT_PORT") or 1883)
    if json_:
        devices = [{"user": asset, "password": word, "port": port} for asset, word in let_in.items()]
        typer.echo(json.dumps({"file": str(file.path), "added": added, "devices": devices}))
        return
    _tell(file, added, let_in, port)


def broker_files(
    *,
    folder: Annotated[Path, typer.Option("--folder", metavar="DIR", help="Where to write them.")],
    plant: Annotated[
        Path | None, typer.Option("--plant", metavar="FILE", help="Whose simulated machines the simulator may be.")
    ] = None,
) -> None:
    """Write Mosquitto's configuration, users and rights, from what the environment says (the stack runs this)."""
    missing = [name for name in map(_password_variable, mosquitto_stack.SERVICES) if not os.environ.get(name)]
    if missing:
        raise CommandError(f"{missing[0]} is not set", "run ./corridor stack init first")
    hashes = {user: hash_password(os.environ[_password_variable(user)]) for user in mosquitto_stack.SERVICES}
    devices = _devices(os.environ.get(DEVICES, ""))
    simulated = plan.read(load(plant).simulate, str(plant)).machine if plant else ()
    for name, text in {
        "passwords": mosquitto_stack.passwords(hashes | devices),
        "rights": mosquitto_stack.rights(devices, simulated),
        "mosquitto.conf": mosquitto_stack.configuration(str(folder)),
    }.items():
        file = folder / name
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(text)
    typer.echo(f"{folder}: {len(hashes)} users of our own, {len(devices)} devices", err=True)


def _choose_profile(file: EnvFile, simulator: bool | None, tls: bool | None) -> None:
    """Set the profile: what is not told stays as it was, at first with simulated machines and without TLS."""
    was = next((key for key, name in _PROFILE_OF.items() if name == file.values().get(PROFILES)), (True, False))
    chosen = (was[0] if simulator is None else simulator, was[1] if tls is None else tls)
    file.set(PROFILES, _PROFILE_OF[chosen], "simulator, no-simulator, tls (and simulator), no-simulator-tls")
    if not chosen[0] and simulator is not None:
        file.set(PLANT, "", "a plant description in /plants, which is the folder CORRIDOR_PLANTS; empty: none")
    elif simulator and file.values().get(PLANT) == "":
        file.set(PLANT, "/plants/corridor.toml")


def _make_certificate(file: EnvFile, folder: Path, names: list[str]) -> None:
    """Make a certificate that devices trust by itself, and put it with its key into `.env`."""
    openssl = shutil.which("openssl")
    if openssl is None:
        raise CommandError("TLS needs the program openssl, which is not on the PATH", "install it, or leave --tls out")
    alternatives = ",".join(
        f"{'IP' if name.replace('.', '').isdigit() or ':' in name else 'DNS'}:{name}" for name in names
    )
    with tempfile.TemporaryDirectory() as scratch:
        certificate, key = Path(scratch, "certificate.pem"), Path(scratch, "key.pem")
        wanted = f"/CN=Corridor -addext subjectAltName={alternatives}".split(" ")
        made = subprocess.run(  # noqa: S603  (names are arguments of their own, no shell reads them)
            [openssl, *_SELF_SIGNED, *wanted, "-keyout", str(key), "-out", str(certificate)],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise CommandError(f"openssl makes no certificate: {made.stderr.strip()[-200:]}", "mend --name")
        file.set(CERTIFICATE, base64.b64encode(certificate.read_bytes()).decode(), "TLS: certificate and key, base64")
        file.set(KEY, base64.b64encode(key.read_bytes()).decode())
        (folder / CERTIFICATE_FILE).write_bytes(certificate.read_bytes())


def _machine(path: str) -> str:
    try:
        check_asset(path)
    except ContractError as error:
        raise CommandError(f"--device {path}: {error.problem}", error.cure) from error
    if path.count("/") != 3:
        raise CommandError(f"--device {path} is no machine", "write <site>/<area>/<line>/<machine>")
    return path


def _devices(text: str) -> dict[str, str]:
    """Read the devices of `.env`; the dollars of the hashes, which mean something there, are points."""
    pairs = (entry.partition(":") for entry in text.split(",") if entry)
    return {asset: f"${hashed.replace('.', '$')}" for asset, _, hashed in pairs}


def _device_list(devices: dict[str, str]) -> str:
    return ",".join(f"{asset}:{hashed[1:].replace('$', '.')}" for asset, hashed in sorted(devices.items()))


def _password_variable(user: str) -> str:
    return f"CORRIDOR_MQTT_PASSWORD_{user.upper()}"


def _tell(file: EnvFile, added: list[str], let_in: dict[str, str], port: int) -> None:
    say = typer.echo
    say(
        f"{file.path} holds all secrets"
        + (f", {len(added)} of them new" if added else "")
        + "; keep it safe and private"
    )
    if CERTIFICATE in file.values():
        say(f"{file.path.with_name(CERTIFICATE_FILE)} is what a device must trust to come in by TLS, on port 8883")
    for asset, word in let_in.items():
        say(f"\n{asset} may come in:")
        say(f"  host      this computer's name or address (CORRIDOR_BIND says where the broker listens), port {port}")
        say(f"  user      {asset}")
        say(f"  password  {word}     (told this once: only its hash is kept)")
        topic = f"{PREFIX}/{asset}/telemetry/temperature"
        say(f"  try       mosquitto_pub -h localhost -p {port} -u {asset} -P {word} -t {topic} -m 21.5 -q 1")
    say(f"\nnext: {'docker compose up -d && docker compose kill -s HUP broker' if let_in else 'docker compose up -d'}")
