"""The store: events as they came, the ledger, rejected messages, and the registry of assets and signals.

`interface` defines a store, `opening` opens one by its URL. The engines are `sqlite` (embedded) and `influx` (InfluxDB
1.x, 2.x or 3.x); both pass the same tests. Batches come in, rows and events go out; `services.query` interprets them.
"""
