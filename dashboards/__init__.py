"""Grafana as code: dashboards, alert rules and data sources over a store in InfluxDB.

`pages/` holds one file a page, each a list of what it shows. A page asks the questions of `queries` (InfluxQL, ratios
as sums over sums, formulas from the ledger's own registry) and shows them in the panels of `panels`, in the colours of
`looks`, which are the wall's. `grafana` is the one file that knows the quirks of Grafana and its SDK. `building` makes
all files, `checking` validates them, `pushing` writes them into a running Grafana.

What is generated is committed: `json/` for the dashboards and the playlist, `provisioning/alerting/rules.yaml` for the
alert rules. The rest of `provisioning/` is written by hand. `schema/` is Grafana's own, published with its SDK.

Building needs the extra `dashboards`; pushing does not. May import the broker's contract, the ledger and the wall's
colour table, never edge or a service.
"""
