"""Setting a store up in InfluxDB: its buckets (1.x: databases), their retention, and accounts for its users.

It is idempotent: it changes only what the caller sets. Accounts have the least rights they need.

Retention is 30 days for raw events, two years for the ledger's minutes (or as long as the events, if that is longer);
its hours and days never expire. The services' account reads and writes these buckets; Grafana's only reads them.
InfluxDB generates tokens itself, and shows each once.
"""

import secrets
from typing import Any, Final, Literal, Self

import httpx
import msgspec

from broker.contract.events import NS_PER_S
from services.store.client_ids import MARK_NOTE, new_mark
from services.store.influx import address as influx_address
from services.store.influx.address import Address
from services.store.influx.http import WRITE_LIMIT_S, InfluxServer, error_text
from services.store.influx.names import SCHEMA, SCHEMA_METADATA, Buckets
from services.store.influx.queries import literal, name
from services.store.influx.reading import Reading
from services.store.influx.store import InfluxStore
from services.store.influx.writing import Writing
from services.store.interface import StoreError
from services.store.retention import DAY_NS, EVENTS_RETENTION_NS, MINUTES_RETENTION_NS

FOR_EVER: Final = 0
"""InfluxDB's value for a bucket without expiry."""

_SHARD_NS: Final = {"raw": DAY_NS, "minutes": 28 * DAY_NS, "hours": 364 * DAY_NS}
"""The shard durations: a bucket is read and expired in pieces of this size."""


Role = Literal["services", "grafana"]
"""Whom an account is for: the services read and write, Grafana reads."""


