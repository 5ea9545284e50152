"""Entering a session: each reason why it cannot connect is explained, and TLS with certificates of our own."""

import asyncio
import ssl
import subprocess
from pathlib import Path

import pytest

from broker.mqtt import handshake
from broker.mqtt.session import Session, SessionError
from broker.server.embedded import EmbeddedBroker, Kind
from tests.broker.mqtt.sessions import MakeRelay, Pretend, numbered, receive


async def test_no_broker_listens(tmp_path: Path) -> None:
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
    for host in ("127.0.0.1", "localhost"):
        with pytest.raises(SessionError, match=f"no broker listens at {host}:{port}"):
            await Session(f"mqtt://{host}:{port}", client_id="a").__aenter__()


@pytest.mark.parametrize("host", ["no-such-host.invalid", "x" * 70])
async def test_the_host_does_not_exist(host: str) -> None:
    with pytest.raises(SessionError, match=r"cannot be reached|is no host name"):
        await Session(f"mqtt://{host}", client_id="a").__aenter__()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_who_listens_is_no_broker(answer: bytes, pretend: Pretend) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer)

    with pytest.raises(SessionError, match="is it an MQTT broker"):
        await Session(await pretend(talk), client_id="a").__aenter__()


async def test_who_listens_does_not_answer(monkeypatch: pytest.MonkeyPatch, pretend: Pretend) -> None:
    monkeypatch.setattr(handshake, "CONNECT_S", 0.05)

    async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    with pytest.raises(SessionError, match="does not answer within"):
        await Session(await pretend(talk), client_id="a").__aenter__()


async def test_wrong_credentials_are_named_without_the_password(
    kind: Kind, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with EmbeddedBroker(tmp_path, port=0, user="plant", password="p@ss/wörd", kind=kind) as broker:
        for who in ("plant:hidden1@", "other:hidden1@"):
            with pytest.raises(SessionError, match=r"rejects user '(plant|other)'") as caught:
                await Session(f"mqtt://{who}127.0.0.1:{broker.port}", client_id="a").__aenter__()
            assert "hidden1" not in repr(caught.value)
        with pytest.raises(SessionError, match="rejects a client without user and password"):
            await Session(f"mqtt://127.0.0.1:{broker.port}", client_id="a").__aenter__()
        async with Session(broker.url, client_id="a") as session:
            assert session.connected
    assert "hidden1" not in "".join(capfd.readouterr())


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A folder with an authority, and certificates of it for `localhost` and for a client."""
    subject = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj"]
    openssl(tmp_path, "req", "-x509", *subject, "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
    for name in ("localhost", "client"):
        openssl(tmp_path, "req", *subject, f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (tmp_path / "names").write_text(f"subjectAltName=DNS:{name}")
        signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"]
        openssl(tmp_path, "x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
    return tmp_path


@pytest.mark.slow
async def test_tls_with_an_authority_and_a_certificate_of_our_own(
    embedded: EmbeddedBroker, topic: str, relay_to: MakeRelay, certificates: Path
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates / "localhost.pem", certificates / "localhost.key")
    tls.load_verify_locations(certificates / "ca.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    relay = await relay_to(embedded.port, tls)
    files = f"?ca={certificates}/ca.pem&cert={certificates}/client.pem&key={certificates}/client.key"
    async with Session(relay.url + files, client_id="a", filters=[topic], receive_maximum=100) as session:
        await asyncio.gather(session.publish(*numbered(topic, 5_000)), receive(session, 5_000))
        assert session.received == 5_000
    with pytest.raises(SessionError, match=r"is not trusted: .*name its authority with \?ca=FILE"):
        await Session(relay.url, client_id="a").__aenter__()
    with pytest.raises(SessionError, match="is it mqtt:// rather"):
        await Session(f"mqtts://localhost:{embedded.port}?ca={certificates}/ca.pem", client_id="a").__aenter__()
