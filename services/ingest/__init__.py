"""The ingest service: stores the many, stateless kinds: telemetry, events, commands and replies.

Messages come in from a source; events and rejected messages go into the store, and what is past its retention is
removed from it. It remembers nothing between messages, so several may share the work, and it knows no ledger.
"""
