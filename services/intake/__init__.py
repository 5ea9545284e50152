"""How services read messages: which service stores which kind, in steps of bounded size, a bad message by itself.

Messages come in; batches for the store and rejections with their reason go out. `ingest` and `kpi` share it; it knows
no ledger.
"""
