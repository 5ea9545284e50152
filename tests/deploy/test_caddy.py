"""The lines for Caddy that the page on security prints: pages, the login and the live stream pass by HTTPS."""

import asyncio
import os
import re
import ssl
import sys
from pathlib import Path

import httpx
import pytest

from tests.deploy.passing import NAME, page, stream
from tests.stack.running import ROOT, Demo, free_port

PAGE = ROOT / "docs/how-to/secure-it.md"
OPTIONS = """{{
    admin off
    local_certs
    skip_install_trust
    default_bind 127.0.0.1
    http_port {http}
    https_port {https}
    storage file_system {folder}
}}
"""
"""What makes it run beside others: ports and a folder of its own, and a certificate that it makes itself."""
LOGIN = ("anyone", "a password of the wall")


def configured(folder: Path, *, http: int, https: int, wall: int) -> Path:
    (printed,) = re.findall(r"^```\n(plant\.example \{.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert "127.0.0.1:8080" in printed
    file = folder / "Caddyfile"
    options = OPTIONS.format(http=http, https=https, folder=folder)
    file.write_text(options + printed.replace("127.0.0.1:8080", f"127.0.0.1:{wall}"), "utf-8")
    return file


async def trusted(root: Path) -> ssl.SSLContext:
    """Return what trusts the certificates that Caddy makes, once it has made its own."""
    while True:
        try:
            return ssl.create_default_context(cafile=str(root))
        except OSError:  # ssl.SSLError is one, too
            await asyncio.sleep(0.1)


@pytest.mark.caddy
@pytest.mark.slow
async def test_pages_login_and_stream_pass_by_https(tmp_path: Path) -> None:
    https, http, wall = free_port(), free_port(), free_port()
    file = configured(tmp_path, http=http, https=https, wall=wall)
    own = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    serve = ("wall", "--data", str(tmp_path / "data"), "--port", str(wall))
    async with Demo(tmp_path / "data", "--no-simulator", "--broker", "nats") as demo:
        behind = {"CORRIDOR_PASSWORD": LOGIN[1], "CORRIDOR_BROKER": f"mqtt://127.0.0.1:{demo.mqtt_port}"}
        processes = [
            await asyncio.create_subprocess_exec("caddy", "run", "--config", str(file), env=os.environ | own),
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "cli.main", *serve),
                env=os.environ | behind | {"PYTHONPATH": str(ROOT)},
            ),
        ]
        url, root = f"https://127.0.0.1:{https}", tmp_path / "pki/authorities/local/root.crt"
        try:
            async with asyncio.timeout(90):
                async with httpx.AsyncClient(verify=await trusted(root), headers={"Host": NAME}) as client:
                    assert (await page(client, url)).status_code == httpx.codes.UNAUTHORIZED
                    assert "<title>Corridor" in (await page(client, url, LOGIN)).text
                    moved = await client.get(f"http://127.0.0.1:{http}/devices")
                    assert (moved.status_code, moved.headers["location"]) == (308, f"https://{NAME}/devices")
                    await stream(client, url, demo.mqtt_port, LOGIN)
        finally:
            for process in processes:
                process.terminate()
                await process.wait()
