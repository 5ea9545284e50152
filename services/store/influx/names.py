"""The three buckets of a store (1.x: databases), after its name, and what each keeps.

A bucket each and no retention policies, for Grafana looks up the values of tags in a database's default one only.
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
