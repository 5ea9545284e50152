"""Productivity, pure: the fields of the ledger, the rows that events make, and the indicators of a sum of rows.

Nothing here does I/O or reads a clock. All quantities are integers of 10⁻⁹ of their unit (`fields`), so that sums are
exact and the same in whatever order they are made.
"""
