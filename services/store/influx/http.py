"""InfluxDB over HTTP: lines in, answers to InfluxQL out, and errors with a hint.

Lines go to `/api/v2/write`, on InfluxDB 1 to `/write`; queries to `/query`, which all versions have. When a write
returns, its lines are durable, except those that the server rejects for good: a batch that it rejects is halved until
the bad line is alone, and that line is returned with the server's message. What is no line's fault (the server is away
or busy, a bucket is missing, a token lacks a right) is a `StoreError`, and so is an error inside an answer with status
200.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, NoReturn
from urllib.parse import urlencode

import httpx
import msgspec
import structlog

from services.store.influx.address import Address
from services.store.influx.write_connection import WriteConnection
from services.store.interface import StoreError

LINES_AT_ONCE: Final = 5_000
BYTES_AT_ONCE: Final = 4_000_000
QUESTIONS_AT_ONCE: Final = 4
WRITE_LIMIT_S: Final = 30.0
CONNECT_LIMIT_S: Final = 5.0

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
TEXT: Final = "text/plain; charset=utf-8"

_NO_ANSWER: Final = "no answer within {limit_s:g} s; it will be retried"
_BEGINNING: Final = b'{"results":['
"""How each piece of an answer begins; within a text its quotes would be escaped."""
_TOO_OLD: Final = re.compile(r"(beyond|outside) retention policy")
_MISSING: Final = re.compile(r"(database|bucket|retention policy|organization)\b.*not found", re.DOTALL)
_OF_A_LINE: Final = frozenset({400, 422})
_TOO_LARGE: Final = 413

_log = structlog.get_logger("corridor.store")


class Series(msgspec.Struct, frozen=True):
    """A series of an answer: rows, and the tags that all of them share."""

    columns: list[str]
    values: list[list[Any]] = []
    tags: dict[str, str] = {}


class _Result(msgspec.Struct, frozen=True):
    """The answer to a statement; `partial` where a further piece of it follows."""

    series: list[Series] = []
    error: str = ""
    partial: bool = False


class _Reply(msgspec.Struct, frozen=True):
    """A piece of an answer of `/query`; on failure with `error` (InfluxDB 1) or `message` (2)."""

    results: list[_Result] = []
    error: str = ""
    message: str = ""


class RejectedLine(NamedTuple):
    """A line that the server rejects for good, and why."""

    line: str
    reason: str


_decoder: Final = msgspec.json.Decoder(_Reply)


class InfluxServer:
    """A connection to an InfluxDB.

    Args:
        address: where it is.
        query_limit_s: how long a query may take.

    Raises:
        StoreError: the authority of its certificate cannot be read.
    """

    def __init__(self, address: Address, *, query_limit_s: float) -> None:
        self.address = address
        self._query_limit_s = query_limit_s
        self._few = asyncio.Semaphore(QUESTIONS_AT_ONCE)
        self._org: dict[str, str] | None = {"org": address.org} if address.org or address.is_version_1 else None
        authorization = address.authorization
        self._http = httpx.AsyncClient(
            base_url=address.base,
            headers={"Authorization": authorization} if authorization else {},
            verify=address.tls,
            timeout=httpx.Timeout(None, connect=CONNECT_LIMIT_S),
            trust_env=False,
        )
        self._writes: WriteConnection | None = WriteConnection(address)  # None for a server that answers otherwise
        self._http.headers["Accept-Encoding"] = "identity"  # compressing costs more than a plant's network does

    async def close(self) -> None:
        """End all connections."""
        if self._writes is not None:
            self._writes.close()
        await self._http.aclose()

    async def query(self, database: str, statement: str) -> list[Series]:
        """Run one query.

        Raises:
            StoreError: there is no answer; the text says why.
        """
        async with self._few:
            response = await self.send(
                "GET",
                "/query",
                # Chunked, because a single answer may be truncated at a limit of the server.
                {"db": database, "epoch": "ns", "chunked": "true", "q": statement},
                limit_s=self._query_limit_s,
                too_long="the query took more than {limit_s:g} s;"
                " ask for a shorter time, fewer machines, or a coarser resolution",
            )
        return self._series(response, database)

    async def statement(self, statement: str) -> list[Series]:
        """Run one statement that changes something and belongs to no database.

        Raises:
            StoreError: it failed.
        """
        # Not in the URL, for it may hold a password.
        form = urlencode({"q": statement}).encode()
        response = await self.send("POST", "/query", {}, form, limit_s=WRITE_LIMIT_S, content=FORM)
        return self._series(response, self.address.database)

    async def version(self) -> str:
        """Return the server's version, as it calls it.

        Raises:
            StoreError: it does not answer.
        """
        response = await self.send("GET", "/ping", {}, limit_s=CONNECT_LIMIT_S)
        version: str = response.headers.get("x-influxdb-version", "of unknown version")
        return version

    async def write(self, database: str, lines: Sequence[str]) -> list[RejectedLine]:
        """Write lines, durable when this returns; return those that the server rejects for good.

        Points older than the database's retention are dropped by the server and logged here.

        Raises:
            StoreError: they are not written, or only some; writing them again does no harm.
        """
        rejected: list[RejectedLine] = []
        for part in _parts(lines):
            await self._write(database, part, rejected)
        return rejected

    async def send(
        self,
        method: str,
        path: str,
        parameters: dict[str, str],
        body: bytes | None = None,
        *,
        content: str = JSON,
        limit_s: float,
        too_long: str = _NO_ANSWER,
    ) -> httpx.Response:
        """Send one request, and return what comes back, whatever it is.

        Raises:
            StoreError: nothing came back.
        """
        try:
            async with asyncio.timeout(limit_s):
                headers = {"Content-Type": content} if body is not None else {}
                return await self._http.request(method, path, params=parameters, content=body, headers=headers)
        except TimeoutError as error:
            raise self._late(too_long, limit_s) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            what = str(error) or type(error).__name__
            raise StoreError(
                f"InfluxDB at {self.address} cannot be reached: {what}; see that it runs, and where"
            ) from error

    def _late(self, words: str, limit_s: float) -> StoreError:
        return StoreError(f"InfluxDB at {self.address}: {words.format(limit_s=limit_s)}")

    async def _write(self, database: str, lines: Sequence[str], rejected: list[RejectedLine]) -> None:
        path, parameters = await self._destination(database)
        body = "\n".join(lines).encode("utf-8", "replace")
        if self._writes is not None:
            try:
                if await self._writes.write(path, parameters, body, limit_s=WRITE_LIMIT_S):
                    return
            except TimeoutError as error:
                raise self._late(_NO_ANSWER, WRITE_LIMIT_S) from error
        response = await self.send("POST", path, parameters, body, limit_s=WRITE_LIMIT_S, content=TEXT)
        if response.is_success:
            if response.status_code != httpx.codes.NO_CONTENT:
                self._writes = None
            return
        words = error_text(response)
        if response.status_code in _OF_A_LINE and _TOO_OLD.search(words):
            _log.warning("older than the retention, not stored", database=database, error_text=words)
        elif response.status_code == _TOO_LARGE or (response.status_code in _OF_A_LINE and not _MISSING.search(words)):
            if len(lines) == 1:
                rejected.append(RejectedLine(lines[0], words))
                return
            half = len(lines) // 2
            await self._write(database, lines[:half], rejected)
            await self._write(database, lines[half:], rejected)
        else:
            self.fail(response.status_code, words, database)

    async def _destination(self, database: str) -> tuple[str, dict[str, str]]:
        if self.address.is_version_1:
            return "/write", {"db": database, "precision": "ns"}
        if self._org is None:
            self._org = await self._find_org()
        return "/api/v2/write", {"bucket": database, "precision": "ns", **self._org}

    async def _find_org(self) -> dict[str, str]:
        """Return the bucket's organisation as InfluxDB 2 requires it; InfluxDB 3 does not."""
        response = await self.send("GET", "/api/v2/buckets", {"name": self.address.database}, limit_s=WRITE_LIMIT_S)
        if not response.is_success:
            return {}
        buckets = msgspec.json.decode(response.content).get("buckets") or []
        return {"orgID": buckets[0]["orgID"]} if buckets else {}

    def _series(self, response: httpx.Response, database: str) -> list[Series]:
        if not response.is_success:
            self.fail(response.status_code, error_text(response), database)
        series: list[Series] = []
        results: list[_Result] = []
        for piece in _pieces(response.content):
            try:
                reply = _decoder.decode(piece)
            except msgspec.DecodeError as error:
                raise StoreError(f"InfluxDB at {self.address}: an answer that is none: {error}") from error
            results = reply.results
            words = reply.error or next((result.error for result in results if result.error), "")
            if words:
                self.fail(response.status_code, words, database)
            series += [one for result in results for one in result.series]
        if not results or results[-1].partial:
            raise StoreError(f"InfluxDB at {self.address}: an answer without its end; ask again")
        return series

    def fail(self, status: int, words: str, database: str) -> NoReturn:
        """Raise the error for a status and message of the server, with a hint.

        Raises:
            StoreError: always.
        """
        where = f"InfluxDB at {self.address.base}"
        if _MISSING.search(words) or status == httpx.codes.NOT_FOUND:
            raise StoreError(f"{where} has no {database!r} ({words}); set it up with: corridor store init --store URL")
        if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            raise StoreError(f"{where} does not let us into {database!r} ({words}); {self._login_hint(status)}")
        raise StoreError(f"{where}: {words}")

    def _login_hint(self, status: int) -> str:
        if not self.address.is_version_1:
            return "check the token in the store's URL"
        again = "corridor store init --store URL, with an account that may do everything,"
        if status == httpx.codes.FORBIDDEN:
            return (
                "user and password are right, but the user may not do that. A database restored from a backup has"
                f" lost the rights of its users: {again} grants them again"
            )
        return (
            "check the user and password in the store's URL. A new server that was restored from a backup has no users:"
            f" {again} makes them"
        )


def error_text(response: httpx.Response) -> str:
    """Return the server's error message."""
    try:
        reply = _decoder.decode(response.content)
    except msgspec.DecodeError:
        reply = _Reply()
    return reply.error or reply.message or response.text.strip()[:200] or f"status {response.status_code}"


def _pieces(content: bytes) -> Iterator[bytes]:
    """Split an answer into its JSON documents, which not every version writes on lines of their own."""
    before, *pieces = content.split(_BEGINNING)
    if before.strip():
        yield before
    for piece in pieces:
        yield _BEGINNING + piece


def _parts(lines: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for line in lines:
        part.append(line)
        size += len(line)
        if len(part) == LINES_AT_ONCE or size > BYTES_AT_ONCE:
            yield part
            part, size = [], 0
    if part:
        yield part
