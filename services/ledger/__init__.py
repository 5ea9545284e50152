"""The ledger, as a pure core: its fields, the rows that follow from events, and the indicators of a sum of rows.

Nothing here does I/O or reads a clock. All quantities are integers of 10⁻⁹ of their unit (`fields`), so that sums are
exact in any order. `history` holds a machine's events by time, `rows` builds its rows, `columnar` builds the rows of
many machines at once, and `indicators` has the formulas.
"""
