"""Images for the compose test where none can be pulled: one small Debian, under the names that the stack asks for.

It has Python, and Mosquitto and InfluxDB 1.6 of Debian; `standins.yml` says how they are run in place of the real ones.
Grafana has no stand-in. What can be pulled is pulled.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SUITE = "bookworm"
PACKAGES = (
    "ca-certificates,influxdb,influxdb-client,mosquitto,mosquitto-clients,python3,python3-venv"  # what debootstrap adds
)
CERTIFICATES = Path("etc/ssl/certs/ca-certificates.crt")
PULL_S = 60
LABEL = "corridor.standin"
FOLDERS = {"var/lib/influxdb2": 1000, "etc/influxdb2": 1000, "mosquitto/data": 1883}
"""Folders that the real images have for volumes, and whose they are."""


def wanted() -> list[str]:
    """Return the images that compose file and Dockerfile ask for, but for ours and Grafana's."""
    named = re.findall(r"(?m)^\s+image: (\S+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    named += re.findall(r"(?m)^FROM (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    return [image for image in dict.fromkeys(named) if not image.startswith(("${CORRIDOR_IMAGE", "grafana/"))]


def provide() -> bool:
    """See that all images are there; tell whether any is a stand-in."""
    missing = [image for image in wanted() if not _is_there(image) and not _is_pulled(image)]
    if missing:
        archive = _debian()
        for image in missing:
            sys.stderr.write(f"no {image} can be pulled: making a stand-in\n")
            changes = ("ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", f"LABEL {LABEL}=true")
            options = [word for change in changes for word in ("--change", change)]
            subprocess.run(["docker", "import", *options, str(archive), image], check=True, stdout=subprocess.DEVNULL)
    return any(map(_is_standin, wanted()))


def _is_there(image: str) -> bool:
    return subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0


def _is_standin(image: str) -> bool:
    asked = ["docker", "image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', image]
    return subprocess.run(asked, capture_output=True, check=False, text=True).stdout.strip() == "true"


def _is_pulled(image: str) -> bool:
    try:
        pulled = subprocess.run(["docker", "pull", "--quiet", image], capture_output=True, check=False, timeout=PULL_S)
    except subprocess.TimeoutExpired:
        return False
    return pulled.returncode == 0


def _debian() -> Path:
    """Return an archive of the small Debian, made once and kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "corridor-test"
    archive = cache / f"{SUITE}.tar"
    if archive.exists():
        return archive
    program = shutil.which("debootstrap", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if program is None:
        sys.exit("no image can be pulled, and debootstrap is not installed: apt-get install debootstrap")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch, "tree")
        subprocess.run([program, "--variant=minbase", f"--include={PACKAGES}", SUITE, str(tree)], check=True)
        # The build inside trusts whom this computer trusts.
        if (host := Path("/", CERTIFICATES)).exists():
            shutil.copyfile(host, tree / CERTIFICATES)
        for folder, owner in FOLDERS.items():
            (tree / folder).mkdir(parents=True)
            os.chown(tree / folder, owner, owner)
        shutil.rmtree(tree / "var/cache/apt", ignore_errors=True)
        new = archive.with_suffix(".new")
        subprocess.run(["tar", "-C", str(tree), "-cf", str(new), "."], check=True)
        new.replace(archive)
    return archive


if __name__ == "__main__":
    provide()
