"""The services: what listens to the broker, keeps, counts and shows.

`ledger` is the pure core of productivity; `store` keeps events and ledger and answers range questions; `ingest`, `kpi`
and `wall` are the services proper, which never import each other: they meet in the store and on the broker. All may
import `broker`, none imports `edge` or `cli`.
"""
