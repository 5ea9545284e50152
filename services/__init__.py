"""The services: what listens to the broker, stores, counts and shows.

`ledger` is the pure core of productivity. `store` holds events and ledger in one of two engines; `query` answers every
question about them and is the only maker of numbers. `intake` is how a service reads messages, `health` whether it
works. `ingest`, `kpi` and `wall` are the services proper: they never import each other and meet in the store and on
the broker. All may import `broker`; none imports `edge` or `cli`.
"""
