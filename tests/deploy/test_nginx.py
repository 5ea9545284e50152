"""The configuration of nginx before the wall: nginx accepts it, and pages and the live stream pass by HTTPS."""

import asyncio
import os
import shutil
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.deploy.passing import NAME, page, stream
from tests.stack.running import ROOT, Demo, free_port

CONFIGURATION = ROOT / "deploy" / "nginx" / "corridor.conf"
MAIN = (
    "daemon off; pid {0}/pid; error_log stderr; events {{}} http {{ access_log off; {1} include {0}/corridor.conf; }}"
)
BODIES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def configured(folder: Path, **ports: int) -> list[str]:
    """Write the configuration with a certificate and ports of this test; return the command that runs nginx on it."""
    subject = ["-subj", "/CN=plant.example", "-addext", "subjectAltName=DNS:plant.example"]
    key = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", *subject]
    files = ["-out", str(folder / "plant.pem"), "-keyout", str(folder / "plant.key")]
    subprocess.run(["openssl", "req", *key, *files], check=True, capture_output=True)
    text = CONFIGURATION.read_text("utf-8").replace("/etc/ssl/corridor/", f"{folder}/")
    for name, number in {"listen 443": "https", "listen 80": "http", "127.0.0.1:8080": "wall"}.items():
        old, port = name, ports[number]
        assert old in text
        text = text.replace(old, f"{'127.0.0.1:' if number == 'wall' else 'listen 127.0.0.1:'}{port}")
    (folder / "corridor.conf").write_text(text, "utf-8")
    bodies = " ".join(f"{name}_temp_path {folder}/{name};" for name in BODIES)
    (folder / "nginx.conf").write_text(MAIN.format(folder, bodies), "utf-8")
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None
    return [program, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", "stderr"]


@pytest.mark.nginx
def test_nginx_accepts_the_configuration(tmp_path: Path) -> None:
    command = configured(tmp_path, https=free_port(), http=free_port(), wall=free_port())
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    assert "warn" not in tested.stderr


@pytest.mark.nginx
@pytest.mark.slow
async def test_pages_and_the_stream_pass_by_https(tmp_path: Path) -> None:
    https, http = free_port(), free_port()
    options = ("--no-simulator", "--broker", "nats", "--allow-host", "plant.example")
    async with Demo(tmp_path / "data", *options) as demo:
        process = await asyncio.create_subprocess_exec(*configured(tmp_path, https=https, http=http, wall=demo.port))
        trusted = ssl.create_default_context(cafile=str(tmp_path / "plant.pem"))
        url = f"https://127.0.0.1:{https}"
        try:
            async with asyncio.timeout(60), httpx.AsyncClient(verify=trusted, headers={"Host": NAME}) as client:
                assert "<title>Corridor" in (await page(client, url)).text
                moved = await client.get(f"http://127.0.0.1:{http}/devices")
                assert (moved.status_code, moved.headers["location"]) == (301, f"https://{NAME}/devices")
                await stream(client, url, demo.mqtt_port)
        finally:
            process.terminate()
            await process.wait()
