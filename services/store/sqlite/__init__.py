"""The embedded engine: one SQLite file, one writer thread, a few readers that never wait for it.

Batches come in, rows and events go out, as `services.store.interface` has it. It knows no other engine, and what rows
mean together never comes in.
"""
