"""The store: events as they were, the ledger, rejected messages, and what is known of assets.

`interface` says what a store is, `opening` opens one by its URL. The engines are `sqlite` (embedded) and `influx` (an
InfluxDB 1.x, 2.x or 3.x); both pass the same tests. Batches come in, rows and events go out; what they mean together is
for `services.query`.
"""
