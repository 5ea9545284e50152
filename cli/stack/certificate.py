"""Certificates for the stack's TLS: an authority of its own, which devices trust, and what it signs.

The authority is made once and stays beside `.env`; only its certificate leaves this computer. So the server's
certificate can be renewed, for other names, without a change on any device. The program openssl does the work.
"""

import ipaddress
import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from cli.invocation.errors import CommandError

AUTHORITY: Final = "corridor-ca.pem"
"""The authority's certificate: what a device must trust."""
AUTHORITY_KEY: Final = "corridor-ca.key"
"""Whoever has it can make certificates that devices trust."""

_HOST: Final = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9-]{1,63})*\Z")
_DAYS: Final = "3650"
_NEW_KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_SETTINGS: Final = """\
[req]
distinguished_name = name
x509_extensions = authority
[name]
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""


class Identity(NamedTuple):
    """A server's certificate and its key, both PEM."""

    certificate: bytes
    key: bytes


def own_names() -> list[str]:
    """Return the names that this computer is likely to be called by."""
    name = socket.gethostname()
    return ["localhost", "127.0.0.1", *([name] if _HOST.match(name) and name != "localhost" else [])]


def make(folder: Path, names: Sequence[str]) -> Identity:
    """Make a server's certificate for these names and addresses, signed by the authority in the folder.

    The authority is made if there is none.

    Raises:
        CommandError: a name is none, or openssl is missing or fails.
    """
    listed = ",".join(map(_alternative, names))
    with tempfile.TemporaryDirectory() as scratch:
        settings = Path(scratch, "settings")
        settings.write_text(_SETTINGS.format(names=listed), encoding="utf-8")
        authority, authority_key = folder / AUTHORITY, folder / AUTHORITY_KEY
        if not (authority.exists() and authority_key.exists()):
            _make_authority(Path(scratch), settings, authority, authority_key)
        request, key, certificate = (Path(scratch, name) for name in ("request", "key", "certificate"))
        _openssl(
            "req", "-new", "-config", settings, "-subj", "/CN=Corridor", *_NEW_KEY, "-keyout", key, "-out", request
        )
        signed_by = ("-CA", authority, "-CAkey", authority_key, "-set_serial", str(secrets.randbits(63)))
        extensions = ("-extfile", settings, "-extensions", "server")
        _openssl("x509", "-req", "-in", request, *signed_by, "-days", _DAYS, *extensions, "-out", certificate)
        return Identity(certificate.read_bytes(), key.read_bytes())


def _make_authority(scratch: Path, settings: Path, certificate: Path, key: Path) -> None:
    new, new_key = scratch / "authority", scratch / "authority-key"
    named = ("-subj", "/CN=Corridor authority")
    _openssl("req", "-x509", "-config", settings, *named, *_NEW_KEY, "-days", _DAYS, "-keyout", new_key, "-out", new)
    try:
        key.unlink(missing_ok=True)
        with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(new_key.read_bytes())
        certificate.write_bytes(new.read_bytes())
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be written: {error.strerror}", "name another --folder") from error


def _alternative(name: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        if _HOST.match(name):
            return f"DNS:{name}"
    raise CommandError(f"--name {name} is neither a host's name nor an address", "write plant.example or 192.0.2.7")


def _openssl(*words: str | Path) -> None:
    program = shutil.which("openssl")
    if program is None:
        raise CommandError("TLS needs the program openssl, which is not on the PATH", "install it, or leave --tls out")
    command = [program, *map(str, words)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (no shell, checked names)
    if ran.returncode:
        raise CommandError(f"openssl {words[0]} failed: {ran.stderr.strip()[-300:]}", "fix that and run it again")
