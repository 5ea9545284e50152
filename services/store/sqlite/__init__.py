"""The embedded engine: one SQLite file, one writer thread, a few readers that never wait for it."""
