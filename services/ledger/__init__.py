"""Productivity, pure: the fields of the ledger, the rows that events make, and the indicators of a sum of rows.

Nothing here does I/O or reads a clock. All quantities are integers of 10⁻⁹ of their unit (`fields`), so that sums are
exact and the same in whatever order they are made. `history` holds a machine's events in order, `rows` builds its rows;
`columnar` builds the same rows of many machines at once; `indicators` are the formulas.
"""
