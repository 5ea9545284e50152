"""Keeps states, counts and orders with the productivity ledger, and publishes the indicators."""
