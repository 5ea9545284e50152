"""Machining and joining physics as pure functions: formula, units and source stand with each; no clock, no chance."""
