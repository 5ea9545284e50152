"""Indicators as pure functions of a ledger sum: ISO 22400-2 and those beyond it.

A sum of ledger rows comes in, numbers and the reasons why one is undefined or doubtful go out. `indicators` is the
registry of all.
"""