class Setup:
    """Sets a store up with an administrator's account. Use it as an asynchronous context.

    Args:
        address: the store's, with that account.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self.buckets = Buckets.of(address.database)
        self.version = ""
        self._server = InfluxServer(address, query_limit_s=WRITE_LIMIT_S)

    async def __aenter__(self) -> Self:
        try:
            self.version = await self._server.version()
        except BaseException:
            await self._server.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    async def make_buckets(self, events_retention_ns: int | None = None) -> list[str]:
        """Create the buckets that are missing; return a line about each.

        Args:
            events_retention_ns: retention of raw events, `FOR_EVER` for no expiry; None leaves it as it is (30 days at
                first).

        Raises:
            StoreError: the server does not do it.
        """
        events = EVENTS_RETENTION_NS if events_retention_ns is None else events_retention_ns
        minutes = FOR_EVER if events == FOR_EVER else max(events, MINUTES_RETENTION_NS)
        reported: list[str] = []
        for role, bucket, retention_ns in zip(Buckets._fields, self.buckets, (events, minutes, FOR_EVER), strict=True):
            shard_ns = _SHARD_NS[role]
            if self.address.is_version_1:
                done = await self._make_database(bucket, retention_ns, shard_ns, change=events_retention_ns is not None)
            elif self._is_version_3:
                done = await self._make_database_of_3(bucket, retention_ns)
            else:
                done = await self._make_bucket(bucket, retention_ns, shard_ns, change=events_retention_ns is not None)
            reported.append(f"{bucket}: {done}")
        if self.address.is_version_1:
            # A database that was dropped and restored from a backup has lost the rights of its users.
            for user in await self._users() & {self._user("services"), self._user("grafana")}:
                await self._grant(user)
        writing = Writing(self._server, self.buckets)
        if await Reading(self._server, self.buckets, 1).metadata(SCHEMA_METADATA) is None:
            await writing.set_metadata(MARK_NOTE, new_mark())
        await writing.set_metadata(SCHEMA_METADATA, str(SCHEMA))
        return reported

    async def make_account(self, role: Role, *, renew: bool) -> str | None:
        """Create an account; return its credential, or None where there is one and `renew` is false.

        Returns:
            For the services the store's URL, for Grafana a token or password alone.

        Raises:
            StoreError: the server does not do it, or knows no accounts.
        """
        if self.address.is_version_1:
            secret = await self._make_user(self._user(role), renew=renew)
        elif self._is_version_3:
            raise StoreError(
                "InfluxDB 3 Core has no tokens that may do less than everything; make one with its own tools:"
                " influxdb3 create token --admin"
            )
        else:
            description = f"{self.address.database} {role}"
            secret = await self._make_token(description, may_write=role == "services", renew=renew)
        if secret is None or role == "grafana":
            return secret
        address = self.address
        if not address.is_version_1:
            address = msgspec.structs.replace(address, org=(await self._org())["name"])
        return address.url(self._user(role), secret)

    async def lets_in(self, role: Role, secret: str) -> bool:
        """Return whether a credential that `make_account` returned earlier is still valid."""
        try:
            if role == "services":
                address = influx_address.parse(secret)
            else:
                address = msgspec.structs.replace(self.address, user=self._user(role), secret=secret)
            store = await InfluxStore.open(address)
        except StoreError:
            return False
        await store.close()
        return True

    @property
    def needs_no_account(self) -> bool:
        """Whether nobody need make accounts: the server lets anyone in, or makes none that may do less."""
        return self.address.authorization is None or self._is_version_3

    def _user(self, role: Role) -> str:
        return f"{self.address.database}-{role}" if self.address.is_version_1 else ""

    @property
    def _is_version_3(self) -> bool:
        return self.version.lstrip("v").startswith("3")

    # ---- InfluxDB 1 ----

    async def _make_database(self, database: str, retention_ns: int, shard_ns: int, *, change: bool) -> str:
        names = {row[0] for one in await self._server.statement("SHOW DATABASES") for row in one.values}
        stored = f"DURATION {_influx_duration(retention_ns)}"
        if database not in names:
            await self._server.statement(
                f"CREATE DATABASE {name(database)} WITH {stored} SHARD DURATION {_influx_duration(shard_ns)}"
                ' NAME "autogen"'
            )
            return f"made, retention {_in_days(retention_ns)}"
        (policies,) = await self._server.statement(f"SHOW RETENTION POLICIES ON {name(database)}")
        found = next(dict(zip(policies.columns, row, strict=True)) for row in policies.values if row[-1])
        if not change or _go_duration_ns(found["duration"]) == retention_ns:
            return f"there, retention {_in_days(_go_duration_ns(found['duration']))}"
        await self._server.statement(f"ALTER RETENTION POLICY {name(found['name'])} ON {name(database)} {stored}")
        return f"there, retention now {_in_days(retention_ns)}"

    async def _make_user(self, user: str, *, renew: bool) -> str | None:
        is_there = user in await self._users()
        if is_there and not renew:
            return None
        password = secrets.token_urlsafe(24)
        if is_there:
            await self._server.statement(f"SET PASSWORD FOR {name(user)} = {literal(password)}")
        else:
            await self._server.statement(f"CREATE USER {name(user)} WITH PASSWORD {literal(password)}")
        await self._grant(user)
        return password

    async def _grant(self, user: str) -> None:
        right = "ALL" if user == self._user("services") else "READ"
        for database in self.buckets:
            await self._server.statement(f"GRANT {right} ON {name(database)} TO {name(user)}")

    async def _users(self) -> set[str]:
        return {row[0] for one in await self._server.statement("SHOW USERS") for row in one.values}

    # ---- InfluxDB 2 ----

    async def _make_bucket(self, bucket: str, retention_ns: int, shard_ns: int, *, change: bool) -> str:
        org = (await self._org())["id"]
        rule = {
            "type": "expire",
            "everySeconds": retention_ns // NS_PER_S,
            "shardGroupDurationSeconds": shard_ns // NS_PER_S,
        }
        found = await self._bucket(org, bucket)
        if found is None:
            await self._ask("POST", "/api/v2/buckets", {}, {"orgID": org, "name": bucket, "retentionRules": [rule]})
            return f"made, retention {_in_days(retention_ns)}"
        rules = found.get("retentionRules") or [{"everySeconds": 0}]
        now_ns = rules[0]["everySeconds"] * NS_PER_S
        if not change or now_ns == retention_ns:
            return f"there, retention {_in_days(now_ns)}"
        await self._ask("PATCH", f"/api/v2/buckets/{found['id']}", {}, {"retentionRules": [rule]})
        return f"there, retention now {_in_days(retention_ns)}"

    async def _make_token(self, description: str, *, may_write: bool, renew: bool) -> str | None:
        org = (await self._org())["id"]
        listed = await self._ask("GET", "/api/v2/authorizations", {"orgID": org})
        old = [one["id"] for one in listed["authorizations"] if one.get("description") == description]
        if old and not renew:
            return None
        permissions: list[dict[str, Any]] = []
        for bucket in self.buckets:
            found = await self._bucket(org, bucket)
            assert found is not None, "make_buckets comes first"
            resource = {"type": "buckets", "id": found["id"], "orgID": org}
            permissions += [
                {"action": action, "resource": resource} for action in (("read", "write") if may_write else ("read",))
            ]
        made = await self._ask(
            "POST",
            "/api/v2/authorizations",
            {},
            {"orgID": org, "description": description, "permissions": permissions},
        )
        for one in old:
            await self._ask("DELETE", f"/api/v2/authorizations/{one}", {})
        return str(made["token"])

    async def _bucket(self, org: str, bucket: str) -> dict[str, Any] | None:
        listed = await self._ask("GET", "/api/v2/buckets", {"orgID": org, "name": bucket}, may_be_missing=True)
        found: list[dict[str, Any]] = listed.get("buckets") or []
        return found[0] if found else None

    async def _org(self) -> dict[str, str]:
        named = {"org": self.address.org} if self.address.org else {}
        found: list[dict[str, str]] = (await self._ask("GET", "/api/v2/orgs", named))["orgs"]
        if len(found) != 1:
            names = ", ".join(repr(one["name"]) for one in found) or "none"
            raise StoreError(f"name the organisation with ?org=NAME in the store's URL; the token sees {names}")
        return found[0]

    # ---- InfluxDB 3 ----

    async def _make_database_of_3(self, database: str, retention_ns: int) -> str:
        body: dict[str, Any] = {"db": database}
        if retention_ns:
            body["retention_period"] = f"{retention_ns // DAY_NS}d"
        response = await self._server.send(
            "POST", "/api/v3/configure/database", {}, msgspec.json.encode(body), limit_s=WRITE_LIMIT_S
        )
        if response.status_code == httpx.codes.CONFLICT:
            return "there"
        if not response.is_success:
            self._server.fail(response.status_code, error_text(response), database)
        return f"made, retention {_in_days(retention_ns)}"

    async def _ask(
        self,
        method: str,
        path: str,
        parameters: dict[str, str],
        body: dict[str, Any] | None = None,
        *,
        may_be_missing: bool = False,
    ) -> dict[str, Any]:
        content = None if body is None else msgspec.json.encode(body)
        response = await self._server.send(method, path, parameters, content, limit_s=WRITE_LIMIT_S)
        if may_be_missing and response.status_code == httpx.codes.NOT_FOUND:
            return {}
        if not response.is_success:
            raise StoreError(f"InfluxDB at {self.address.base}: {method} {path}: {error_text(response)}")
        answer: dict[str, Any] = msgspec.json.decode(response.content) if response.content else {}
        return answer


def _influx_duration(ns: int) -> str:
    return f"{ns // NS_PER_S}s" if ns else "INF"


def _go_duration_ns(text: str) -> int:
    """Read a duration as Go writes it: `720h0m0s`."""
    units = {"h": 3_600, "m": 60, "s": 1}
    total, digits = 0, ""
    for character in text:
        if character in units:
            total += int(digits) * units[character]
            digits = ""
        else:
            digits += character
    return total * NS_PER_S


def _in_days(ns: int) -> str:
    return f"{ns / DAY_NS:g} days" if ns else "unlimited"
