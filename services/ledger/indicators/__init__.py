"""Indicators as pure functions of a ledger sum: those of ISO 22400-2, and extra ones.

A sum of ledger rows comes in; numbers, the reasons why one is undefined, and data-quality warnings go out. `indicators`
is the registry of all.
"""
