"""Why an OPC UA server does not let the gateway in, in words that name what to do."""

from pathlib import Path
from typing import Final

from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from broker.contract.errors import shown
from edge.dialects.opcua.mapping import Server

_OF_THE_USER: Final = frozenset({"BadUserAccessDenied", "BadIdentityTokenRejected", "BadIdentityTokenInvalid"})
_OF_CERTIFICATES: Final = ("BadCertificate", "BadSecurityChecksFailed", "BadNoCertificate")
_SECRETS: Final = "password-file or password-env"


def cause_of(error: BaseException, server: Server, certificate: Path) -> str:
    """Return what is wrong, and what to do where that is known.

    Args:
        error: what the connection ended with.
        server: as it is configured.
        certificate: the gateway's own, which a server may have to accept.
    """
    status = type(error).__name__ if isinstance(error, UaStatusCodeError) else ""
    if status in _OF_THE_USER:
        if not server.user:
            return f"the server lets nobody in without a user; set user, and {_SECRETS}"
        return f"the server rejects the user {shown(server.user)} or its password; correct user, and {_SECRETS}"
    # asyncua asserts that there is an answer where the server closed the connection instead.
    if status.startswith(_OF_CERTIFICATES) or (isinstance(error, AssertionError) and server.security != "none"):
        return f"the server does not accept the gateway's certificate; accept {certificate} there, among those rejected"
    if isinstance(error, (OSError, UaError)) and str(error):
        return str(error)
    return "no answer" if isinstance(error, TimeoutError) else f"{type(error).__name__} {error}".rstrip()
