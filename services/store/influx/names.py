"""The three buckets of a store (1.x: databases), named after it, and what each holds.

Separate buckets rather than retention policies: Grafana looks up tag values in a database's default policy only.
"""

from typing import Final, NamedTuple, Self

SCHEMA: Final = 1
"""The version of measurements, tags and fields; it grows when they change otherwise than by adding."""
SCHEMA_METADATA: Final = "schema"


class Buckets(NamedTuple):
    """Names of the buckets: raw events (30 days), the ledger's minutes (2 years), its hours and days (for ever)."""

    raw: str
    minutes: str
    hours: str

    @classmethod
    def of(cls, name: str) -> Self:
        """Return the buckets of a store."""
        return cls(name, f"{name}_ledger", f"{name}_hour")
