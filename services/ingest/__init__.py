"""Stores the many, stateless kinds: telemetry, events, commands and replies."""
