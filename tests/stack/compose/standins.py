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
PACKAGES = "ca-certificates,influxdb,influxdb-client,mosquitto,mosquitto-clients,python3,python3-venv"
CERTIFICATES = Path("etc/ssl/certs/ca-certificates.crt")
PULL_S = 60
EDITION = 2
"""Higher whenever what is made here changes, so that none made before is taken."""
OURS = f"corridor-standin:{SUITE}-{EDITION}"
SEARCHED = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FOLDERS = {"var/lib/influxdb2": 1000, "etc/influxdb2": 1000, "mosquitto/data": 1883}
"""Folders that the real images have for volumes, and whose they are."""
PLUGIN = Path("usr/lib/mosquitto_dynamic_security.so")
"""Where the real image has it; Debian's is in a folder of its architecture."""


def wanted() -> list[str]:
    """Return the images that compose file and Dockerfile ask for, but for ours and Grafana's."""
    named = re.findall(r"(?m)^\s+image: (\S+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    named += re.findall(r"(?m)^FROM (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    return [image for image in dict.fromkeys(named) if not image.startswith(("${CORRIDOR_IMAGE", "grafana/"))]


def provide() -> bool:
    """See that all images are there; return whether stand-ins were made, which `remove` takes away again."""
    remove()  # of a run that was killed
    missing = [image for image in wanted() if not _is_there(image)]
    while missing and _is_pulled(missing[0]):
        del missing[0]
    if missing:
        sys.stderr.write(f"no {missing[0]} can be pulled: making stand-ins\n")
        if not _is_there(OURS):
            subprocess.run(["docker", "import", "--change", SEARCHED, _debian(), OURS], check=True, capture_output=True)
        for image in missing:
            subprocess.run(["docker", "tag", OURS, image], check=True)
    return bool(missing)


def remove() -> None:
    """Take stand-ins away, so that nobody runs them for the real ones; what they were made of stays, under its name."""
    made = _id(OURS)
    for image in wanted():
        if made and _id(image) == made:
            subprocess.run(["docker", "image", "rm", image], check=True, capture_output=True)


def _id(image: str) -> str:
    asked = ["docker", "image", "inspect", "--format", "{{.Id}}", image]
    return subprocess.run(asked, capture_output=True, check=False, text=True).stdout.strip()


def _is_there(image: str) -> bool:
    return bool(_id(image))


def _is_pulled(image: str) -> bool:
    try:
        pulled = subprocess.run(["docker", "pull", "--quiet", image], capture_output=True, check=False, timeout=PULL_S)
    except subprocess.TimeoutExpired:
        return False
    return pulled.returncode == 0


def _debian() -> Path:
    """Return an archive of the small Debian, made once."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "corridor-test"
    archive = cache / f"{SUITE}-{EDITION}.tar"
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
        (plugin,) = tree.glob(f"usr/lib/*/{PLUGIN.name}")
        (tree / PLUGIN).symlink_to(Path("/", plugin.relative_to(tree)))
        shutil.rmtree(tree / "var/cache/apt", ignore_errors=True)
        new = archive.with_suffix(".new")
        subprocess.run(["tar", "-C", str(tree), "-cf", str(new), "."], check=True)
        new.replace(archive)
    return archive
