"""The ledger of many machines at once, in arrays: the rows of `services.ledger.rows`, hundreds of times as fast.

Columns of events come in, rows go out. It has no rule of its own: tests hold it to the rows that are made one by
one.
"""
