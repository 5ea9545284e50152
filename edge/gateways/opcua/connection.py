"""A connection to an OPC UA server: session, security by certificates that are stored, and namespaces.

The gateway makes its certificate once. The server's is stored at the first connection; another one is rejected from
then on, until a person removes the stored one.
"""

import logging
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import structlog
from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.ua.uaerrors import UaError
from cryptography import x509

from broker import private_files
from edge.dialects.opcua.mapping import Security, Server

APPLICATION_URI: Final = "urn:corridor:gateway"
ANSWER_S: Final = 4.0
"""How long a server may take to answer, seconds."""
LONGEST_PAUSE_S: Final = 2.0
"""Between two attempts to connect, so that with the time to connect a server is found again within ten seconds."""
_MODES: Final[dict[Security, ua.MessageSecurityMode]] = {
    "sign": ua.MessageSecurityMode.Sign,
    "encrypt": ua.MessageSecurityMode.SignAndEncrypt,
}

_log: Final = structlog.get_logger("corridor.opcua")
logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # it writes a line for each attempt; ours has them


class OpcUaError(OSError):
    """A server cannot be reached, or does not answer as OPC UA does."""


class NoAnswerError(OpcUaError):
    """A server cannot be reached now."""


def without_user(url: str) -> tuple[str, str]:
    """Return a URL without the user and password in it, to be shown and stored; and the user, '' without one."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=host).geturl(), unquote(user.partition(":")[0])


async def client_of(name: str, server: Server, folder: Path) -> Client:
    """Return a client that is not connected yet.

    Args:
        name: of the server; its certificate is stored by it.
        server: its url, user and security.
        folder: holds the certificates.

    Raises:
        OpcUaError: the server has not the security, has another certificate, or does not answer.
        OSError: a file cannot be read or written.
    """
    password = _password(server)
    client = Client(server.url, timeout=ANSWER_S, auto_reconnect=True, reconnect_max_delay=LONGEST_PAUSE_S)
    client.application_uri = APPLICATION_URI
    if server.user:
        client.set_user(server.user)
        client.set_password(password)
    if server.security != "none":
        await _secure(client, name, server.security, folder)
    return client


def own_certificate(folder: Path) -> Path:
    """Return where the gateway's own certificate is stored."""
    return folder / "gateway.der"


def _password(server: Server) -> str:
    """Return the user's password, from where the mapping file says.

    Raises:
        OpcUaError: it is not there.
    """
    if server.password_env:
        if server.password_env not in os.environ:
            raise OpcUaError(f"the environment has no {server.password_env}, which password-env names; set it")
        return os.environ[server.password_env]
    if not server.password_file:
        return ""
    try:
        return Path(server.password_file).read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise OpcUaError(f"password-file cannot be read: {error}") from error


async def _secure(client: Client, name: str, security: Security, folder: Path) -> None:
    await _identify(client, name, folder)
    try:
        endpoints = await client.connect_and_get_server_endpoints()
    except (OSError, TimeoutError, UaError) as error:
        raise NoAnswerError(f"{client.server_url.geturl()}: {str(error) or 'no answer'}") from error
    try:
        endpoint = Client.find_endpoint(endpoints, _MODES[security], SecurityPolicyBasic256Sha256.URI)
    except UaError as error:
        raise OpcUaError(f'the server offers no Basic256Sha256 for security = "{security}"; enable it there') from error
    sent = _own_of_chain(bytes(endpoint.ServerCertificate))
    stored = folder / f"{name}.der"
    if not stored.exists():
        private_files.write(stored, sent)
    elif stored.read_bytes() != sent:
        raise OpcUaError(f"the server has another certificate than {stored}; remove that file if this is right")
    until = x509.load_der_x509_certificate(sent).not_valid_after_utc
    if until < datetime.now(UTC):
        # What identifies the server is that it is the stored one; a machine is not cut off by a date.
        _log.warning("the server's certificate has expired; renew it there", server=name, expired=until.isoformat())
    await client.set_security(
        SecurityPolicyBasic256Sha256,
        own_certificate(folder),
        _own_key(folder),
        server_certificate=str(stored),
        mode=_MODES[security],
    )


def _own_of_chain(sent: bytes) -> bytes:
    """Return the first certificate of a chain in DER, which is the server's own."""
    return sent[: 4 + int.from_bytes(sent[2:4])] if sent.startswith(b"\x30\x82") else sent


async def _identify(client: Client, name: str, folder: Path) -> None:
    """Make the gateway's own certificate, where there is none that is valid; its key stays."""
    private_files.make_folder(folder)
    certificate, key = own_certificate(folder), _own_key(folder)
    before = certificate.read_bytes() if certificate.exists() else b""
    await client.setup_self_signed_certificate(key, certificate)
    key.chmod(0o600)  # the folder has been closed to others before
    if before and certificate.read_bytes() != before:
        _log.warning(
            "the gateway's certificate was renewed; accept the new one on the server",
            server=name,
            certificate=str(certificate),
        )


def _own_key(folder: Path) -> Path:
    return folder / "gateway.pem"


def node_id(text: str, namespaces: list[str]) -> ua.NodeId:
    """Return a node's identifier on a server, whose namespace is given by its URI or number.

    Raises:
        ValueError: the server does not have the namespace, or the text is none.
    """
    if not text.startswith("nsu="):
        return ua.NodeId.from_string(text)
    uri, _, identifier = text.removeprefix("nsu=").partition(";")
    if uri not in namespaces:
        raise ValueError(f"the server has no namespace {uri}")
    return ua.NodeId.from_string(f"ns={namespaces.index(uri)};{identifier}")


def text_of(node: ua.NodeId, namespaces: list[str]) -> str:
    """Return a node's identifier as a mapping file has it: with the URI of its namespace, which does not change."""
    identifier = node.to_string()
    if not node.NamespaceIndex:
        return identifier
    return f"nsu={namespaces[node.NamespaceIndex]};{identifier.partition(';')[2]}"
