"""The KPI service: stores states, counts and orders with the productivity ledger, and publishes the indicators.

Messages of its kinds come in from a source; events with the ledger rows that they change go into the store as one
batch, and indicators to the broker. `service` runs it, `ledger_writer` makes the batches of the machines of its
`fleet`, `recompute` makes rows again from stored events, `published` are the indicators. No formula comes in:
those are `services.ledger`'s.
"""
