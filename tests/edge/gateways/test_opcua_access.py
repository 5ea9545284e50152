"""Users, certificates and the network between an OPC UA server and the gateway."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from cli.soak.proxy import Proxy
from edge.dialects.opcua import mapping
from edge.gateways.opcua import source
from edge.gateways.opcua.browsing import browse
from edge.gateways.opcua.connection import OpcUaError
from tests.edge.gateways.opcua_server import MAP, STATES, first_map, gateway, server

Until = Callable[[Callable[[], object]], Awaitable[None]]


@pytest.fixture(autouse=True)
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One folder for the server's certificate, which stays the same over its restarts."""
    monkeypatch.setenv("CORRIDOR_PEER_FOLDER", str(tmp_path / "peer"))


@pytest.mark.javascript
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_user_connects_with_a_password_from_a_file_or_the_environment(
    until: Until, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "pä/s%2Fs w0rd "
    monkeypatch.setenv("CORRIDOR_PEER_USER", "ann/of%mill")
    monkeypatch.setenv("CORRIDOR_PEER_PASSWORD", secret)
    monkeypatch.setenv("MILL_PASSWORD", secret)
    file = tmp_path / "password"
    file.write_text(f"{secret}\n", "utf-8")
    ways = (f'password-file = "{file}"', 'password-env = "MILL_PASSWORD"')
    async with asyncio.timeout(280), server() as device:
        port = await device.until("port")
        for security in ("none", "encrypt"):
            for way in ways:
                more = f'user = "ann/of%mill"\n{way}\nsecurity = "{security}"'
                async with gateway(MAP.format(port=port, states=STATES, more=more), tmp_path / "opcua") as plant:
                    await until(lambda plant=plant: plant.of("telemetry/spindle-speed", "value"))  # type: ignore[misc]


@pytest.mark.javascript
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_what_a_server_rejects_is_logged_with_what_to_do_until_it_is_done(
    until: Until, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORRIDOR_PEER_USER", "ann")
    monkeypatch.setenv("CORRIDOR_PEER_PASSWORD", "right")
    monkeypatch.setenv("MILL_PASSWORD", "wrong")
    folder = tmp_path / "opcua"
    with_user = 'user = "ann"\npassword-env = "MILL_PASSWORD"'
    async with asyncio.timeout(280), server("strict") as device:
        port = await device.until("port")
        for more, expected in (
            ("", "the server lets nobody in without a user; set user, and password-file or password-env"),
            (with_user, "the server rejects the user 'ann' or its password"),
            (with_user.replace("MILL", "NO"), "the environment has no NO_PASSWORD"),
            ('security = "sign"', f"the server does not accept the gateway's certificate; accept {folder}/gateway.der"),
        ):
            with structlog.testing.capture_logs() as logs:
                async with gateway(MAP.format(port=port, states=STATES, more=more), folder) as plant:
                    await until(lambda logs=logs: len(logs) > 1)  # type: ignore[misc]
                    if "MILL" in more:
                        monkeypatch.setenv("MILL_PASSWORD", "right")
                        await until(lambda plant=plant: plant.of("telemetry/spindle-speed", "value"))  # type: ignore[misc]
            assert expected in str(logs[0]["cause"])
            assert plant.of("status", "status")[0] == "offline"


@pytest.mark.javascript
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_certificate_that_has_expired_is_named_and_the_machine_is_read(
    until: Until, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = expired(tmp_path)
    monkeypatch.setenv("CORRIDOR_PEER_CERTIFICATE", str(certificate))
    monkeypatch.setenv("CORRIDOR_PEER_KEY", str(key))
    async with asyncio.timeout(280), server() as device:
        port = await device.until("port")
        with structlog.testing.capture_logs() as logs:
            text = MAP.format(port=port, states=STATES, more='security = "encrypt"')
            async with gateway(text, tmp_path / "opcua") as plant:
                await until(lambda: plant.of("telemetry/spindle-speed", "value"))
    assert [(one["event"], one["server"]) for one in logs] == [
        ("the server's certificate has expired; renew it there", "mill-4"),
        ("rejected", "mill-4"),  # a node that the server does not have, twice
        ("rejected", "mill-4"),
    ]


@pytest.mark.javascript
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_network_that_drops_packets_makes_it_offline_and_nothing_bad_is_counted(
    until: Until, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        asyncio.timeout(280),
        server() as device,
        Proxy("network", await device.until("port")) as network,
        gateway(first_map(network.port), tmp_path / "opcua") as plant,
    ):
        for count, probed_after_s in ((5, 30.0), (7, 0.2)):  # it is restored, or made again
            monkeypatch.setattr(source, "_PROBED_AFTER_S", probed_after_s)
            await device.ask(set={"PartCount": count, "Mode": 1, "Energy": count})
            await until(lambda count=count: plant.of("count", "produced")[-1:] == [count])  # type: ignore[misc]
            await until(lambda: plant.of("state", "state")[-1] == "running")
            network.freeze()
            await until(lambda: plant.of("status", "status")[-1] == "offline")
            await device.ask(bad={"PartCount": 1_000, "Energy": 99, "Mode": 2})
            await device.ask(set={"PartCount": count + 1})
            network.restore()
            await until(lambda count=count: plant.of("count", "produced")[-1] == count + 1)  # type: ignore[misc]
            await until(lambda: plant.of("status", "status")[-1] == "online")
            await until(lambda: plant.of("state", "state")[-1] == "unknown")
    counted = plant.of("count", "produced")
    assert counted == sorted(counted, key=float)  # type: ignore[arg-type]
    assert not {1_000, 99} & {*counted, *plant.of("meter/electricity", "total")}
    assert "down" not in plant.of("state", "state")


@pytest.mark.javascript
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_password_in_an_address_is_not_written_into_the_first_mapping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORRIDOR_PEER_USER", "ann")
    monkeypatch.setenv("CORRIDOR_PEER_PASSWORD", "a/b%")
    async with asyncio.timeout(280), server() as device:
        port = await device.until("port")
        first = await browse(f"opc.tcp://ann:a%2Fb%25@127.0.0.1:{port}", tmp_path)
        (found,) = mapping.parse(first).values()
        assert (found.url, found.user, found.password_env) == (
            f"opc.tcp://127.0.0.1:{port}",
            "ann",
            "OPCUA_PASSWORD",
        )
        with pytest.raises(OpcUaError, match=r"^opc.tcp://127.* rejects the user 'ann' or its password"):
            await browse(f"opc.tcp://ann:wrong@127.0.0.1:{port}", tmp_path)


def expired(folder: Path) -> tuple[Path, Path]:
    """Return the files of a certificate that has expired, and of its key."""
    key = rsa.generate_private_key(65_537, 2_048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mill")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 7, now - timedelta(800), now - timedelta(30))
    found, secret = folder / "expired.pem", folder / "key.pem"
    found.write_bytes(made.sign(key, SHA256()).public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    return found, secret
