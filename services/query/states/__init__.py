"""Machines as they were and are: the current state, state intervals, stops, and what a machine reported by itself.

Stored events come in. Indicators are never computed here: they are of `services.query.answers`.
"""
