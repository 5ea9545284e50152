"""A connection to an OPC UA server: session, security by certificates that are stored, and namespaces.

The gateway makes its certificate once. The server's is stored at the first connection; another one is rejected from
then on, until a person removes the stored one.
"""

import logging
from pathlib import Path
from typing import Final

from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.ua.uaerrors import UaError

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

logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # it writes a line for each attempt; ours has them


class OpcUaError(OSError):
    """A server cannot be reached, or does not answer as OPC UA does."""


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
    client = Client(server.url, timeout=ANSWER_S, auto_reconnect=True, reconnect_max_delay=LONGEST_PAUSE_S)
    client.application_uri = APPLICATION_URI
    if server.user:
        client.set_user(server.user)
        client.set_password(_password(server.password_file))
    if server.security != "none":
        await _secure(client, name, server.security, folder)
    return client


def _password(file: str) -> str:
    return Path(file).read_text(encoding="utf-8").strip()


async def _secure(client: Client, name: str, security: Security, folder: Path) -> None:
    private_files.make_folder(folder)
    certificate, key = folder / "gateway.der", folder / "gateway.pem"
    await client.setup_self_signed_certificate(key, certificate)
    key.chmod(0o600)  # the folder has been closed to others before
    try:
        endpoints = await client.connect_and_get_server_endpoints()
        endpoint = Client.find_endpoint(endpoints, _MODES[security], SecurityPolicyBasic256Sha256.URI)
    except (OSError, TimeoutError, UaError) as error:
        raise OpcUaError(f"{client.server_url.geturl()}: {str(error) or 'no answer'}") from error
    sent = bytes(endpoint.ServerCertificate)
    stored = folder / f"{name}.der"
    if not stored.exists():
        private_files.write(stored, sent)
    elif stored.read_bytes() != sent:
        raise OpcUaError(f"the server has another certificate than {stored}; remove that file if this is right")
    await client.set_security(
        SecurityPolicyBasic256Sha256,
        certificate,
        key,
        server_certificate=str(stored),
        mode=_MODES[security],
    )


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
