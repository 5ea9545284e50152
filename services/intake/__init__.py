"""How services take messages in: which service stores which kind, in steps of bounded size, one bad message apart.

Messages come in; batches for the store and rejections with their reason go out. `ingest` and `kpi` share it; it knows
no ledger.
"""
