"""Grafana as code: dashboards, alert rules and data sources over a store in InfluxDB.

A plant comes in, files for Grafana go out: `json/` and the alert rules are made, and committed; the rest of
`provisioning/` is written by hand; `schema/` is Grafana's own. `pages/` has a file a page, which asks `queries` (ratios
of sums, by the ledger's own formulas) and shows the answers in `panels`. `grafana` alone knows the quirks of Grafana
and its SDK. `building` makes all files, `checking` validates them, `pushing` writes them into a running Grafana.
No formula and no service ever comes in: it imports the contract, the ledger and the wall's colours alone.
"""
