"""Queries and answers: the only place where numbers are computed.

A store, an asset path and a range come in; an answer goes out that terminal, API, wall, Grafana export and the
published `kpi/…` share. `ranges` adds ledger rows and computes the two ends from events, `answers` evaluates the
indicators of the sum, `explaining` lists what a number comes from, `groups` and `planning` compare and plan, `export`
writes sheets. It writes nothing to a store.
"""
