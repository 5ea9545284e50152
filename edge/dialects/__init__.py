"""Dialects: what devices say that do not speak the contract, translated to its events.

A dialect is one file. It is pure: it is handed what came in, keeps only what it needs to understand what comes next,
and returns events; what it cannot understand it refuses with a `ContractError`.
"""
